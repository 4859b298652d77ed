//! The browser of one run: opened on the source's profile, shown to the owner while a question is open, lent to the connector, and
//! sealed again.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use freehold_browser::sign_in::sign_out;
use freehold_browser::{BrowserError, Chromium, ConnectorBrowser, Directories, Hosts, LiveView, Tabs, profile};
use freehold_core::reason::FailureReason;
use freehold_core::receipt::SignedOut;
use freehold_core::run::{CancelledBy, RunEvent};
use freehold_core::{Identity, InteractionId, RunId, SourceId};
use freehold_protocol::manifest::{IdentityRule, SignOut};
use freehold_sandbox::SandboxError;
use freehold_store::{RunRow, SourceRow};
use freehold_vault::new_token;
use serde_json::Value;

use super::Mail;
use super::verdict::{Step, Verdict};
use crate::browsers::Lease;
use crate::catalog::Connector;
use crate::problem::from_store;
use crate::server::Inner;
use crate::wipe::{LEAVING, keeps_nothing, processes_at};

/// How a run in the ephemeral mode leaves the provider: by what its connector says of that.
struct Leaving(Option<SignOut>);

/// How long a page may take to open.
const OPEN_LIMIT: Duration = Duration::from_secs(30);

/// A run's browser. Dropping it without closing it ends it and keeps the profile as it was sealed last.
pub(super) struct RunBrowser {
    inner: Arc<Inner>,
    run: RunId,
    /// Before the browser, so that whoever drives it is gone first.
    connector: Option<ConnectorBrowser>,
    view: Option<Arc<LiveView>>,
    tabs: Tabs,
    typing: Arc<AtomicBool>,
    chromium: Option<Chromium>,
    directory: PathBuf,
    /// In the ephemeral mode nothing is sealed, and the provider is signed out of at the end.
    ephemeral: Option<Leaving>,
    _lease: Lease,
}

impl RunBrowser {
    /// Waits for a free browser and starts it on the source's profile.
    pub(super) fn open(
        inner: &Arc<Inner>,
        run: &RunRow,
        mailbox: &Receiver<Mail>,
        source: &SourceRow,
        connector: &Connector,
    ) -> Step<Self> {
        let lease = lease(inner, run, mailbox)?;
        let directory = inner.browser_directory(run.id);
        let ephemeral = keeps_nothing(source.mode).then(|| Leaving(connector.resolved_sign_out(&source.settings)));
        if ephemeral.is_some() {
            // Before the state says that there may be something.
            inner.data.will_need_wipe(run.id, inner.run_directory(run.id)).map_err(from_store)?;
        }
        inner.data.transition(run.id, RunEvent::OpenProfile, None).map_err(from_store)?;
        inner.tell_run(run);
        inner.make_in_run_directory(&directory)?;
        let cookies = match ephemeral {
            Some(_) => Value::Null,
            None => inner.open_profile(source, &directory.join("profile"))?,
        };
        let chromium = inner.start_browser(run.id).map_err(failed)?;
        profile::restore_cookies(chromium.client(), cookies).map_err(failed)?;
        let layers = serde_json::to_value(chromium.layers()).unwrap_or_default();
        inner.data.note(run.id, "browser", layers).map_err(from_store)?;
        let tabs = Tabs::of(&chromium);
        Ok(Self {
            inner: Arc::clone(inner),
            run: run.id,
            connector: None,
            view: None,
            tabs,
            typing: Arc::default(),
            chromium: Some(chromium),
            directory,
            ephemeral,
            _lease: lease,
        })
    }

    pub(super) fn tabs(&self) -> &Tabs {
        &self.tabs
    }

    /// From now on the live view holds its frames back while this says that something is being typed.
    pub(super) fn watch_typing(&mut self, typing: Arc<AtomicBool>) {
        self.typing = typing;
    }

