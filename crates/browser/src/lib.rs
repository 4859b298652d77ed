//! Chromium for Freehold: starting it confined, driving it over a pipe, and what a source in a browser needs on top of that.
//!
//! Everything here blocks, as the engine does: a browser has one thread that reads its pipe, and callers wait for their answers on
//! threads of their own. Secrets are handed in for one use and never kept.

pub mod cdp;
mod chromium;
pub mod cookies;
mod error;
mod identity;
pub mod live;
mod page;
pub mod profile;
mod proxy;
pub mod sign_in;
mod tabs;

pub use chromium::{Chromium, Installed, Options, StandIn, Windows};
pub use error::BrowserError;
pub use identity::read_identity;
pub use live::LiveView;
pub use page::{Frame, Page};
pub use proxy::{ConnectorBrowser, Directories, Hosts};
pub use sign_in::{Need, Sight, SignInMachine, Turn};
pub use tabs::{Reach, Tab, Tabs};
