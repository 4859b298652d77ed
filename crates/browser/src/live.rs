//! The live view: a source's browser on the owner's screen, and the owner's hands in it.
//!
//! Two threads of the view's own: one hears what Chromium tells (frames go from there to whoever watches), one reads after each input
//! what the focused field looks like, so that the owner's own screen can show typing before the picture comes back.

mod audience;
mod cast;
mod document;
mod download;
mod echo;
mod folder;
mod hear;
mod input;
pub mod message;
mod seat;
mod tabs;
mod upload;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;

use self::audience::Audience;
use self::cast::Screen;
use self::download::Downloads;
pub use self::download::SavedFile;
use self::echo::Job;
use self::folder::Folder;
use self::message::{Dialog, End, FromClient, Said, ToClient};
use self::seat::Seat;
use self::tabs::Tabs;
use self::upload::Uploads;
use crate::cdp::{Client, Session};
use crate::{BrowserError, Reach};

/// A browser that can be watched and driven. Dropping it ends it for everyone who watches; the browser stays as it is.
pub struct LiveView(Arc<Shared>);

/// One who watches. Dropping it leaves.
pub struct Viewer {
    id: u64,
    seat: Arc<Seat>,
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    /// Whether the sign-in machine types.
    typing: Arc<AtomicBool>,
    state: Mutex<State>,
    jobs: Sender<Job>,
}

struct State {
    tabs: Tabs,
    reach: Reach,
    shown: u32,
    audience: Audience,
    screen: Screen,
    frames: u64,
    /// Whether Chromium sends frames.
    casting: bool,
    /// What viewers were told of `typing`.
    filling: bool,
    /// The cast the newest frame was of, and the one whose frames may show what was being typed.
    seen_cast: i64,
    stale_cast: Option<i64>,
    dialog: Option<(Session, Dialog)>,
    folder: Folder,
    uploads: Uploads,
    downloads: Downloads,
    /// A button or a finger is down.
    pressed: bool,
    ended: bool,
}

impl LiveView {
    /// A view of the browser at the other end, beginning with the page of that target id: of all its pages, or of that one and what it
    /// opens. Chromium sends pictures only while someone watches.
    ///
    /// Files go through a directory in `scratch`, the browser's own, which has to go with its run.
    ///
    /// While `typing` holds, Freehold itself fills in a page: frames are held back, input does not count, and viewers are told.
    pub fn new(
        client: &Client,
        first: &str,
        reach: Reach,
        scratch: &Path,
        typing: Arc<AtomicBool>,
    ) -> Result<Arc<Self>, BrowserError> {
        let events = client.all_events();
        let mut tabs = Tabs::default();
        let shown = tabs.attach(client, first)?.unwrap_or_default();
        // Others that are open already; the browser lists the newest first.
        let targets = client.call("Target.getTargets", json!({}))?;
        for target in targets["targetInfos"].as_array().into_iter().flatten().rev().filter(|target| target["type"] == "page")
        {
            if reach == Reach::All {
                tabs.attach(client, target["targetId"].as_str().unwrap_or_default())?;
            }
        }
        let (jobs, work) = channel();
        let state = State {
            tabs,
            reach,
            shown,
            audience: Audience::default(),
            screen: Screen::default(),
            frames: 0,
            casting: false,
            filling: typing.load(Ordering::Acquire),
            seen_cast: 0,
            stale_cast: None,
            dialog: None,
            folder: Folder::new(scratch),
            uploads: Uploads::default(),
            downloads: Downloads::default(),
            pressed: false,
            ended: false,
        };
        let shared = Arc::new(Shared { client: client.clone(), typing, state: Mutex::new(state), jobs });
        let view = Self(Arc::clone(&shared));
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let hearing = Arc::clone(&shared);
        named("live view").spawn(move || hear::run(&hearing, &events))?;
        named("live echo").spawn(move || echo::run(&shared, &work))?;
        // Titles and addresses come as events, and every page that is opened or closed.
        client.call("Target.setDiscoverTargets", json!({ "discover": true }))?;
        Ok(Arc::new(view))
    }

