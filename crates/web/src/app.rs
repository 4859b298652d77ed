//! What every handler shares.

use std::net::IpAddr;
use std::sync::Arc;

use freehold_core::{Problem, ProblemCode};
use freehold_engine::Engine;
use tokio::sync::watch;

use crate::config::{Door, WebConfig};

/// The engine, the deployment's choices, and the door this router stands behind.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) config: Arc<WebConfig>,
    pub(crate) door: Door,
}

impl App {
    /// Asks the engine on a thread that may block, as everything in the engine does.
    pub(crate) async fn ask<T, F>(&self, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Engine) -> Result<T, Problem> + Send + 'static,
    {
        let engine = self.engine.clone();
        tokio::task::spawn_blocking(move || work(&engine)).await.unwrap_or_else(|failure| {
            tracing::error!(panicked = failure.is_panic(), "a request was not finished");
            Err(Problem::new(
                ProblemCode::Internal,
                "Freehold failed while doing this.",
                "Try again; the server's log says more.",
            ))
        })
    }
}

/// What is known of the connection a request came on; put into every request by [`crate::serve`].
#[derive(Clone)]
pub(crate) struct Connection {
    /// The address of the other end; none on a Unix socket.
    pub(crate) peer: Option<IpAddr>,
    /// Turns true when the server stops, so that streams without an end have one.
    pub(crate) stopping: watch::Receiver<bool>,
}
