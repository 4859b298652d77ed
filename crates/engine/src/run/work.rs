//! One run's thread: it owns everything of the run and reacts to its mailbox, one thing at a time.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use freehold_core::attempt::AttemptState;
use freehold_core::reason::{FailureReason, OwnerReason};
use freehold_core::run::{CancelledBy, Counts, Outcome, RunEvent};
use freehold_core::{InteractionId, Problem};
use freehold_protocol::Session;
use freehold_protocol::bindings::Offered;
use freehold_protocol::manifest::Delivery;
use freehold_protocol::secret_text::SecretFields;
use freehold_store::{NewRecord, RejectedRow, RunRow, SourceRow};
use serde_json::Value;

use super::attempt::{self, Attempt};
use super::blobs;
use super::browser::RunBrowser;
use super::gate::Gate;
use super::launch::{Launch, Launched, launch};
use super::prepare::{Credential, prepare, subject};
use super::sign_in::enter;
use super::verdict::{Step, Verdict};
use super::{Mail, ending};
use crate::catalog::Connector;
use crate::event::Event;
use crate::problem::from_store;
use crate::server::{Inner, lock};
use crate::view::ProgressView;

/// Watchers are told of progress no more often.
pub(super) const TELL_EVERY: Duration = Duration::from_millis(250);

/// A run being carried out.
pub(super) struct Work<'a> {
    pub(super) inner: &'a Arc<Inner>,
    pub(super) run: &'a RunRow,
    pub(super) mailbox: &'a Receiver<Mail>,
    /// What came while somebody signed in anew, read before the mailbox.
    pub(super) aside: VecDeque<Mail>,
    pub(super) source: SourceRow,
    pub(super) connector: Connector,
    pub(super) credential: Option<Credential>,
    pub(super) launched: Launched,
    /// The browser it is lent, with its account signed in.
    pub(super) browser: Option<RunBrowser>,
    pub(super) attempt: Option<Attempt>,
    pub(super) gate: Gate,
    pub(super) counts: Counts,
    /// Records not handed to the database yet, and their size.
    pub(super) batch: Vec<NewRecord>,
    pub(super) batch_bytes: usize,
    pub(super) rejected: Vec<RejectedRow>,
    pub(super) waiting: Option<Waiting>,
    /// The question the owner declined or let lapse: the cause of a failure that follows.
    pub(super) unanswered: Option<OwnerReason>,
    pub(super) progress: Option<ProgressView>,
    /// When watchers were last told, and whether there is more to tell.
    pub(super) told: Instant,
    pub(super) untold: bool,
}

/// A question the connector waits on.
pub(super) struct Waiting {
    pub(super) interaction: InteractionId,
    pub(super) request_id: String,
    pub(super) reason: OwnerReason,
    pub(super) until: Instant,
}

/// Carries a run out, from its admission to its end. Never returns without the run having ended, unless the server stops while
/// the database cannot be written.
pub(super) fn carry_out(inner: &Arc<Inner>, run: RunRow, sender: Sender<Mail>, mailbox: &Receiver<Mail>) {
    let body = AssertUnwindSafe(|| go(inner, &run, &sender, mailbox));
    let (verdict, counts) = catch_unwind(body).unwrap_or_else(|_| {
        tracing::error!(run = %run.id, "a run's thread panicked");
        (
            Verdict::failed(FailureReason::ConnectorFailed, "Freehold has a bug here; see the server's log."),
            Counts::default(),
        )
    });
    let verdict = ending::wipe(inner, &run, verdict);
    ending::end(inner, &run, verdict, counts, mailbox);
    inner.remove_run_directory(run.id);
    inner.unregister(run.id);
    inner.tell(Event::Run { run: run.id, source: run.source });
    inner.tell(Event::Source { source: run.source });
    inner.wake.now();
}

fn go(inner: &Arc<Inner>, run: &RunRow, sender: &Sender<Mail>, mailbox: &Receiver<Mail>) -> (Verdict, Counts) {
    let admitted = inner.data.transition(run.id, RunEvent::Admit { server: inner.server }, None);
    if let Err(error) = admitted {
        return (*Box::<Verdict>::from(from_store(error)), Counts::default());
    }
    inner.tell_run(run);
    match begin(inner, run, sender, mailbox) {
        Ok(mut work) => {
            let verdict = work.collect().unwrap_or_else(|verdict| *verdict);
            let verdict = work.close(verdict);
            (verdict, work.counts)
        }
        Err(verdict) => (*verdict, Counts::default()),
    }
}

