//! Deleting a stream of a source, and whether it is collected again afterwards.

use freehold_core::{CredentialMode, Problem, ProblemCode, SourceId};
use freehold_protocol::manifest::IdentitySource;
use freehold_store::SourceRow;

use crate::audit::Action;
use crate::caller::{Caller, Permission};
use crate::event::Event;
use crate::problem::{bad_input, from_store, not_found};
use crate::server::{Engine, Inner};
use crate::view::StreamContentView;

impl Engine {
    /// What is lost if a stream is deleted, exactly, and what comes afterwards. The time it takes grows with the stream's history.
    pub fn stream_content(&self, caller: &Caller, source: SourceId, stream: &str) -> Result<StreamContentView, Problem> {
        caller.must(Permission::Read)?;
        let inner = &self.0;
        let row = inner.any_source_row(source)?;
        let content = inner.data.stream_content(source, stream).map_err(from_store)?.ok_or_else(|| not_found("stream"))?;
        let connector = inner.catalog.get(&row.connector).ok();
        let declared = connector.as_ref().and_then(|connector| connector.manifest.stream(stream));
        let fate = inner.fate(&row, stream)?;
        Ok(StreamContentView {
            source,
            source_name: row.name.clone(),
            name: stream.to_owned(),
            label: declared.map_or(stream, |declared| declared.label()).to_owned(),
            records: content.records,
            earlier: content.earlier,
            bytes: content.bytes,
            files: content.files,
            file_bytes: content.file_bytes,
            shared_files: content.shared_files,
            can_be_left_out: fate == Fate::Either,
            afterwards: fate.sentence(&row),
            removed: fate == Fate::Removed,
            current_run: inner.data.unfinished_run_of(source).map_err(from_store)?.map(|run| run.id),
        })
    }

    /// Deletes a stream for good: its records, all they were before, and files that no other record has. `confirm_name` has to equal the
    /// source's name. With `leave_out`, runs do not collect it any more, until [`take_in`](Self::take_in); otherwise the next one collects
    /// it anew. `conflict` while a run of the source is under way.
    pub fn delete_stream(
        &self,
        caller: &Caller,
        source: SourceId,
        stream: &str,
        confirm_name: &str,
        leave_out: bool,
    ) -> Result<(), Problem> {
        caller.must(Permission::Reauthenticated)?;
        let inner = &self.0;
        let row = inner.any_source_row(source)?;
        let content = inner.data.stream_content(source, stream).map_err(from_store)?.ok_or_else(|| not_found("stream"))?;
        if confirm_name.trim() != row.name {
            return Err(bad_input("confirm_name", "That is not the source's name.", format!("Type \"{}\".", row.name)));
        }
        let fate = inner.fate(&row, stream)?;
        if leave_out && fate != Fate::Either {
            return Err(bad_input("leave_out", fate.sentence(&row), "Delete it without leaving it out."));
        }
        inner.must_be_idle(source)?;
        let then = if leave_out { "left_out" } else { "collected_anew" };
        let detail = [("stream", stream), ("records", &content.records.to_string()), ("then", then)];
        inner.record(&caller.actor(), Action::SourceDeleteStream, &source.to_string(), &detail)?;
        inner.data.remove_stream(source, stream, leave_out).map_err(from_store)?;
        inner.tell(Event::Source { source });
        Ok(())
    }

    /// Collects a stream again that was left out: the next run begins from the beginning. `conflict` while a run of the source is under
    /// way, and where the stream is not left out.
    pub fn take_in(&self, caller: &Caller, source: SourceId, stream: &str) -> Result<(), Problem> {
        caller.must(Permission::Configure)?;
        let inner = &self.0;
        inner.source_row(source)?;
        inner.must_be_idle(source)?;
        inner.data.take_in(source, stream).map_err(from_store)?;
        inner.record(&caller.actor(), Action::SourceTakeIn, &source.to_string(), &[("stream", stream)])?;
        inner.tell(Event::Source { source });
        Ok(())
    }
}

/// What becomes of a stream that was deleted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is collected anew, or left out.
    Either,
    /// It is collected anew: there is nothing else its source collects.
    OnlyOne,
    /// It is collected anew: it tells which account is signed in.
    ShowsAccount,
    /// Its connector does not collect it any more, or is not there.
    NotCollected,
    /// Its source was removed.
    Removed,
}

impl Fate {
    /// What comes afterwards, where it is not left out.
    fn sentence(self, row: &SourceRow) -> String {
        let is_scheduled = row.interval_seconds.is_some() && row.mode != CredentialMode::EphemeralBrowser;
        let anew = match (row.paused, is_scheduled) {
            (true, _) => "Once you resume the source, it is collected anew, from the beginning.",
            (false, true) => "The next run collects it anew, from the beginning.",
            (false, false) => "When you next collect the source, it is collected anew, from the beginning.",
        };
        match self {
            Fate::Either => anew.to_owned(),
            Fate::OnlyOne => format!("{anew} It is all that this source collects: pause the source to stop that."),
            Fate::ShowsAccount => format!("{anew} It shows which account is signed in, so it is always collected."),
            Fate::NotCollected => "The connector does not collect it any more, so it does not come back.".to_owned(),
            Fate::Removed => "The source was removed, so it does not come back.".to_owned(),
        }
    }
}

impl Inner {
    fn fate(&self, row: &SourceRow, stream: &str) -> Result<Fate, Problem> {
        if self.data.source(row.id).map_err(from_store)?.is_none() {
            return Ok(Fate::Removed);
        }
        let left_out = self.data.left_out(row.id).map_err(from_store)?;
        let Ok(connector) = self.catalog.get(&row.connector) else { return Ok(Fate::NotCollected) };
        let collected = connector.manifest.streams.iter().filter(|stream| !left_out.contains(&stream.name));
        let (own, others): (Vec<_>, Vec<_>) = collected.partition(|declared| declared.name == stream);
        let identity = connector.manifest.identity.as_ref().map(|rule| &rule.source);
        let shows_account = matches!(identity, Some(IdentitySource::Stream { stream: shows, .. }) if shows == stream);
        Ok(match (own.is_empty(), others.is_empty()) {
            (true, _) => Fate::NotCollected,
            (false, _) if shows_account => Fate::ShowsAccount,
            (false, true) => Fate::OnlyOne,
            (false, false) => Fate::Either,
        })
    }

    fn must_be_idle(&self, source: SourceId) -> Result<(), Problem> {
        match self.data.unfinished_run_of(source).map_err(from_store)? {
            Some(_) => Err(Problem::new(
                ProblemCode::Conflict,
                "A run of this source is under way.",
                "Wait for its end or cancel it, and repeat this.",
            )),
            None => Ok(()),
        }
    }
}
