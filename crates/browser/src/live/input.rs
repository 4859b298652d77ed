//! The owner's input, as calls to Chromium. Nothing waits here: the order of the calls is the order of the input.

use serde_json::{Value, json};

use super::echo::Job;
use super::message::{Button, FromClient, Point, Press, Said, Way};
use super::tabs::send;
use super::{Shared, State};
use crate::BrowserError;
use crate::cdp::{Pending, Session};

const CONTROL: u8 = 2;
/// Alt, Ctrl and Meta: with one of them a key is a command and no text.
const COMMANDS: u8 = 1 | CONTROL | 4;
/// What is pasted at once, at most, in characters.
const MOST_TEXT: usize = 100_000;

impl Shared {
    /// Does what that viewer did, if it drives.
    pub(super) fn take(&self, viewer: u64, given: FromClient) -> Result<(), BrowserError> {
        match given {
            FromClient::TakeOver => return self.hand_over(Some(viewer)),
            FromClient::HandBack if self.state().audience.drives(viewer) => return self.hand_over(None),
            _ => {}
        }
        if !self.state().audience.drives(viewer) {
            return Ok(());
        }
        match given {
            FromClient::Resize { width, height, scale, touch } => return self.resize(width, height, scale, touch),
            FromClient::Show { tab } => self.state().show(tab),
            FromClient::Close { tab } => self.state().tabs.close(&self.client, tab)?,
            _ if self.is_typing() => {}
            FromClient::Give { chooser, files } => self.give(viewer, chooser, files),
            FromClient::Answer { accept, text } => self.answer(accept, &text)?,
            FromClient::Choose { index } => self.job(Job::Choose { index }),
            FromClient::Copy { number, cut } => self.job(Job::Copy { viewer, number, cut }),
            FromClient::Go { way } => self.go(way)?,
            on_page => self.page_input(on_page)?,
        }
        Ok(())
    }

    fn hand_over(&self, to: Option<u64>) -> Result<(), BrowserError> {
        let mut state = self.state();
        state.audience.set_driver(to);
        state.pressed = false;
        state.tell_state();
        self.job(Job::Driver);
        Ok(())
    }

    fn answer(&self, accept: bool, text: &str) -> Result<(), BrowserError> {
        let mut state = self.state();
        let Some((session, _)) = state.dialog.take() else { return Ok(()) };
        state.audience.say(&Said::Dialog { dialog: None });
        send(&session, "Page.handleJavaScriptDialog", json!({ "accept": accept, "promptText": text }))
    }

    fn go(&self, way: Way) -> Result<(), BrowserError> {
        let Some(session) = self.state().shown_session() else { return Ok(()) };
        if way == Way::Reload {
            return send(&session, "Page.reload", json!({}));
        }
        let history = session.call("Page.getNavigationHistory", json!({}))?;
        let before = history["currentIndex"].as_u64().and_then(|index| usize::try_from(index).ok()?.checked_sub(1));
        match before.map(|before| &history["entries"][before]["id"]) {
            Some(entry) if !entry.is_null() => send(&session, "Page.navigateToHistoryEntry", json!({ "entryId": entry })),
            _ => Ok(()),
        }
    }

    fn page_input(&self, given: FromClient) -> Result<(), BrowserError> {
        let (number, calls) = {
            let mut state = self.state();
            let Some(session) = state.shown_session() else { return Ok(()) };
            // A page with a dialog takes nothing else.
            if state.dialog.is_some() {
                return Ok(());
            }
            match state.calls(given) {
                Some((number, method, calls)) => (number, sent(&session, method, calls)?),
                None => return Ok(()),
            }
        };
        if let Some(number) = number {
            self.job(Job::Applied { number, calls });
        }
        Ok(())
    }
}