fn begin<'a>(inner: &'a Arc<Inner>, run: &'a RunRow, sender: &Sender<Mail>, mailbox: &'a Receiver<Mail>) -> Step<Work<'a>> {
    let (source, connector) = subject(inner, run)?;
    if !connector.manifest.has_browser() {
        return attach(inner, run, sender, mailbox, source, connector, None);
    }
    let (source, browser) = enter(inner, run, mailbox, source, &connector)?;
    attach(inner, run, sender, mailbox, source, connector, Some(browser))
}

/// Starts the connector, lending it the browser if there is one.
fn attach<'a>(
    inner: &'a Arc<Inner>,
    run: &'a RunRow,
    sender: &Sender<Mail>,
    mailbox: &'a Receiver<Mail>,
    source: SourceRow,
    connector: Connector,
    mut browser: Option<RunBrowser>,
) -> Step<Work<'a>> {
    let attached = start(inner, run, sender, mailbox, (&source, &connector), browser.as_mut());
    let Started { credential, launched, attempt } = match attached {
        Ok(started) => started,
        Err(verdict) => {
            if let Some(mut browser) = browser {
                browser.close(&source);
            }
            return Err(verdict);
        }
    };
    Ok(Work {
        // Its account has been read on a page already.
        gate: if browser.is_some() { Gate::Open } else { Gate::new(&source.identity) },
        inner,
        run,
        mailbox,
        aside: VecDeque::new(),
        source,
        connector,
        credential,
        launched,
        browser,
        attempt,
        counts: Counts::default(),
        batch: Vec::new(),
        batch_bytes: 0,
        rejected: Vec::new(),
        waiting: None,
        unanswered: None,
        progress: None,
        told: Instant::now(),
        untold: false,
    })
}

/// A connector that was started, and what it was given.
struct Started {
    credential: Option<Credential>,
    launched: Launched,
    attempt: Option<Attempt>,
}

fn start(
    inner: &Arc<Inner>,
    run: &RunRow,
    sender: &Sender<Mail>,
    mailbox: &Receiver<Mail>,
    (source, connector): (&SourceRow, &Connector),
    browser: Option<&mut RunBrowser>,
) -> Step<Started> {
    let mut offered = Offered::without_browser();
    let mut addresses = None;
    if let Some(browser) = browser {
        let hosts = connector.resolved_hosts(&source.settings);
        let (ws_url, http_url) = browser.lend(&hosts, inner.connector_directory(run.id).join("tmp"))?;
        offered = offered.with_browser(&ws_url);
        addresses = Some((ws_url, http_url));
    }
    let prepared = prepare(inner, run, mailbox, (source, connector), &offered)?;
    let mut attempt = None;
    let mut secrets = SecretFields::new();
    if let (Some(credential), Some(Delivery::Env)) = (&prepared.credential, connector.manifest.credential_delivery) {
        let (committed, fields) = attempt::submit(inner, run, source, credential, Delivery::Env)?;
        attempt = Some(committed);
        secrets = fields;
    }
    let session = Session::new(&connector.manifest, &prepared.start);
    let launching = Launch {
        run: run.id,
        source,
        connector,
        secrets: &secrets,
        browser: addresses,
        session,
        checker: prepared.checker,
        mailbox: sender,
    };
    let launched = match launch(inner, launching) {
        Ok(launched) => launched,
        Err(verdict) => {
            // It was never started, so nothing was submitted to anyone.
            if let Some(mut attempt) = attempt {
                attempt.resolve(inner, AttemptState::Unjudged)?;
            }
            return Err(verdict);
        }
    };
    for name in secrets.names() {
        if let Some(secret) = secrets.get(name).filter(|_| connector.is_secret_field(name)) {
            launched.redactor.remember(secret);
        }
    }
    launched.send(prepared.start.to_line().into());
    Ok(Started { credential: prepared.credential, launched, attempt })
}

