//! Pictures of the page that is shown: asking Chromium for them, at the owner's size, and handing them on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::{Value, json};

use super::message::{End, Frame, Said};
use super::tabs::send;
use super::{Shared, State};
use crate::BrowserError;
use crate::cdp::{Event, Session};

/// The smallest and the largest page, in CSS pixels.
const SIDES: (u32, u32) = (240, 3840);
/// Device pixels of a picture, at most.
const MOST_PIXELS: f64 = 2560.0 * 1600.0;
/// How long Chromium may take to lay a page out anew.
const SETTLE: Duration = Duration::from_secs(1);

/// The owner's screen, as the pages see it.
#[derive(Clone, Copy)]
pub(super) struct Screen {
    /// `None` until a viewer has told: pages have the window's size.
    size: Option<Size>,
    settled: Settled,
}

#[derive(Clone, Copy, PartialEq)]
struct Size {
    width: u32,
    height: u32,
    scale: f64,
    touch: bool,
}

/// From where on presses count.
#[derive(Clone, Copy)]
enum Settled {
    /// A frame of the new size is awaited, until then at the latest.
    Awaited(Instant),
    /// From this frame on.
    From(u64),
}

impl Default for Screen {
    fn default() -> Self {
        Self { size: None, settled: Settled::From(0) }
    }
}

