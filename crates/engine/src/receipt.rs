//! Receipts as the owner reads them, and trying a wipe once more.

use freehold_core::receipt::{Receipt, ReceiptKind, SignedOut};
use freehold_core::{Problem, ProblemCode, ReceiptId, RunId, SourceId};

use crate::caller::{Caller, Permission};
use crate::event::Event;
use crate::problem::{from_store, not_found};
use crate::server::{Engine, Inner};
use crate::view::ReceiptView;

impl Engine {
    /// Up to `limit` receipts, of one source or of all, the newest first. Those of removed sources stay.
    pub fn receipts(&self, caller: &Caller, source: Option<SourceId>, limit: u32) -> Result<Vec<ReceiptView>, Problem> {
        caller.must(Permission::Read)?;
        let receipts = self.0.data.receipts(source, limit.clamp(1, 200) as usize).map_err(from_store)?;
        receipts.into_iter().map(|receipt| self.0.receipt_view(receipt)).collect()
    }

    /// One receipt.
    pub fn receipt(&self, caller: &Caller, id: ReceiptId) -> Result<ReceiptView, Problem> {
        caller.must(Permission::Read)?;
        let receipt = self.0.data.receipt(id).map_err(from_store)?.ok_or_else(|| not_found("receipt"))?;
        self.0.receipt_view(receipt)
    }

    /// Removes what a run left and looks once more, now. A source of which nothing is left to be wiped: `conflict`.
    pub fn wipe_again(&self, caller: &Caller, source: SourceId) -> Result<ReceiptView, Problem> {
        caller.must(Permission::Run)?;
        let inner = &self.0;
        let row = inner.source_row(source)?;
        let Some(run) = inner.unwiped_of(&row)? else {
            let what = "Nothing of this source is left to be wiped.";
            return Err(Problem::new(ProblemCode::Conflict, what, "There is nothing to do."));
        };
        let receipt = inner.wipe_now(run)?;
        inner.tell(Event::Source { source });
        inner.receipt_view(receipt)
    }
}

impl Inner {
    /// The newest receipt of a run.
    pub(crate) fn receipt_of_run(&self, run: RunId) -> Result<Option<ReceiptId>, Problem> {
        Ok(self.data.receipt_of(run).map_err(from_store)?.map(|receipt| receipt.id))
    }

    fn receipt_view(&self, receipt: Receipt) -> Result<ReceiptView, Problem> {
        let verified = receipt.is_verified();
        // A later look at the same run may have found it gone.
        let superseded = match receipt.run {
            Some(run) => {
                self.data.receipt_of(run).map_err(from_store)?.map(|newest| newest.id).filter(|id| *id != receipt.id)
            }
            None => None,
        };
        Ok(ReceiptView { verified, sentence: sentence(&receipt), session: session(receipt.signed_out), superseded, receipt })
    }
}

fn sentence(receipt: &Receipt) -> String {
    let done = match receipt.kind {
        ReceiptKind::Wipe => "Everything of this run was removed",
        ReceiptKind::SignOut => "The browser was signed out and its profile destroyed",
        ReceiptKind::Forget => "The saved sign-in details were destroyed",
        ReceiptKind::ChangeMode => "What the way to sign in before this one kept was destroyed",
        ReceiptKind::Remove => "The source was removed, and with it all it signed in with",
    };
    match receipt.left.len() {
        0 => format!("{done}, and nothing was found where it was looked afterwards."),
        1 => "It was tried, and one thing is left.".to_owned(),
        left => format!("It was tried, and {left} things are left."),
    }
}

fn session(signed_out: SignedOut) -> &'static str {
    match signed_out {
        SignedOut::Yes => "The provider's page said that it signed out.",
        SignedOut::NotSeen => "Signing out at the provider was tried; its page did not say that it worked.",
        SignedOut::NotSignedIn => "Nobody was signed in.",
        SignedOut::NoBrowser => "The provider was not told.",
        SignedOut::NotDescribed => "The provider was not told: the connector does not say how to sign out.",
    }
}
