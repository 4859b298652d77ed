//! What one go of looking and acting keeps: how long, how often, and since when nothing has changed.

use std::time::{Duration, Instant};

use freehold_core::Timestamp;

use super::look::{FrameLook, PageLook};

/// What one loop of looking and acting keeps.
pub(super) struct Round {
    pub(super) started: Instant,
    pub(super) actions: u32,
    /// Since when nothing has changed.
    pub(super) still_since: Instant,
    /// What was showing then, and in which documents.
    still: Vec<(f64, Vec<usize>)>,
    /// Nothing is done before this, by the clock that codes are made by.
    pub(super) not_before: Option<Timestamp>,
    /// Since when the same form shows again, or a field cannot be used.
    pub(super) puzzled_since: Option<Instant>,
    pub(super) signed_in_since: Option<Instant>,
}

impl Round {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            started: now,
            actions: 0,
            still_since: now,
            still: Vec::new(),
            not_before: None,
            puzzled_since: None,
            signed_in_since: None,
        }
    }

    /// Takes in what shows now.
    pub(super) fn watch(&mut self, looks: &[PageLook]) {
        let frames = looks.iter().flat_map(|page| &page.frames);
        let screens = |look: &FrameLook| look.matched.iter().map(|matched| matched.screen).collect();
        let now: Vec<_> = frames.map(|look| (look.document, screens(look))).collect();
        if now != self.still {
            (self.still, self.still_since) = (now, Instant::now());
        }
    }

    /// Whether the same has been showing for that long.
    pub(super) fn is_still_for(&self, time: Duration) -> bool {
        self.still_since.elapsed() >= time
    }

    /// Whether something has been puzzling for that long.
    pub(super) fn is_puzzled_for(&mut self, time: Duration) -> bool {
        self.puzzled_since.get_or_insert_with(Instant::now).elapsed() >= time
    }
}
