//! Files the owner gives to a page that asks for them.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};

use super::document::{Document, PATIENCE};
use super::echo::Job;
use super::message::{Chooser, GivenFile, NotGiven, Said};
use super::{Shared, State};
use crate::BrowserError;
use crate::cdp::{Event, Session, SessionId};

const READ_WISH: &str = include_str!("read_wish.js");
/// What a browser does when its dialog is closed without a choice.
const DECLINE: &str = "function () { this.dispatchEvent(new Event('cancel', { bubbles: true })) }";

/// The largest file that is taken, in bytes.
const LARGEST: u64 = 32 << 20;
/// Files that are taken at once.
const MOST: usize = 20;
/// What all files of a view may take up, in bytes, whichever way they go: they may be in memory.
const ROOM: u64 = 128 << 20;

/// A page's wish for files, and how it is met.
#[derive(Default)]
pub(super) struct Uploads {
    wanted: Option<(Element, Chooser)>,
    counted: u32,
    coming: Option<Coming>,
    /// The bytes that were given so far.
    given: u64,
}

/// A page's field for files.
#[derive(Clone)]
pub(super) struct Element {
    session: Session,
    frame: String,
    /// Chromium's number for it.
    node: i64,
}

/// What there is to do in a page about its files.
pub(super) enum Wish {
    /// It asks for them: the owner is told what for.
    Read { element: Element, multiple: bool },
    /// It gets these of that viewer's.
    Grant { viewer: u64, element: Element, paths: Vec<PathBuf> },
    /// It gets none.
    Decline(Element),
}

/// Files on their way from a viewer.
struct Coming {
    viewer: u64,
    paths: Vec<PathBuf>,
    /// The bytes of all of them.
    size: u64,
    /// Those that are not all here, and the bytes that each lacks.
    files: VecDeque<(File, u64)>,
}

/// A page would open its dialog for files.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    frame_id: String,
    mode: String,
    /// `None` where a script asks without a field, which there is no answer to.
    backend_node_id: Option<i64>,
}

impl Shared {
    /// A page asks for files. What is asked for is read where a page may take its time.
    pub(super) fn wished(&self, session: Session, event: &Event) {
        if let Some(opened) = event.params::<Opened>()
            && let Some(node) = opened.backend_node_id
            && !self.is_typing()
        {
            let element = Element { session, frame: opened.frame_id, node };
            self.job(Job::Files(Wish::Read { element, multiple: opened.mode == "selectMultiple" }));
        }
    }

    /// Does in the page what there is to do.
    pub(super) fn attend(&self, wish: Wish) {
        match wish {
            Wish::Read { element, multiple } => match element.run(READ_WISH) {
                Ok(told) => {
                    let text = |index: usize| told[index].as_str().unwrap_or_default().to_owned();
                    self.state().want_files(element, multiple, text(0), text(1));
                }
                Err(error) => tracing::debug!(%error, "what a page asks for could not be read"),
            },
            Wish::Grant { viewer, element, paths } => {
                let files = json!({ "files": paths, "backendNodeId": element.node });
                if let Err(error) = element.session.call_within("DOM.setFileInputFiles", files, PATIENCE) {
                    tracing::debug!(%error, "a page did not get the files it asked for");
                    self.state().audience.say_to(viewer, Said::NotGiven { why: NotGiven::Gone });
                }
            }
            Wish::Decline(element) => {
                // One that is gone by now does not need to hear of it.
                let _ = element.run(DECLINE);
            }
        }
    }

    /// The owner's answer to a page's wish.
    pub(super) fn give(&self, viewer: u64, chooser: u32, given: Vec<GivenFile>) {
        let mut state = self.state();
        let Some((element, wish)) = state.uploads.wanted.clone().filter(|(_, wish)| wish.id == chooser) else { return };
        if given.is_empty() {
            state.withdraw_chooser();
            return self.job(Job::Files(Wish::Decline(element)));
        }
        match state.begin(viewer, &wish, given) {
            Ok(()) => self.give_if_complete(&mut state),
            Err(why) => state.audience.say_to(viewer, Said::NotGiven { why }),
        }
    }

