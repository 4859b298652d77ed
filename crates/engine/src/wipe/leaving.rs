//! Signing out at the provider before a source's session is destroyed here: by its connector's `sign_out`, in the source's own browser.

use std::sync::Arc;
use std::time::Duration;

use freehold_browser::sign_in::{Patience, sign_out};
use freehold_browser::{Tabs, profile};
use freehold_core::receipt::SignedOut;
use freehold_core::{Problem, RunId};
use freehold_protocol::manifest::SignOut;
use freehold_store::SourceRow;

use crate::run::Errand;
use crate::server::Inner;

/// How long signing out may take: it is worth a little, and whoever asked for the end is waiting.
pub(crate) const LEAVING: Patience = Patience {
    answer: Duration::from_secs(8),
    settle: Duration::from_secs(3),
    explain: Duration::from_secs(1),
    kept: Duration::from_secs(1),
    total: Duration::from_secs(12),
};

impl Inner {
    /// Opens the source's sealed profile once more and signs out. Whatever keeps that from working keeps nothing else from being done.
    pub(crate) fn sign_out_at_provider(self: &Arc<Self>, source: &SourceRow) -> SignedOut {
        if self.profile_at_rest(source.id).is_none() {
            return SignedOut::NotSignedIn;
        }
        let connector = self.catalog.get(&source.connector).ok();
        let Some(descriptor) = connector.and_then(|connector| connector.resolved_sign_out(&source.settings)) else {
            return SignedOut::NotDescribed;
        };
        let errand = Errand::begin(self);
        let Ok(_lease) = self.lease_browser(errand.id()) else {
            self.leave_browser_queue(errand.id());
            return SignedOut::NoBrowser;
        };
        match self.leave(source, errand.id(), descriptor) {
            Ok(true) => SignedOut::Yes,
            Ok(false) => SignedOut::NotSeen,
            Err(problem) => {
                tracing::warn!(source = %source.id, %problem, "a source could not be signed out at its provider");
                SignedOut::NoBrowser
            }
        }
    }

    fn leave(&self, source: &SourceRow, errand: RunId, descriptor: SignOut) -> Result<bool, Problem> {
        let directory = self.browser_directory(errand);
        self.make_in_run_directory(&directory)?;
        let cookies = self.open_profile(source, &directory.join("profile"))?;
        let signed_out = self.start_browser(errand).and_then(|chromium| {
            profile::restore_cookies(chromium.client(), cookies)?;
            let signed_out = sign_out(descriptor, &Tabs::of(&chromium), Arc::clone(&self.clock), LEAVING, &|| false);
            chromium.close()?;
            signed_out
        });
        signed_out.map_err(|error| crate::problem::browser_failed(&error))
    }
}