impl Screen {
    /// Whether a press on that frame was meant for the page as it is now.
    pub(super) fn counts(&self, frame: u64) -> bool {
        match self.settled {
            Settled::Awaited(until) => Instant::now() > until,
            Settled::From(first) => frame >= first,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Screencast<'a> {
    data: &'a str,
    metadata: Metadata,
    session_id: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    page_scale_factor: f32,
    device_width: f32,
    device_height: f32,
    scroll_offset_x: f32,
    scroll_offset_y: f32,
}

impl Shared {
    /// A frame came. It is acknowledged before anything else, so that Chromium makes the next while this one is on its way.
    pub(super) fn frame(&self, session: &Session, event: &Event) -> Result<(), BrowserError> {
        let Some(cast) = event.params::<Screencast<'_>>() else { return Ok(()) };
        send(session, "Page.screencastFrameAck", json!({ "sessionId": cast.session_id }))?;
        let mut state = self.state();
        state.seen_cast = cast.session_id;
        if self.is_typing() || state.filling || state.stale_cast == Some(cast.session_id) {
            return Ok(());
        }
        drop(state);
        let Ok(jpeg) = BASE64.decode(cast.data.as_bytes()) else { return Ok(()) };
        let mut state = self.state();
        let tab = state.shown;
        // It may be a last one of the tab that was shown before.
        if !state.casting || state.tabs.place(session.id()).is_none_or(|place| place.tab != tab) {
            return Ok(());
        }
        state.frames += 1;
        let Metadata { page_scale_factor, device_width, device_height, scroll_offset_x, scroll_offset_y } = cast.metadata;
        let number = state.frames;
        state.screen.reached(number, device_width, device_height);
        state.audience.show(Arc::new(Frame {
            tab,
            number,
            width: device_width,
            height: device_height,
            zoom: page_scale_factor,
            scroll: (scroll_offset_x, scroll_offset_y),
            jpeg,
        }));
        if state.audience.judge_line(number) {
            state.recast();
        }
        Ok(())
    }

    /// The owner's screen has another size.
    pub(super) fn resize(&self, width: u32, height: u32, scale: f64, touch: bool) -> Result<(), BrowserError> {
        let (width, height) = (width.clamp(SIDES.0, SIDES.1), height.clamp(SIDES.0, SIDES.1));
        let most = (MOST_PIXELS / (f64::from(width) * f64::from(height))).sqrt();
        let scale = if scale.is_finite() { scale.clamp(1.0, 3.0).min(most.max(0.5)) } else { 1.0 };
        let size = Size { width, height, scale, touch };
        let (laid_out, session) = {
            let mut state = self.state();
            if state.screen.size == Some(size) {
                return Ok(());
            }
            state.screen = Screen { size: Some(size), settled: Settled::Awaited(Instant::now() + SETTLE) };
            state.pressed = false;
            let Some(session) = state.shown_session() else { return Ok(()) };
            send(&session, "Emulation.setTouchEmulationEnabled", json!({ "enabled": touch }))?;
            (session.send("Emulation.setDeviceMetricsOverride", size.metrics())?, session)
        };
        // Input that follows waits here until the page has its new size.
        laid_out.wait(SETTLE)?;
        let state = self.state();
        if state.casting && state.shown_session().is_some_and(|shown| shown.id() == session.id()) {
            state.recast();
        }
        Ok(())
    }
}

impl Screen {
    fn reached(&mut self, frame: u64, width: f32, height: f32) {
        let fits = |size: Size| (width - size.width as f32).abs() < 1.5 && (height - size.height as f32).abs() < 1.5;
        if matches!(self.settled, Settled::Awaited(_)) && self.size.is_none_or(fits) {
            self.settled = Settled::From(frame);
        }
    }
}

impl Size {
    fn metrics(self) -> Value {
        json!({
            "width": self.width,
            "height": self.height,
            "deviceScaleFactor": self.scale,
            "mobile": self.touch,
            "screenWidth": self.width,
            "screenHeight": self.height,
        })
    }
}

impl State {
    pub(super) fn shown_session(&self) -> Option<Session> {
        self.tabs.get(self.shown).map(|open| open.session.clone())
    }

    /// Asks for pictures of the page that is shown, at the owner's size.
    pub(super) fn cast(&mut self) {
        self.casting = true;
        if let (Some(session), Some(size)) = (self.shown_session(), self.screen.size) {
            // A page that is gone is told by its own event.
            let _ = send(&session, "Emulation.setTouchEmulationEnabled", json!({ "enabled": size.touch }));
            let _ = send(&session, "Emulation.setDeviceMetricsOverride", size.metrics());
        }
        self.recast();
    }

    /// Asks again, which also brings a picture of a page that does not move.
    pub(super) fn recast(&self) {
        let Some(session) = self.shown_session() else { return };
        let mut how = json!({ "format": "jpeg", "quality": self.audience.quality(), "everyNthFrame": 1 });
        if let Some(size) = self.screen.size {
            how["maxWidth"] = ((f64::from(size.width) * size.scale).ceil() as u32).into();
            how["maxHeight"] = ((f64::from(size.height) * size.scale).ceil() as u32).into();
        }
        // As above.
        let _ = send(&session, "Page.stopScreencast", json!({}));
        let _ = send(&session, "Page.startScreencast", how);
    }

    /// No more pictures.
    pub(super) fn stop_cast(&mut self) {
        if std::mem::take(&mut self.casting)
            && let Some(session) = self.shown_session()
        {
            // As above.
            let _ = send(&session, "Page.stopScreencast", json!({}));
        }
        self.audience.blank();
    }

    /// Shows another page.
    pub(super) fn show(&mut self, tab: u32) {
        let Some(open) = self.tabs.get(tab) else { return };
        let session = open.session.clone();
        if tab != self.shown {
            let watched = self.casting;
            self.stop_cast();
            self.shown = tab;
            self.pressed = false;
            if watched {
                self.cast();
            }
            self.audience.say(&Said::Field { after: 0, field: None });
            self.audience.say(&Said::Choices { choices: None });
        }
        // As above.
        let _ = send(&session, "Page.bringToFront", json!({}));
        self.tell_tabs();
    }

    /// The page of that number is gone.
    pub(super) fn left(&mut self, tab: u32) {
        if self.shown == tab {
            self.casting &= self.audience.len() > 0;
            match self.tabs.newest() {
                Some(next) => self.show(next),
                None => self.dismiss(End::BrowserGone),
            }
        }
        self.tell_tabs();
    }
}