/// The calls of what a cut does once the text was read.
pub(super) fn delete(session: &Session) -> Result<Vec<Pending>, BrowserError> {
    let calls = ["rawKeyDown", "keyUp"].map(|r#type| key_event(r#type, "Delete", "Delete", 46, 0, 0, None));
    sent(session, "Input.dispatchKeyEvent", calls.into())
}

fn sent(session: &Session, method: &str, calls: Vec<Value>) -> Result<Vec<Pending>, BrowserError> {
    calls.into_iter().map(|params| session.send(method, params)).collect()
}

/// A method, its calls' parameters, and the input's number where a look is worth it afterwards.
type Calls = (Option<u64>, &'static str, Vec<Value>);

impl State {
    fn calls(&mut self, given: FromClient) -> Option<Calls> {
        match given {
            FromClient::Pointer { number, frame, action, x, y, button, buttons, clicks, modifiers } => {
                let is_move = action == Press::Move;
                self.press(action, frame)?;
                let button = match button {
                    Button::None => "none",
                    Button::Left => "left",
                    Button::Middle => "middle",
                    Button::Right => "right",
                };
                let r#type = match action {
                    Press::Move => "mouseMoved",
                    Press::Down => "mousePressed",
                    Press::Up | Press::Cancel => "mouseReleased",
                };
                let clicks = if is_move { 0 } else { clicks.clamp(1, 3) };
                let event = json!({
                    "type": r#type, "x": x, "y": y, "button": button, "buttons": buttons, "clickCount": clicks,
                    "modifiers": modifiers, "pointerType": "mouse",
                });
                Some(((!is_move).then_some(number), "Input.dispatchMouseEvent", vec![event]))
            }
            FromClient::Wheel { number, x, y, dx, dy, modifiers } => {
                let event = json!({
                    "type": "mouseWheel", "x": x, "y": y, "deltaX": dx, "deltaY": dy, "modifiers": modifiers,
                    "pointerType": "mouse",
                });
                Some((Some(number), "Input.dispatchMouseEvent", vec![event]))
            }
            FromClient::Touch { number, frame, action, points } => {
                self.press(action, frame)?;
                let r#type = match action {
                    Press::Move => "touchMove",
                    Press::Down => "touchStart",
                    Press::Up => "touchEnd",
                    Press::Cancel => "touchCancel",
                };
                let point = |point: &Point| json!({ "x": point.x, "y": point.y, "id": point.id });
                let points: Vec<Value> = points.iter().take(10).map(point).collect();
                let event = json!({ "type": r#type, "touchPoints": points });
                Some(((action != Press::Move).then_some(number), "Input.dispatchTouchEvent", vec![event]))
            }
            FromClient::Key { number, down, key, code, key_code, location, repeat, modifiers } => {
                let text = match key.as_str() {
                    _ if !down || modifiers & COMMANDS != 0 => None,
                    "Enter" => Some("\r"),
                    one if one.chars().count() == 1 => Some(one),
                    _ => None,
                };
                let r#type = match (down, &text) {
                    (true, Some(_)) => "keyDown",
                    (true, None) => "rawKeyDown",
                    (false, _) => "keyUp",
                };
                let mut event = key_event(r#type, &key, &code, key_code, location, modifiers, text);
                event["autoRepeat"] = repeat.into();
                Some((Some(number), "Input.dispatchKeyEvent", vec![event]))
            }
            FromClient::Text { number, text } => {
                let text: String = text.chars().take(MOST_TEXT).collect();
                Some((Some(number), "Input.insertText", vec![json!({ "text": text })]))
            }
            _ => None,
        }
    }

    /// Whether a press, move or release counts: a press on a frame of another size does not, nor what belongs to it.
    fn press(&mut self, action: Press, frame: u64) -> Option<()> {
        match action {
            Press::Down => {
                self.pressed = self.screen.counts(frame);
                self.pressed.then_some(())
            }
            Press::Move => Some(()),
            Press::Up | Press::Cancel => std::mem::take(&mut self.pressed).then_some(()),
        }
    }
}

fn key_event(r#type: &str, key: &str, code: &str, key_code: u32, location: u8, modifiers: u8, text: Option<&str>) -> Value {
    let mut event = json!({
        "type": r#type, "key": key, "code": code, "windowsVirtualKeyCode": key_code, "nativeVirtualKeyCode": key_code,
        "location": location.min(2), "isKeypad": location == 3, "modifiers": modifiers,
    });
    if let Some(text) = text {
        event["text"] = text.into();
        event["unmodifiedText"] = text.into();
    }
    // Shortcuts of editing that a windowless Chromium does not find by itself.
    let command = match (key, modifiers & COMMANDS, r#type) {
        ("a" | "A", CONTROL, "rawKeyDown") => Some("selectAll"),
        _ => None,
    };
    if let Some(command) = command {
        event["commands"] = json!([command]);
    }
    event
}
