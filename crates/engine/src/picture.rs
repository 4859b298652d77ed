//! Making the views: what is known of a source and of a run, put together in one place, so that every door shows the same (R14).

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use freehold_core::interaction::{InteractionKind, InteractionState};
use freehold_core::reason::OwnerReason;
use freehold_core::run::Counts;
use freehold_core::status::{SourceFacts, Status};
use freehold_core::{CredentialState, InteractionId, Problem, RunId, SourceId};
use freehold_store::{InteractionRow, RunRow, SecretState, SourceRow};
use serde_json::Value;

use crate::catalog::Connector;
use crate::credential::usable;
use crate::event::Event;
use crate::problem::from_store;
use crate::record::time_of;
use crate::server::{Inner, lock};
use crate::view::{CredentialView, ProfileView, ProgressView, RecordTime, RunView, SourceView, StreamView};

/// What is known of runs under way and not worth a row: counts between commits, and the connector's last word.
#[derive(Default)]
pub(crate) struct Live(Mutex<HashMap<RunId, (Counts, Option<ProgressView>)>>);

/// With so few recovery codes left the owner is told to get new ones.
const FEW_CODES: u32 = 2;

impl Inner {
    pub(crate) fn set_live(&self, run: RunId, counts: Counts, progress: Option<ProgressView>) {
        lock(&self.live.0).insert(run, (counts, progress));
    }

    pub(crate) fn clear_live(&self, run: RunId) {
        lock(&self.live.0).remove(&run);
    }

    pub(crate) fn source_views(&self) -> Result<Vec<SourceView>, Problem> {
        let Ok(owner) = self.owner() else { return Ok(Vec::new()) };
        let mut rows = self.data.sources(owner).map_err(from_store)?;
        rows.sort_by(|a, b| a.name.to_lowercase().cmp(&b.name.to_lowercase()).then(a.id.cmp(&b.id)));
        rows.into_iter().map(|row| self.source_view_of(row)).collect()
    }

    pub(crate) fn source_view(&self, id: SourceId) -> Result<SourceView, Problem> {
        self.source_view_of(self.source_row(id)?)
    }

    fn source_view_of(&self, row: SourceRow) -> Result<SourceView, Problem> {
        let connector = self.catalog.get(&row.connector).ok();
        let running = self.data.unfinished_run_of(row.id).map_err(from_store)?;
        let last = self.data.last_ended(row.id).map_err(from_store)?;
        let interaction = self.data.open_interaction_of(row.id).map_err(from_store)?;
        let credentials = match &connector {
            Some(connector) => self.credential_views(&row, connector)?,
            None => Vec::new(),
        };
        let facts = SourceFacts {
            mode: row.mode,
            uses_browser: connector.as_ref().is_some_and(|connector| connector.manifest.has_browser()),
            takes_credential: connector.as_ref().is_some_and(Connector::takes_credential),
            paused: row.paused,
            ever_collected: row.ever_collected,
            vault: self.door.state(),
            credential: self.credential_state(&row, connector.as_ref(), &credentials)?,
            asked: interaction.as_ref().map(|interaction| interaction.reason.clone()),
            running: running.as_ref().map(|run| run.state.clone()),
            unwiped: self.unwiped_of(&row)?.is_some(),
            last_outcome: last.as_ref().and_then(|run| run.outcome.clone()),
            due_at: row.next_due_at,
        };
        let now = self.now();
        let status = Status::of(&facts, now);
        let by_last_run = matches!(status, Status::NeedsOwner { .. } | Status::Waiting { .. } | Status::Broken { .. });
        Ok(SourceView {
            detail: last.as_ref().and_then(|run| run.detail.clone()).filter(|_| by_last_run && facts.running.is_none()),
            sentence: status.sentence().to_owned(),
            action: status.action(facts.uses_browser),
            status,
            connector_display_name: connector
                .as_ref()
                .map_or_else(|| row.connector.to_string(), |connector| connector.manifest.display_name.clone()),
            streams: self.stream_views(&row, connector.as_ref())?,
            notices: self.notices(&row, connector.as_ref(), &credentials),
            credentials,
            current_run: running.map(|run| run.id),
            last_run: last.map(|run| run.id),
            interaction: interaction.map(|interaction| interaction.id),
            profile: self.profile_at_rest(row.id).map(|(bytes, sealed_at)| ProfileView { bytes, sealed_at }),
            id: row.id,
            name: row.name,
            connector: row.connector,
            mode: row.mode,
            identity: row.identity,
            expected_account: row.expected_account,
            settings: row.settings,
            interval_seconds: row.interval_seconds,
            next_due_at: row.next_due_at,
            last_success_at: row.last_success_at,
            seconds_since_success: row.last_success_at.and_then(|at| u64::try_from(now.as_second() - at.as_second()).ok()),
            created_at: row.created_at,
        })
    }

    /// What counts for the status: the version in use where there is one, else what became of the newest.
    fn credential_state(
        &self,
        row: &SourceRow,
        connector: Option<&Connector>,
        views: &[CredentialView],
    ) -> Result<CredentialState, Problem> {
        let main = connector.and_then(|connector| connector.manifest.setup.credential_capture.as_ref());
        let Some(main) = main else { return Ok(CredentialState::None) };
        let secrets = self.vault_db.secrets(row.id).map_err(from_store)?;
        if let Some(kept) = usable(&secrets, main.kind)
            && kept.state == SecretState::Verified
        {
            return Ok(CredentialState::Verified { when: kept.verified_at.unwrap_or(kept.created_at) });
        }
        Ok(views.iter().find(|view| view.kind == main.kind).map_or(CredentialState::None, |view| view.state))
    }

