//! Ctrl-C and SIGTERM: told to whoever waits, so that what was started here can be stopped, and nothing else.

use std::sync::mpsc::Sender;

use anyhow::Context;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Sends `message` on the first Ctrl-C or SIGTERM. From the second on, the process ends as if this had never been called.
pub(crate) fn on_request<T: Send + 'static>(message: T, to: Sender<T>) -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("signals cannot be watched")?;
    std::thread::spawn(move || {
        let mut requests = signals.forever();
        if requests.next().is_some() {
            // The receiver is gone only when everything has been stopped already.
            let _ = to.send(message);
        }
        if let Some(signal) = requests.next() {
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    });
    Ok(())
}
