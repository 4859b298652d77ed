//! Receipts as they are shown.

use freehold_core::ReceiptId;
use freehold_core::receipt::Receipt;
use serde::Serialize;

/// A receipt as the owner reads it.
#[derive(Clone, Debug, Serialize)]
pub struct ReceiptView {
    /// The receipt itself.
    #[serde(flatten)]
    pub receipt: Receipt,
    /// Whether nothing was left where it was looked.
    pub verified: bool,
    /// One sentence on what was done.
    pub sentence: String,
    /// One sentence on the provider's own session.
    pub session: &'static str,
    /// A later receipt of the same run, if there is one.
    pub superseded: Option<ReceiptId>,
}
