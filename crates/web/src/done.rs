//! What was just done, said once on the page that a form leads to.
//!
//! The answer to the form names it in a cookie, and the page it leads to takes the cookie away again. Only the names of this table
//! mean anything: no text that comes with a request is ever shown.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

use crate::cookie::{self, Cookie};
use crate::origin::Site;

/// How long it waits for its page. Seconds.
const WAITS: u32 = 60;

macro_rules! done {
    ($($variant:ident = $name:literal, $sentence:literal;)+) => {
        /// One thing that was done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Done { $($variant),+ }

        impl Done {
            #[cfg(test)]
            const ALL: &[Done] = &[$(Self::$variant),+];

            fn name(self) -> &'static str { match self { $(Self::$variant => $name),+ } }

            fn parse(name: &str) -> Option<Self> { match name { $($name => Some(Self::$variant),)+ _ => None } }

            /// The sentence that says so.
            pub(crate) fn sentence(self) -> &'static str { match self { $(Self::$variant => $sentence),+ } }
        }
    };
}

done! {
    SourceChanged = "source-changed", "The changes are saved.";
    SourcePaused = "source-paused", "It is paused: nothing is collected until you resume it.";
    SourceResumed = "source-resumed", "It is collected again.";
    CodesTrusted = "codes-trusted", "The recovery codes are used again.";
    RecordsDeleted = "records-deleted", "What that source had collected is deleted.";
    StreamDeleted = "stream-deleted", "The stream is deleted. The disk has its room back within minutes.";
    StreamLeftOut = "stream-left-out", "The stream is deleted, and left out of what is collected.";
    StreamTakenIn = "stream-taken-in", "The next run collects the stream again, from the beginning.";

    PassphraseChanged = "passphrase-changed", "Your passphrase is changed, and every other browser is signed out.";
    BrowserSignedOut = "browser-signed-out", "That browser is signed out.";
    OthersSignedOut = "others-signed-out", "Every other browser is signed out.";
    TokenRevoked = "token-revoked", "The token is revoked. Whatever used it is let in no more.";

    VaultLocked = "vault-locked", "The vault is locked.";
    VaultUnlocked = "vault-unlocked", "The vault is unlocked, and what waited for it goes on.";
    VaultPassphraseSet = "vault-passphrase-set", "The new passphrase of the vault is set.";
    VaultPassphraseRemoved = "vault-passphrase-removed", "The passphrase opens the vault no more.";
    KeyFileMade = "key-file-made", "The key file is made. The vault opens by itself when the server starts.";
    KeyFileRemoved = "key-file-removed", "The key file is removed. The vault is locked when the server starts.";
    RecoveryKeyReplaced = "recovery-key-replaced", "The new recovery key is in force. The old one opens the vault no more.";

    ChannelSaved = "channel-saved", "The channel is saved. Send a test to see whether it arrives.";
    ChannelRemoved = "channel-removed", "The channel is removed. Nothing goes out by it any more.";
    QuietHoursSet = "quiet-hours-set", "The quiet hours are saved.";
    QuietHoursEnded = "quiet-hours-ended", "There are no quiet hours any more.";

    BackupBegun = "backup-begun", "The backup has begun.";
    BackupsPlanned = "backups-planned", "The plan is saved. Backups are made by the clock.";
    BackupsUnplanned = "backups-unplanned", "No more backups are made by the clock. Those that were made stay.";
}

impl Done {
    /// What a browser that was sent on to a page is to be told there. A script that looks at a page anew shows none of it.
    pub(crate) fn of(site: &Site, headers: &HeaderMap) -> Option<Self> {
        let is_visit = headers.get("sec-fetch-mode").is_none_or(|mode| mode == "navigate");
        Self::parse(cookie::read(Cookie::Done, site, headers)?).filter(|_| is_visit)
    }

    fn cookie(self, site: &Site) -> Option<HeaderValue> {
        cookie::write(Cookie::Done, site, self.name(), &format!("; Max-Age={WAITS}"))
    }
}

/// Has the browser bring along what `response`, the answer to a form, says was done, or forget it once `response` is the page that
/// told of it. `told` is what the request brought along.
pub(crate) fn pass_on(mut response: Response, told: Option<Done>, site: &Site) -> Response {
    let is_page = response.status().is_success();
    let cookie = match (response.extensions().get::<Done>(), told) {
        (Some(done), _) => done.cookie(site),
        (None, Some(_)) if is_page => cookie::write(Cookie::Done, site, "", "; Max-Age=0"),
        (None, _) => None,
    };
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn everything_done_has_a_name_and_a_sentence_of_its_own() {
        let names: HashSet<&str> = Done::ALL.iter().map(|done| done.name()).collect();
        let sentences: HashSet<&str> = Done::ALL.iter().map(|done| done.sentence()).collect();
        assert_eq!((names.len(), sentences.len()), (Done::ALL.len(), Done::ALL.len()));
        for done in Done::ALL {
            assert_eq!(Done::parse(done.name()), Some(*done));
            assert!(done.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", done.name());
        }
    }
}