impl Work<'_> {
    /// Moves the run on, and tells whoever watches.
    pub(super) fn transition(&self, event: RunEvent, note: Option<Value>) -> Result<(), Problem> {
        self.inner.data.transition(self.run.id, event, note).map_err(from_store)?;
        self.inner.tell_run(self.run);
        Ok(())
    }

    /// Hands a batch to the database, files first.
    pub(super) fn store(&mut self, batch: Vec<NewRecord>, held: bool) -> Step<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut records = Vec::with_capacity(batch.len());
        for record in batch {
            match blobs::take_over(self.inner, self.run.id, &self.launched.scratch, held, record).map_err(from_store)? {
                Ok(record) => records.push(record),
                Err(rejected) => self.rejected.push(rejected),
            }
        }
        if held {
            self.inner.data.hold(self.run.id, self.source.id, records).map_err(from_store)?;
        } else {
            let counts = self.inner.data.append(self.run.id, self.source.id, records).map_err(from_store)?;
            self.count(counts);
        }
        self.keep_rejected()?;
        self.tell_soon();
        Ok(())
    }

    /// Hands everything gathered to where the gate says.
    pub(super) fn flush(&mut self) -> Step<()> {
        self.batch_bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        self.pass(batch)?;
        Ok(self.keep_rejected()?)
    }

    pub(super) fn keep_rejected(&mut self) -> Result<(), Problem> {
        if self.rejected.is_empty() {
            return Ok(());
        }
        self.counts.rejected += self.rejected.len() as u64;
        let rows = std::mem::take(&mut self.rejected);
        self.inner.data.reject(self.run.id, rows).map_err(from_store)
    }

    pub(super) fn count(&mut self, more: Counts) {
        self.counts.added += more.added;
        self.counts.changed += more.changed;
        self.counts.unchanged += more.unchanged;
        self.counts.deleted += more.deleted;
    }

    /// The provider let us in, as far as a connector can show it.
    pub(super) fn accepted(&mut self) -> Result<(), Problem> {
        match &mut self.attempt {
            Some(attempt) if attempt.is_open() => attempt.resolve(self.inner, AttemptState::Accepted),
            _ => Ok(()),
        }
    }

    /// Tells watchers of progress, a few times a second at most; what is held back is told a little later.
    pub(super) fn tell_soon(&mut self) {
        self.untold = true;
        if self.told.elapsed() >= TELL_EVERY {
            self.tell_now();
        }
    }

    pub(super) fn tell_now(&mut self) {
        self.told = Instant::now();
        self.untold = false;
        let seen = lock(&self.launched.session).records();
        let counts = Counts { emitted: seen, ..self.counts };
        self.inner.set_live(self.run.id, counts, self.progress.clone());
        self.inner.tell_run(self.run);
    }

    /// Settles the attempt by how the run ends, and stops the connector if it is still there.
    fn close(&mut self, verdict: Verdict) -> Verdict {
        self.counts.emitted = lock(&self.launched.session).records();
        self.launched.close_input();
        self.stop_connector(matches!(verdict.outcome, Outcome::Cancelled { .. }));
        let stored = self.counts.added + self.counts.changed + self.counts.deleted > 0;
        let verdict = match verdict.outcome {
            // A server that stops has no time to look; the run it takes up again next reads the account before anything else.
            Outcome::Succeeded | Outcome::Interrupted | Outcome::Cancelled { by: CancelledBy::Shutdown } => verdict,
            _ if stored => self.other_account_meanwhile().map_or_else(|other| *other, |()| verdict),
            _ => verdict,
        };
        if let Some(browser) = &mut self.browser {
            browser.close(&self.source);
        }
        let verdict = self.settle_attempt(verdict);
        match self.keep_rejected() {
            Ok(()) => verdict,
            Err(problem) => *Box::<Verdict>::from(problem),
        }
    }

    fn settle_attempt(&mut self, verdict: Verdict) -> Verdict {
        let Some(attempt) = self.attempt.as_mut().filter(|attempt| attempt.is_open()) else { return verdict };
        let state = match &verdict.outcome {
            Outcome::NeedsOwner { reason: OwnerReason::CredentialRejected } => AttemptState::Rejected,
            Outcome::Failed { reason: FailureReason::ProviderDown { .. } | FailureReason::RateLimited { .. } } => {
                AttemptState::Unjudged
            }
            Outcome::Succeeded => AttemptState::Accepted,
            _ => AttemptState::Unknown,
        };
        if let Err(problem) = attempt.resolve(self.inner, state) {
            tracing::error!(run = %self.run.id, %problem, "an attempt's answer could not be written; it will count as unknown");
        }
        match (state, &verdict.outcome) {
            // Not taken up again by itself at the next start: it would find nothing it may submit.
            (AttemptState::Unknown, Outcome::Cancelled { by: CancelledBy::Shutdown }) => Verdict::needs_owner(
                OwnerReason::AttemptUnknown,
                "The server stopped before the provider answered the sign-in.",
            ),
            _ => verdict,
        }
    }
}

impl Connector {
    /// Whether the field of a capture holds a secret, rather than the name of the account.
    fn is_secret_field(&self, name: &str) -> bool {
        self.manifest.captures().flat_map(|capture| &capture.fields).any(|field| field.name == name && field.secret)
    }
}

impl Inner {
    /// Tells whoever watches that a run moved on.
    pub(super) fn tell_run(&self, run: &RunRow) {
        self.tell(Event::Run { run: run.id, source: run.source });
    }
}
