//! What Chromium tells by itself: frames, pages that come and go, dialogs, wishes for files.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::echo::Job;
use super::message::{Dialog, End, Said};
use super::tabs::{BINDING, bind, send};
use super::{Shared, State};
use crate::cdp::{Event, Events, Session, SessionId};
use crate::{BrowserError, Reach};

/// How often it is looked whether Freehold types.
const TICK: Duration = Duration::from_millis(40);

/// Hears until the view or the browser ends.
pub(super) fn run(shared: &Arc<Shared>, events: &Events) {
    loop {
        let heard = events.next(TICK);
        if shared.state().ended {
            return;
        }
        shared.notice_typing();
        match heard {
            Ok(Some(event)) => {
                if let Err(error) = shared.hear(&event) {
                    tracing::debug!(%error, event = event.method, "the live view could not follow");
                }
            }
            Ok(None) => {}
            Err(_) => {
                shared.dismiss(End::BrowserGone);
                return;
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    target_info: Target,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    target_id: String,
    r#type: String,
    title: String,
    url: String,
    opener_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Gone {
    target_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attached {
    session_id: SessionId,
    target_info: Target,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detached {
    session_id: SessionId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    name: String,
    payload: String,
    execution_context_id: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opening {
    url: String,
    message: String,
    r#type: String,
    #[serde(default)]
    default_prompt: String,
}

impl Shared {
    /// Tells the viewers when Freehold begins or stops typing. What Chromium drew meanwhile is never shown; afterwards the page is
    /// drawn anew.
    fn notice_typing(&self) {
        let typing = self.is_typing();
        let mut state = self.state();
        if state.filling != typing {
            state.filling = typing;
            state.tell_state();
            if typing {
                state.audience.blank();
                state.audience.say(&Said::Field { after: 0, field: None });
            } else {
                state.stale_cast = Some(state.seen_cast);
                if state.casting {
                    state.recast();
                }
                self.job(Job::Again);
            }
        }
    }

    fn hear(&self, event: &Event) -> Result<(), BrowserError> {
        match &event.session {
            None => self.hear_browser(event),
            Some(id) => {
                let session = self.client.session(id.clone());
                if event.method == "Page.screencastFrame" {
                    return self.frame(&session, event);
                }
                if self.state().tabs.place(id).is_none() {
                    return Ok(());
                }
                self.hear_page(session, event)
            }
        }
    }

    fn hear_browser(&self, event: &Event) -> Result<(), BrowserError> {
        match event.method.as_str() {
            "Target.targetCreated" => {
                let Some(About { target_info: target }) = event.params::<About>() else { return Ok(()) };
                if target.r#type != "page" {
                    return Ok(());
                }
                let mut state = self.state();
                let opened = target.opener_id.is_some_and(|opener| state.tabs.has(&opener));
                if state.reach == Reach::Below && !opened {
                    return Ok(());
                }
                let attached = state.tabs.attach(&self.client, &target.target_id)?;
                state.tabs.rename(&target.target_id, target.title, &target.url);
                self.read_title(&state, target.target_id);
                match attached {
                    // What was just opened is what the owner wants to see.
                    Some(tab) => state.show(tab),
                    None => state.tell_tabs(),
                }
            }
            "Target.targetInfoChanged" => {
                if let Some(About { target_info: target }) = event.params::<About>() {
                    let mut state = self.state();
                    if state.tabs.rename(&target.target_id, target.title, &target.url) {
                        state.tell_tabs();
                        self.read_title(&state, target.target_id);
                    }
                }
            }
            "Target.targetDestroyed" => {
                if let Some(gone) = event.params::<Gone>() {
                    let mut state = self.state();
                    if let Some(tab) = state.tabs.remove(&gone.target_id) {
                        state.forget_lost_wish();
                        state.left(tab);
                    }
                }
            }
            "Browser.downloadWillBegin" => self.download_begins(event),
            "Browser.downloadProgress" => self.download_goes_on(event),
            _ => {}
        }
        Ok(())
    }

    /// Asks the page itself for its title: what Chromium tells with a new address may be the last word of it, and too early.
    fn read_title(&self, state: &State, target: String) {
        if let Some(session) = state.tabs.session(&target) {
            self.job(Job::Arrived { session, frame: target });
        }
    }

    fn hear_page(&self, session: Session, event: &Event) -> Result<(), BrowserError> {
        match event.method.as_str() {
            "Runtime.bindingCalled" => {
                if let Some(told) = event.params::<Told>().filter(|told| told.name == BINDING) {
                    let context = told.execution_context_id;
                    self.job(match told.payload.as_str() {
                        "choices" => Job::Open { session, context },
                        _ => Job::Look { session, context },
                    });
                }
            }
            "Page.frameNavigated" | "Page.frameStoppedLoading" => {
                bind(&session)?;
                let params: Value = event.params().unwrap_or_default();
                if params["frame"].is_object() && params["frame"]["parentId"].is_null() {
                    self.state().forget_wish_of(session.id());
                }
                let frame = params["frame"]["id"].as_str().or(params["frameId"].as_str());
                if let Some(frame) = frame {
                    self.job(Job::Arrived { session, frame: frame.to_owned() });
                }
            }
            "Target.attachedToTarget" => {
                if let Some(attached) = event.params::<Attached>().filter(|attached| attached.target_info.r#type == "iframe")
                {
                    let frame = self.client.session(attached.session_id);
                    self.state().tabs.attach_frame(session.id(), &frame, attached.target_info.target_id)?;
                }
            }
            "Target.detachedFromTarget" => {
                if let Some(detached) = event.params::<Detached>() {
                    let mut state = self.state();
                    state.tabs.forget_session(&detached.session_id);
                    state.forget_lost_wish();
                }
            }
            "Page.javascriptDialogOpening" => {
                if let Some(opening) = event.params::<Opening>() {
                    self.state().open_dialog(session, opening)?;
                }
            }
            "Page.javascriptDialogClosed" => {
                let mut state = self.state();
                if state.dialog.take().is_some() {
                    state.audience.say(&Said::Dialog { dialog: None });
                }
            }
            "Page.fileChooserOpened" => self.wished(session, event),
            _ => {}
        }
        Ok(())
    }
}

impl State {
    /// A dialog stops its page until it is answered. Nobody is asked whether to leave a page, and where nobody watches nobody is
    /// asked at all.
    fn open_dialog(&mut self, session: Session, opening: Opening) -> Result<(), BrowserError> {
        let leaving = opening.r#type == "beforeunload";
        if leaving || self.audience.len() == 0 {
            let accept = leaving || opening.r#type == "alert";
            return send(&session, "Page.handleJavaScriptDialog", json!({ "accept": accept }));
        }
        let mut parts = opening.url.splitn(4, '/');
        let from = [parts.next(), parts.next(), parts.next()].map(Option::unwrap_or_default).join("/");
        let dialog = Dialog { form: opening.r#type, message: opening.message, from, proposed: opening.default_prompt };
        self.audience.say(&Said::Dialog { dialog: Some(dialog.clone()) });
        self.dialog = Some((session, dialog));
        Ok(())
    }
}
