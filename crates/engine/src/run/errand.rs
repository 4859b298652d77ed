//! A browser's errand outside of any run: it has a directory like a run's, which no sweep takes for an orphan, and which goes with it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use freehold_core::RunId;

use super::Mail;
use crate::server::Inner;

/// The leave to use a run's directory. Dropping it removes the directory.
pub(crate) struct Errand<'a> {
    inner: &'a Arc<Inner>,
    id: RunId,
    /// Nobody writes, and nobody reads it; the sender is what says that it is under way.
    _mailbox: Receiver<Mail>,
}

impl<'a> Errand<'a> {
    /// Begins one, under an id of its own.
    pub(crate) fn begin(inner: &'a Arc<Inner>) -> Self {
        let id = RunId::new(&*inner.clock, &*inner.rng);
        let (sender, mailbox) = channel();
        inner.register(id, sender);
        Self { inner, id, _mailbox: mailbox }
    }

    /// The id its directory goes by.
    pub(crate) fn id(&self) -> RunId {
        self.id
    }
}

impl Drop for Errand<'_> {
    fn drop(&mut self) {
        self.inner.remove_run_directory(self.id);
        self.inner.unregister(self.id);
    }
}
