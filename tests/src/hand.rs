//! The owner's hands in the secure browser: let in by a ticket, they type into the field that has the focus.

use std::time::{Duration, Instant};

use freehold_core::InteractionId;
use freehold_engine::live::Viewer;
use freehold_engine::live::message::{Field, FromClient, Said, ToClient, Way};

use crate::house::{House, secret};

/// How long anything may take to show.
const LIMIT: Duration = Duration::from_secs(30);

/// Someone who watches and drives.
pub struct Hand {
    viewer: Viewer,
    number: u64,
}

impl Hand {
    /// Goes in for this question, as the console does.
    pub fn in_browser(house: &House, interaction: InteractionId) -> Self {
        let ticket = house.engine().live_ticket(&house.owner(), interaction).expect("a ticket").ticket;
        let viewer = house.engine().live_join(&house.owner(), &secret(ticket.reveal())).expect("let in");
        Self { viewer, number: 0 }
    }

    /// Waits until a field like this has the focus, types into it and presses Enter.
    pub fn fill(&mut self, wanted: impl Fn(&Field) -> bool, text: &str) {
        self.told("the field", |said| match said {
            Said::Field { field: Some(field), .. } if wanted(field) => Some(()),
            _ => None,
        });
        self.number += 1;
        self.viewer.input(FromClient::Text { number: self.number, text: text.to_owned() });
        for down in [true, false] {
            self.number += 1;
            let (number, key, code) = (self.number, "Enter".to_owned(), "Enter".to_owned());
            let (key_code, location, repeat, modifiers) = (13, 0, false, 0);
            self.viewer.input(FromClient::Key { number, down, key, code, key_code, location, repeat, modifiers });
        }
    }

    /// Types an e-mail address and a password, each on its page.
    pub fn sign_in(&mut self, email: &str, password: &str) {
        self.fill(|field| field.r#type == "email", email);
        self.fill(|field| field.r#type == "password", password);
    }

    /// Loads the page again.
    pub fn reload(&self) {
        self.viewer.input(FromClient::Go { way: Way::Reload });
    }

    /// Waits until shown out.
    pub fn shown_out(&mut self) {
        self.told("the end", |said| matches!(said, Said::Closed { .. }).then_some(()));
    }

    fn told<T>(&mut self, what: &str, wanted: impl Fn(&Said) -> Option<T>) -> T {
        let until = Instant::now() + LIMIT;
        loop {
            match self.viewer.next(until.saturating_duration_since(Instant::now())) {
                Some(ToClient::Frame(frame)) => self.viewer.input(FromClient::Drawn { frame: frame.number }),
                Some(ToClient::Said(said)) => {
                    if let Some(found) = wanted(&said) {
                        return found;
                    }
                    assert!(!matches!(said, Said::Closed { .. }), "shown out before {what}");
                }
                None => panic!("{what} did not come"),
            }
        }
    }
}
