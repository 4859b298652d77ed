//! Signing out, so that the provider's own session ends too.

use std::sync::Arc;

use freehold_core::attempt::AttemptState;
use freehold_core::sign_in::{Given, NotGiven, SignInSecrets, Wanted};
use freehold_core::{AttemptId, Clock, Problem, SecretKind};
use freehold_protocol::manifest::{Means, SignIn, SignOut};

use super::{Patience, SignInMachine, Turn};
use crate::BrowserError;
use crate::tabs::Tabs;

/// Works through a manifest's `sign_out`. Returns whether its `signed_out` screen was reached.
pub fn sign_out(
    descriptor: SignOut,
    tabs: &Tabs,
    clock: Arc<dyn Clock>,
    patience: Patience,
    stop: &dyn Fn() -> bool,
) -> Result<bool, BrowserError> {
    // At no origin is anything typed.
    let descriptor = SignIn { start: descriptor.start, origins: Vec::new(), screens: descriptor.screens };
    let mut machine = SignInMachine::new(descriptor, Vec::new(), clock).with_patience(patience);
    machine.goal = Means::SignedOut;
    Ok(machine.begin(tabs, &mut Nothing, stop)? == Turn::SignedIn)
}

/// No secrets at all.
struct Nothing;

impl SignInSecrets for Nothing {
    fn has(&self, _: SecretKind) -> bool {
        false
    }

    fn take(&mut self, _: Wanted, _: &str) -> Result<Given, NotGiven> {
        Err(NotGiven::Absent)
    }

    fn resolve(&mut self, _: AttemptId, _: AttemptState) -> Result<(), Problem> {
        Ok(())
    }
}
