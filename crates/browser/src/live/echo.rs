//! Reading what has the focus, after each input and whenever a page tells of a change, so that the owner's screen can be ahead of the
//! picture and still end up equal to the page.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use serde_json::{Value, json};

use super::Shared;
use super::document::{Document, PATIENCE};
use super::input::delete;
use super::message::{Choice, Choices, Field, Rectangle, Said};
use super::upload::Wish;
use crate::BrowserError;
use crate::cdp::{Pending, Session, SessionId};

const DESCRIBE_FIELD: &str = include_str!("describe_field.js");
const READ_CHOICES: &str = include_str!("read_choices.js");
const CHOOSE: &str = include_str!("choose.js");
const READ_SELECTION: &str = include_str!("read_selection.js");

/// How long it may take for an input: while a dialog is open, none is answered.
const INPUT_PATIENCE: Duration = Duration::from_secs(10);

/// Something for the echo to do.
pub(super) enum Job {
    /// These calls were that input.
    Applied { number: u64, calls: Vec<Pending> },
    /// Something changed in that document.
    Look { session: Session, context: i64 },
    /// A frame has a new document.
    Arrived { session: Session, frame: String },
    /// A list was opened there.
    Open { session: Session, context: i64 },
    /// An entry of it was chosen, or none.
    Choose { index: Option<u32> },
    /// A page asks for files, or is answered.
    Files(Wish),
    /// That viewer wants to know what is selected; with `cut`, it is then removed.
    Copy { viewer: u64, number: u64, cut: bool },
    /// Someone else drives, who counts inputs anew and was told nothing yet.
    Driver,
    /// Someone new watches, and was told nothing yet.
    Again,
    /// The view is over.
    End,
}

/// Which field it is: its document's session and world, and its number there.
type OwnNumber = (SessionId, i64, u32);

struct Echo<'a> {
    shared: &'a Shared,
    focus: Option<Document>,
    list: Option<Document>,
    after: u64,
    told: Option<Said>,
    /// Which field was told last, and how many different ones there were.
    field: Option<OwnNumber>,
    fields: u32,
}

/// Reads until the view ends.
pub(super) fn run(shared: &Arc<Shared>, jobs: &Receiver<Job>) {
    let mut echo = Echo { shared, focus: None, list: None, after: 0, told: None, field: None, fields: 0 };
    while let Ok(job) = jobs.recv() {
        let mut next = Some(job);
        // One look for all that has come meanwhile.
        while let Some(job) = next {
            if matches!(job, Job::End) {
                return;
            }
            echo.take(job);
            next = jobs.try_recv().ok();
        }
        echo.look();
    }
}