    pub(crate) fn stream_views(&self, row: &SourceRow, connector: Option<&Connector>) -> Result<Vec<StreamView>, Problem> {
        let left_out = self.data.left_out(row.id).map_err(from_store)?;
        let mut kept: BTreeMap<String, StreamView> = BTreeMap::new();
        for stream in self.data.streams(row.id).map_err(from_store)? {
            let view = StreamView {
                label: stream.name.clone(),
                name: stream.name.clone(),
                count: stream.count,
                bytes: stream.bytes,
                file_bytes: None,
                time: RecordTime::default(),
                newest: stream.newest,
                earlier: stream.history_count.saturating_sub(stream.count),
                left_out: left_out.contains(&stream.name),
            };
            kept.insert(stream.name, view);
        }
        let mut views = Vec::new();
        for declared in connector.iter().flat_map(|connector| &connector.manifest.streams) {
            let mut view = kept.remove(&declared.name).unwrap_or_else(|| StreamView {
                name: declared.name.clone(),
                label: String::new(),
                count: 0,
                bytes: 0,
                file_bytes: None,
                time: RecordTime::default(),
                newest: None,
                earlier: 0,
                left_out: left_out.contains(&declared.name),
            });
            view.label = declared.label().to_owned();
            view.time = time_of(declared);
            views.push(view);
        }
        // Streams of an earlier version of the connector keep their records.
        views.extend(kept.into_values());
        Ok(views)
    }

    /// Adds what the streams' files take.
    pub(crate) fn measure_files(&self, source: SourceId, streams: &mut [StreamView]) -> Result<(), Problem> {
        let bytes = self.data.file_bytes(source).map_err(from_store)?;
        for stream in streams {
            stream.file_bytes = Some(bytes.get(&stream.name).copied().unwrap_or(0));
        }
        Ok(())
    }

    fn notices(&self, row: &SourceRow, connector: Option<&Connector>, credentials: &[CredentialView]) -> Vec<String> {
        let Some(connector) = connector else {
            return vec!["This source's connector is not there any more. Its records are kept.".to_owned()];
        };
        let mut notices = Vec::new();
        if connector.takes_credential() && connector.receives_secret() {
            notices.push("This connector receives the sign-in details.".to_owned());
        }
        if connector.has_network() {
            notices.push("This connector may reach any host.".to_owned());
        }
        if let Some(left) = credentials.iter().find_map(|view| view.codes_left).filter(|left| *left <= FEW_CODES) {
            let left = match left {
                0 => "No recovery code is left".to_owned(),
                1 => "Only one recovery code is left".to_owned(),
                left => format!("Only {left} recovery codes are left"),
            };
            notices.push(format!("{left}. Have the provider make new ones, and save them here."));
        }
        if credentials.iter().any(|view| view.codes_in_doubt_since.is_some()) {
            let told =
                "A backup was restored: saved recovery codes may have been used since, and none is used until you say so.";
            notices.push(told.to_owned());
        }
        let origins = connector.resolved_origins(&row.settings);
        let replaced = |host: &str| origins.iter().any(|origin| origin.split("://").nth(1) == Some(host));
        for stand_in in self.config.stand_ins.iter().filter(|stand_in| replaced(&stand_in.host)) {
            notices.push(format!("On this server {} is a stand-in, not the real site.", stand_in.host));
        }
        if connector.manifest.identity.is_none() {
            notices.push("This connector does not show which account is signed in.".to_owned());
        }
        if self.config.reduced_sandbox {
            notices.push("This server isolates connectors less than it should (sandbox = \"reduced\").".to_owned());
        }
        notices
    }

    pub(crate) fn run_view(&self, run: RunId) -> Result<RunView, Problem> {
        let row = self.run_row(run)?;
        let name = self.source_row(row.source)?.name;
        Ok(self.run_view_of(row, name))
    }

    pub(crate) fn run_view_of(&self, row: RunRow, source_name: String) -> RunView {
        let (counts, progress) = match lock(&self.live.0).get(&row.id) {
            Some((counts, progress)) if row.outcome.is_none() => (*counts, progress.clone()),
            _ => (row.counts, None),
        };
        let receipt = self.receipt_of_run(row.id).ok().flatten();
        RunView {
            id: row.id,
            source: row.source,
            source_name,
            cause: row.cause,
            sentence: crate::sentence::of_run(&row.state, &counts),
            run_state: row.state,
            outcome: row.outcome,
            detail: row.detail,
            counts,
            progress,
            created_at: row.created_at,
            started_at: row.started_at,
            ended_at: row.ended_at,
            receipt,
        }
    }

    /// Opens a question of the source itself, which outlives the run that found it.
    pub(crate) fn ask_source(
        &self,
        source: &SourceRow,
        kind: InteractionKind,
        reason: OwnerReason,
        message: &str,
        data: Option<Value>,
    ) -> Result<(), Problem> {
        let row = InteractionRow {
            id: InteractionId::new(&*self.clock, &*self.rng),
            source: source.id,
            run: None,
            kind,
            state: InteractionState::Open,
            reason,
            message: message.to_owned(),
            schema: None,
            asked_at: self.now(),
            deadline: None,
            answered_at: None,
            data,
        };
        self.data.open_interaction(row).map_err(from_store)?;
        self.tell(Event::Source { source: source.id });
        Ok(())
    }
}
