//! What a removed source left behind, where its owner kept it: its records can be read, and deleted for good.

use freehold_core::identity::IdentityState;
use freehold_core::{Problem, SourceId};
use freehold_store::SourceRow;

use crate::audit::Action;
use crate::caller::{Caller, Permission};
use crate::event::Event;
use crate::problem::{bad_input, from_store, not_found};
use crate::server::{Engine, Inner};
use crate::view::CollectedView;

impl Engine {
    /// The removed sources whose records were kept, in the order the sources were added.
    pub fn removed_sources(&self, caller: &Caller) -> Result<Vec<CollectedView>, Problem> {
        caller.must(Permission::Read)?;
        let inner = &self.0;
        let rows = inner.data.removed_sources(inner.owner()?).map_err(from_store)?;
        rows.into_iter().map(|row| inner.collected_view(row, true)).collect()
    }

    /// What was collected from a source, whether it is still there or was removed.
    pub fn collected(&self, caller: &Caller, id: SourceId) -> Result<CollectedView, Problem> {
        caller.must(Permission::Read)?;
        let inner = &self.0;
        match inner.data.source(id).map_err(from_store)? {
            Some(row) => inner.collected_view(row, false),
            None => inner.collected_view(inner.removed_row(id)?, true),
        }
    }

    /// Deletes for good what a removed source left behind. `confirm_name` has to equal its name.
    pub fn delete_removed(&self, caller: &Caller, id: SourceId, confirm_name: &str) -> Result<(), Problem> {
        caller.must(Permission::Reauthenticated)?;
        let inner = &self.0;
        let row = inner.removed_row(id)?;
        if confirm_name.trim() != row.name {
            return Err(bad_input("confirm_name", "That is not the source's name.", format!("Type \"{}\".", row.name)));
        }
        inner.record(&caller.actor(), Action::SourceDeleteRecords, &id.to_string(), &[])?;
        inner.data.remove_source(id, false).map_err(from_store)?;
        inner.tell(Event::Source { source: id });
        Ok(())
    }
}

impl Inner {
    fn removed_row(&self, id: SourceId) -> Result<SourceRow, Problem> {
        self.data.removed_source(id).map_err(from_store)?.ok_or_else(|| not_found("source"))
    }

    /// The source of that id, removed or not: what it collected is read in the same way.
    pub(crate) fn any_source_row(&self, id: SourceId) -> Result<SourceRow, Problem> {
        match self.data.source(id).map_err(from_store)? {
            Some(row) => Ok(row),
            None => self.removed_row(id),
        }
    }

    fn collected_view(&self, row: SourceRow, removed: bool) -> Result<CollectedView, Problem> {
        let connector = self.catalog.get(&row.connector).ok();
        let display_name = connector.as_ref().map(|connector| connector.manifest.display_name.clone());
        Ok(CollectedView {
            id: row.id,
            streams: self.stream_views(&row, connector.as_ref())?,
            connector_display_name: display_name.unwrap_or_else(|| row.connector.to_string()),
            account: match row.identity {
                IdentityState::Confirmed { identity } => Some(identity.display),
                IdentityState::Unconfirmed | IdentityState::Proposed { .. } | IdentityState::AcceptedUnverified => None,
            },
            name: row.name,
            connector: row.connector,
            removed,
            last_success_at: row.last_success_at,
            created_at: row.created_at,
        })
    }
}