impl Echo<'_> {
    fn take(&mut self, job: Job) {
        match job {
            Job::Applied { number, calls } => self.applied(number, calls),
            Job::Look { session, context } => self.changed(Document { session, context }),
            Job::Arrived { session, frame } => {
                if let Ok(document) = Document::of(session, &frame) {
                    // A page's own frame has its target's id; no other frame is a tab.
                    self.title(&document, &frame);
                    self.changed(document);
                }
            }
            Job::Open { session, context } => {
                let list = Document { session, context };
                match self.choices(&list) {
                    Ok(choices) => {
                        self.list = Some(list);
                        self.shared.state().audience.say(&Said::Choices { choices: Some(choices) });
                    }
                    Err(error) => tracing::debug!(%error, "a list could not be read"),
                }
            }
            Job::Choose { index } => {
                let list = self.list.take();
                if let (Some(list), Some(index)) = (list, index) {
                    // A list that is gone by now has no choice to be told.
                    let _ = list.call(CHOOSE, json!({ "value": index }));
                }
                self.shared.state().audience.say(&Said::Choices { choices: None });
            }
            Job::Files(wish) => self.shared.attend(wish),
            Job::Copy { viewer, number, cut } => self.copy(viewer, number, cut),
            Job::Driver => {
                self.after = 0;
                self.tell_again();
            }
            Job::Again => self.tell_again(),
            Job::End => {}
        }
    }

    /// What has the focus is told anew. A page that was open before anyone watched has told nothing of it by itself.
    fn tell_again(&mut self) {
        self.told = None;
        if self.focus.is_none()
            && let Some(document) = self.main_document()
        {
            self.changed(document);
        }
    }

    fn applied(&mut self, number: u64, calls: Vec<Pending>) {
        for call in calls {
            // A page that is gone by now has taken it all the same.
            let _ = call.wait(INPUT_PATIENCE);
        }
        self.after = self.after.max(number);
    }

    fn copy(&mut self, viewer: u64, number: u64, cut: bool) {
        let document = self.focus.clone().or_else(|| self.main_document());
        let read = document.map(|document| document.call(READ_SELECTION, Value::Null));
        let text = match read {
            Some(Ok(text)) => text.as_str().unwrap_or_default().to_owned(),
            _ => String::new(),
        };
        let session = self.shared.state().shown_session().filter(|_| cut && !text.is_empty());
        self.shared.state().audience.say_to(viewer, Said::Copied { after: number, text });
        if let Some(Ok(calls)) = session.as_ref().map(delete) {
            self.applied(number, calls);
        }
    }

    /// A page's own title. Chromium tells of a new address by itself, and of the title that belongs to it too early.
    fn title(&self, document: &Document, frame: &str) {
        if let Ok(told) = document.call("() => [document.title, location.href]", Value::Null) {
            let mut state = self.shared.state();
            let title = told[0].as_str().filter(|title| !title.is_empty());
            if let (Some(title), Some(address)) = (title, told[1].as_str())
                && state.tabs.rename(frame, title.to_owned(), address)
            {
                state.tell_tabs();
            }
        }
    }

    /// Something changed there: the focus is there, or no longer, or was never.
    fn changed(&mut self, document: Document) {
        let is_focus = self.focus.as_ref().is_some_and(|focus| focus.is(&document));
        if !is_focus && document.has_focus().is_ok_and(|has| has) {
            self.focus = Some(document);
        }
    }

    /// Tells the field with the focus, unless all of it was told before.
    fn look(&mut self) {
        if self.shared.is_typing() {
            self.told = None;
            return;
        }
        let field = self.focus.as_ref().map(|document| self.read(document));
        let field = match field {
            Some(Ok(field)) => field.map(|(field, own)| self.numbered(field, own)),
            // Its document is gone, and the focus with it.
            Some(Err(_)) => {
                self.focus = None;
                None
            }
            None => None,
        };
        let said = Said::Field { after: self.after, field: field.map(Box::new) };
        if self.told.as_ref() != Some(&said) && !self.shared.is_typing() {
            self.shared.state().audience.say(&said);
            self.told = Some(said);
        }
    }

    fn numbered(&mut self, mut field: Field, own: OwnNumber) -> Field {
        if self.field.as_ref() != Some(&own) {
            self.field = Some(own);
            self.fields += 1;
        }
        field.id = self.fields;
        field
    }

    fn read(&self, document: &Document) -> Result<Option<(Field, OwnNumber)>, BrowserError> {
        let Some((element, described)) = document.focused_as(DESCRIBE_FIELD)? else { return Ok(None) };
        let at = self.place(document, &element)?;
        document.release(&element);
        let Ok(field) = serde_json::from_value::<Field>(described) else { return Ok(None) };
        let own = (document.session.id().clone(), document.context, field.id);
        Ok(Some((Field { at, ..field }, own)))
    }

    fn choices(&self, document: &Document) -> Result<Choices, BrowserError> {
        let select = document.hold("() => globalThis.freeholdSelect")?.unwrap_or_default();
        let options = document.on(&select, READ_CHOICES)?;
        let at = self.place(document, &select)?;
        document.release(&select);
        let method = "Runtime.callFunctionOn".to_owned();
        let options: Vec<Choice> = serde_json::from_value(options)
            .map_err(|error| BrowserError::Unexpected { method, detail: error.to_string() })?;
        Ok(Choices { at, options })
    }

    /// Where an element is in the page's viewport. A frame of another site knows only where it is in its own.
    fn place(&self, document: &Document, element: &str) -> Result<Rectangle, BrowserError> {
        let answer = document.session.call_within("DOM.getContentQuads", json!({ "objectId": element }), PATIENCE)?;
        let quad = &answer["quads"][0];
        let at = |index: usize| quad[index].as_f64().unwrap_or_default();
        let mut place = Rectangle { x: at(0), y: at(1), width: at(4) - at(0), height: at(5) - at(1) };
        let mut session = document.session.clone();
        while let Some((outer, frame)) = self.within(&session) {
            let owner = outer.call_within("DOM.getFrameOwner", json!({ "frameId": frame }), PATIENCE)?;
            let owner = json!({ "backendNodeId": owner["backendNodeId"] });
            let model = outer.call_within("DOM.getBoxModel", owner, PATIENCE)?;
            place.x += model["model"]["content"][0].as_f64().unwrap_or_default();
            place.y += model["model"]["content"][1].as_f64().unwrap_or_default();
            session = outer;
        }
        Ok(place)
    }

    fn within(&self, session: &Session) -> Option<(Session, String)> {
        let state = self.shared.state();
        let (outer, frame) = state.tabs.place(session.id())?.within.clone()?;
        Some((self.shared.client.session(outer), frame))
    }

    /// The page that is shown, for when no field has the focus.
    fn main_document(&self) -> Option<Document> {
        let session = self.shared.state().shown_session()?;
        let tree = session.call_within("Page.getFrameTree", json!({}), PATIENCE).ok()?;
        Document::of(session, tree["frameTree"]["frame"]["id"].as_str()?).ok()
    }
}