    /// Lets the owner watch and drive it while this interaction is open (R7).
    pub(super) fn show(&mut self, source: SourceId, run: RunId, interaction: InteractionId) -> Step<()> {
        let view = match &self.view {
            Some(view) => Arc::clone(view),
            None => {
                let first = self.tabs.first().map_err(failed)?;
                let (client, typing) = (self.tabs.client(), Arc::clone(&self.typing));
                let view = LiveView::new(client, first.page().target(), self.tabs.reach(), &self.directory, typing)
                    .map_err(failed)?;
                self.view = Some(Arc::clone(&view));
                view
            }
        };
        self.inner.stages.open(source, run, interaction, view);
        Ok(())
    }

    /// Nobody may watch any more.
    pub(super) fn hide(&self, run: RunId) {
        self.inner.stages.close(run);
    }

    /// Which account is signed in, read on the page the manifest names; none if it does not show there.
    pub(super) fn read_identity(&self, rule: &IdentityRule, patience: Duration) -> Step<Option<Identity>> {
        let tab = self.tabs.first().map_err(failed)?;
        freehold_browser::read_identity(tab.page(), rule, patience).map_err(failed)
    }

    /// Lends it to the connector, whose addresses this returns: over WebSocket, and over http.
    pub(super) fn lend(&mut self, hosts: &[String], tmp: PathBuf) -> Step<(String, String)> {
        let hosts = Hosts::new(hosts);
        let (token, _) = new_token(&*self.inner.rng);
        #[expect(clippy::disallowed_methods, reason = "it is the connector's address, and the connector alone is told")]
        let token = String::from_utf8_lossy(token.expose()).into_owned();
        let directories = Directories { browser: self.directory.clone(), connector: tmp };
        let first = self.tabs.first().map_err(failed)?;
        let lent = ConnectorBrowser::open(self.tabs.client(), first.page(), hosts, directories, &token).map_err(failed)?;
        let addresses = (lent.ws_url().to_owned(), lent.http_url().to_owned());
        self.connector = Some(lent);
        Ok(addresses)
    }

    /// Sets what the connector has of it aside: until it is taken up again, the pages are new ones, and the connector reaches none.
    pub(super) fn set_aside(&mut self) -> Step<()> {
        if let Some(lent) = &mut self.connector {
            lent.set_aside().map_err(failed)?;
        }
        self.view = None;
        self.tabs = self.tabs.beside();
        Ok(())
    }

    /// Opens in a new page what the connector has open.
    pub(super) fn go_where_the_connector_is(&self) -> Step<()> {
        let at = self.connector.as_ref().and_then(ConnectorBrowser::set_aside_at);
        let tab = self.tabs.first().map_err(failed)?;
        at.map_or(Ok(()), |url| tab.page().goto(url, OPEN_LIMIT).map_err(failed))
    }

    /// Closes the new pages and lets the connector go on in its own.
    pub(super) fn take_up(&mut self) -> Step<()> {
        self.view = None;
        self.tabs.close().map_err(failed)?;
        if let Some(chromium) = &self.chromium {
            self.tabs = Tabs::of(chromium);
        }
        match &mut self.connector {
            Some(lent) => Ok(lent.take_up().map_err(failed)?),
            None => Ok(()),
        }
    }

    /// Takes it back from the connector, and notes what it was not allowed to do.
    pub(super) fn take_back(&mut self) {
        let Some(lent) = self.connector.take() else { return };
        let refused = lent.violations();
        if !refused.is_empty()
            && let Err(error) = self.inner.data.note(self.run, "browser_refused", refused.into())
        {
            tracing::warn!(run = %self.run, %error, "what a connector was refused could not be noted");
        }
    }

    /// Seals the profile as it is now, while the browser runs on.
    pub(super) fn seal(&self, source: &SourceRow) -> Step<()> {
        if self.ephemeral.is_some() {
            return Ok(());
        }
        let cookies = profile::cookies(self.tabs.client()).map_err(failed)?;
        Ok(self.inner.seal_profile(source, &self.directory.join("profile"), &cookies)?)
    }