    /// One more watches. The first drives. The last frame, the tabs, what a page waits for and the files it handed out are told at
    /// once.
    pub fn join(&self) -> Viewer {
        let mut state = self.0.state();
        let (id, seat) = state.audience.join();
        if state.ended {
            state.audience.dismiss(End::Over);
        } else {
            state.tell_tabs();
            state.tell_state();
            if let Some((_, dialog)) = &state.dialog {
                state.audience.say_to(id, Said::Dialog { dialog: Some(dialog.clone()) });
            }
            state.audience.say_to(id, state.said_of_chooser());
            state.audience.say_to(id, state.said_of_downloads());
            if !state.downloads.are_kept
                && let Err(error) = state.keep_downloads(&self.0.client)
            {
                tracing::warn!(%error, "what pages hand out cannot be kept");
            }
            if !state.casting {
                state.cast();
            }
            self.0.job(if state.audience.drives(id) { Job::Driver } else { Job::Again });
        }
        drop(state);
        Viewer { id, seat, shared: Arc::clone(&self.0) }
    }

    /// Shows everyone out: what the view was opened for is settled. It can be joined again.
    pub fn dismiss(&self) {
        self.0.dismiss(End::Over);
    }

    /// Shows one out, by the number of their seat.
    pub fn show_out(&self, seat: u64) {
        self.0.show_out(seat);
    }

    /// How many watch.
    pub fn viewers(&self) -> usize {
        self.0.state().audience.len()
    }
}

impl Drop for LiveView {
    fn drop(&mut self) {
        self.0.dismiss(End::Over);
        let mut state = self.0.state();
        state.ended = true;
        state.tabs.detach(&self.0.client);
        self.0.job(Job::End);
    }
}

impl Viewer {
    /// The next thing to show, within that time; `None` if there was nothing. The last is `Closed`, and it stays.
    pub fn next(&self, patience: Duration) -> Option<ToClient> {
        self.seat.next(patience)
    }

    /// Leaves now, whoever else still holds on to this viewer. What it is told after that is the end.
    pub fn leave(&self) {
        self.shared.show_out(self.id);
    }

    /// The number of this viewer's seat in its view.
    pub fn seat_number(&self) -> u64 {
        self.id
    }

    /// Takes what the owner did. What comes from someone who does not drive is ignored, but for taking over.
    pub fn input(&self, given: FromClient) {
        if let FromClient::Drawn { frame } = given {
            self.seat.drawn(frame);
        } else if let Err(error) = self.shared.take(self.id, given) {
            // The page or the browser is gone, which the viewer is told by what follows from it.
            tracing::debug!(%error, "an input came to nothing");
        }
    }

    /// Takes bytes of the files that were announced with [`FromClient::Give`].
    pub fn bytes(&self, bytes: &[u8]) {
        self.shared.take_bytes(self.id, bytes);
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the echo something to do. After the end there is nothing to do.
    fn job(&self, job: Job) {
        let _ = self.jobs.send(job);
    }

    fn show_out(&self, seat: u64) {
        let mut state = self.state();
        let drove = state.audience.show_out(seat);
        state.tell_state();
        if state.audience.len() == 0 {
            state.stop_cast();
        }
        if drove {
            self.job(Job::Driver);
        }
    }

    /// Shows everyone out. What was asked for or handed out for them is gone.
    fn dismiss(&self, why: End) {
        let mut state = self.state();
        state.withdraw_chooser();
        state.drop_downloads(&self.client);
        state.dismiss(why);
    }

    fn is_typing(&self) -> bool {
        self.typing.load(Ordering::Acquire)
    }
}

impl State {
    fn tell_state(&self) {
        self.audience.tell_state(self.filling);
    }

    fn tell_tabs(&self) {
        self.audience.say(&Said::Tabs { shown: self.shown, tabs: self.tabs.list() });
    }

    fn dismiss(&mut self, why: End) {
        self.audience.dismiss(why);
        self.stop_cast();
    }
}
