//! The event stream: what just changed, so that a page or the CLI looks again.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use freehold_engine::Event;
use futures_util::{StreamExt, stream};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use crate::admit::Visitor;
use crate::app::Connection;

/// A stream ends after this long; the browser asks again by itself, and is checked again.
const LIFETIME: Duration = Duration::from_secs(600);

/// Between signs of life on a quiet stream, so that proxies keep it open.
const QUIET: Duration = Duration::from_secs(15);

/// Events named `source`, `run`, `vault`, `backup` with the engine's own data, and `everything` after some were missed.
pub(crate) async fn stream(visitor: Visitor, connection: Option<Extension<Connection>>) -> Response {
    let receiver = visitor.app.engine.events();
    let until = Instant::now() + LIFETIME;
    let messages = stream::unfold(receiver, move |mut receiver| async move {
        match tokio::time::timeout_at(until, receiver.recv()).await {
            Ok(Ok(event)) => Some((Ok::<_, Infallible>(message(&event)), receiver)),
            Ok(Err(RecvError::Lagged(_))) => Some((Ok(Message::default().event("everything").data("{}")), receiver)),
            Ok(Err(RecvError::Closed)) | Err(_) => None,
        }
    });
    let stopped = async move {
        match connection {
            Some(Extension(mut connection)) => {
                // An error means that the server is gone, which is an end too.
                let _ended = connection.stopping.wait_for(|stopping| *stopping).await;
            }
            None => std::future::pending().await,
        }
    };
    Sse::new(messages.take_until(Box::pin(stopped))).keep_alive(KeepAlive::new().interval(QUIET)).into_response()
}

fn message(event: &Event) -> Message {
    let name = match event {
        Event::Source { .. } => "source",
        Event::Run { .. } => "run",
        Event::Vault => "vault",
        Event::Backup => "backup",
        Event::Notifications => "notifications",
    };
    Message::default().event(name).data(serde_json::to_string(event).unwrap_or_default())
}