    /// Ends it and seals its profile once more, as it is by now; in the ephemeral mode it is signed out first, and nothing is sealed.
    pub(super) fn close(&mut self, source: &SourceRow) {
        self.take_back();
        self.hide(self.run);
        self.view = None;
        self.leave();
        let Some(chromium) = self.chromium.take() else { return };
        let cookies = profile::cookies(chromium.client());
        if let Err(error) = chromium.close() {
            tracing::warn!(run = %self.run, %error, "a browser could not be closed");
        }
        match cookies {
            _ if self.ephemeral.is_some() => {}
            Ok(cookies) => {
                if let Err(problem) = self.inner.seal_profile(source, &self.directory.join("profile"), &cookies) {
                    tracing::warn!(run = %self.run, %problem, "a browser profile could not be sealed at the end of its run");
                }
            }
            // It had crashed: what was sealed after signing in is what is kept.
            Err(error) => tracing::warn!(run = %self.run, %error, "a browser had ended before its run"),
        }
    }
}

impl RunBrowser {
    /// Ends the provider's own session, where the connector says how, and counts what is at work.
    fn leave(&self) {
        let Some(Leaving(descriptor)) = &self.ephemeral else { return };
        let at_work = processes_at(&self.inner.run_directory(self.run)).len() as u64;
        let signed_out = match (descriptor, &self.chromium) {
            (_, None) => SignedOut::NoBrowser,
            (None, Some(_)) => SignedOut::NotDescribed,
            (Some(descriptor), Some(_)) => {
                let clock = Arc::clone(&self.inner.clock);
                match sign_out(descriptor.clone(), &self.tabs, clock, LEAVING, &|| false) {
                    Ok(true) => SignedOut::Yes,
                    Ok(false) => SignedOut::NotSeen,
                    Err(error) => {
                        tracing::debug!(run = %self.run, %error, "a browser could not be signed out");
                        SignedOut::NoBrowser
                    }
                }
            }
        };
        self.inner.note_leaving(self.run, signed_out, at_work);
    }
}

impl Drop for RunBrowser {
    fn drop(&mut self) {
        self.connector = None;
        self.inner.stages.close(self.run);
        self.view = None;
        self.chromium = None;
    }
}

fn lease(inner: &Arc<Inner>, run: &RunRow, mailbox: &Receiver<Mail>) -> Step<Lease> {
    let mut told = None;
    loop {
        let place = match inner.lease_browser(run.id) {
            Ok(lease) => return Ok(lease),
            Err(place) => place,
        };
        if told != Some(place) {
            told = Some(place);
            inner.data.transition(run.id, RunEvent::AwaitBrowser { place }, None).map_err(from_store)?;
            inner.tell_run(run);
        }
        let by = match mailbox.recv() {
            Ok(Mail::Cancel(by)) => by,
            Ok(_) => continue,
            Err(_) => CancelledBy::Shutdown,
        };
        inner.leave_browser_queue(run.id);
        return Verdict::cancelled(by).stop();
    }
}

/// A browser that failed fails its run; nothing the owner could mend, but where there is none. A provider that is down is not a browser
/// that failed.
pub(super) fn failed(error: BrowserError) -> Box<Verdict> {
    let reason = match error {
        BrowserError::Unreachable { .. } => {
            let detail = format!("The provider could not be reached or answered badly: {error}.");
            return Box::new(Verdict::failed(FailureReason::ProviderDown { retry_at: None }, detail));
        }
        BrowserError::Secrets(problem) => return problem.into(),
        BrowserError::NotStarted(SandboxError::TooWeak { .. }) => FailureReason::SandboxTooWeak,
        _ => FailureReason::ConnectorFailed,
    };
    Box::new(Verdict::failed(reason, format!("The browser failed: {error}.")))
}
