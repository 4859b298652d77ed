//! A way in for what must work without a server too: first start, a forgotten passphrase, the audit chain.

use std::sync::Arc;

use freehold_core::{Problem, ProblemCode, SystemClock};
use freehold_engine::Engine;
use freehold_vault::OsRng;

use super::Context;
use super::client::Client;

/// The running server, or the data directory itself.
pub(crate) enum Door {
    /// A server is running: it alone may touch its data directory.
    Server(Client),
    /// None is.
    Data(Engine),
}

impl Door {
    /// The server if one answers, else the data directory.
    pub(crate) fn open(context: &Context) -> Result<Self, Problem> {
        match context.client() {
            Ok(client) => Ok(Self::Server(client)),
            Err(problem) if problem.code == ProblemCode::ServerUnreachable => {
                let config = crate::serve::engine_config(&context.config)?;
                Engine::open(config, Arc::new(SystemClock), Arc::new(OsRng)).map(Self::Data)
            }
            Err(problem) => Err(problem),
        }
    }
}