    /// Bytes of the file that is on its way from that viewer.
    pub(super) fn take_bytes(&self, viewer: u64, bytes: &[u8]) {
        let mut state = self.state();
        if !state.audience.drives(viewer) {
            return;
        }
        let Some(coming) = state.uploads.coming.as_mut().filter(|coming| coming.viewer == viewer) else { return };
        let Some((file, lacks)) = coming.files.front_mut() else { return };
        let left = lacks.checked_sub(bytes.len() as u64);
        match left.filter(|_| file.write_all(bytes).is_ok()) {
            Some(left) => {
                *lacks = left;
                self.give_if_complete(&mut state);
            }
            None => {
                state.abandon();
                state.audience.say_to(viewer, Said::NotGiven { why: NotGiven::NoRoom });
            }
        }
    }

    fn give_if_complete(&self, state: &mut State) {
        let Some(coming) = &mut state.uploads.coming else { return };
        while coming.files.front().is_some_and(|(_, lacks)| *lacks == 0) {
            coming.files.pop_front();
        }
        if coming.files.is_empty()
            && let Some(coming) = state.uploads.coming.take()
            && let Some((element, _)) = state.uploads.wanted.clone()
        {
            state.withdraw_chooser();
            self.job(Job::Files(Wish::Grant { viewer: coming.viewer, element, paths: coming.paths }));
        }
    }
}

impl Element {
    /// Runs a function on it.
    fn run(&self, function: &str) -> Result<Value, BrowserError> {
        let document = Document::of(self.session.clone(), &self.frame)?;
        let element = document.element(self.node)?;
        let told = document.on(&element, function);
        document.release(&element);
        told
    }
}

impl State {
    fn want_files(&mut self, element: Element, multiple: bool, accept: String, from: String) {
        // Where nobody watches nobody is asked, as with any dialog.
        if self.audience.len() > 0 {
            self.abandon();
            self.uploads.counted += 1;
            let chooser = Chooser { id: self.uploads.counted, multiple, accept, from, largest: LARGEST };
            self.audience.say(&Said::Chooser { chooser: Some(chooser.clone()) });
            self.uploads.wanted = Some((element, chooser));
        }
    }

    /// The page is not asked for files any more.
    pub(super) fn withdraw_chooser(&mut self) {
        self.abandon();
        if self.uploads.wanted.take().is_some() {
            self.audience.say(&Said::Chooser { chooser: None });
        }
    }

    /// The page of that session is another one now.
    pub(super) fn forget_wish_of(&mut self, left: &SessionId) {
        if self.uploads.wanted.as_ref().is_some_and(|(element, _)| element.session.id() == left) {
            self.withdraw_chooser();
        }
    }

    /// A page or a frame is gone: what it wanted is not wanted any more.
    pub(super) fn forget_lost_wish(&mut self) {
        let page = |element: &Element| self.tabs.place(element.session.id());
        if self.uploads.wanted.as_ref().is_some_and(|(element, _)| page(element).is_none()) {
            self.withdraw_chooser();
        }
    }

    /// What is wanted now, if anything is.
    pub(super) fn said_of_chooser(&self) -> Said {
        Said::Chooser { chooser: self.uploads.wanted.as_ref().map(|(_, chooser)| chooser.clone()) }
    }

    /// The bytes there is room for.
    pub(super) fn room(&self) -> u64 {
        ROOM.saturating_sub(self.uploads.given + self.downloaded())
    }

    /// What is still on its way comes to nothing.
    fn abandon(&mut self) {
        if let Some(coming) = self.uploads.coming.take() {
            coming.paths.iter().for_each(|path| self.folder.discard(path));
            self.uploads.given -= coming.size;
        }
    }

    fn begin(&mut self, viewer: u64, wish: &Chooser, given: Vec<GivenFile>) -> Result<(), NotGiven> {
        self.abandon();
        let most = if wish.multiple { MOST } else { 1 };
        if given.len() > most || given.iter().any(|file| file.size > LARGEST) {
            return Err(NotGiven::TooLarge);
        }
        let size: u64 = given.iter().map(|file| file.size).sum();
        if size > self.room() {
            return Err(NotGiven::NoRoom);
        }
        let mut coming = Coming { viewer, paths: Vec::new(), size, files: VecDeque::new() };
        for file in given {
            let (made, path) = self.folder.create(&file.name).map_err(|error| {
                tracing::warn!(%error, "a file for a page could not be made");
                NotGiven::NoRoom
            })?;
            coming.paths.push(path);
            coming.files.push_back((made, file.size));
        }
        self.uploads.given += size;
        self.uploads.coming = Some(coming);
        Ok(())
    }
}
