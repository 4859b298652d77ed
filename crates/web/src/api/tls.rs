//! How the console is served.

use axum::Json;

use super::Answer;
use crate::admit::Visitor;
use crate::served::TlsView;

/// Before first start too: the CA is installed before a passphrase is typed.
pub(crate) async fn show(visitor: Visitor) -> Answer<TlsView> {
    Ok(Json(TlsView::of(&visitor.app.config, visitor.app.engine.now())))
}
