//! The doors of Freehold for people and programs: the console's pages, the HTTP API, its event stream, health and metrics.
//!
//! Everything here asks the engine and shows its answer; no rule of the product is decided in this crate but those of the door
//! itself: who may knock ([`config`] names the addresses, `origin` and `admit` check them) and what a page may load.
//!
//! The routes are one table, `route::table`; the router is built from it and the tests walk it.

mod admit;
mod api;
mod app;
mod asset;
mod body;
mod config;
mod cookie;
mod done;
mod download;
mod form;
mod headers;
mod multipart;
mod narrowed;
mod origin;
mod page;
mod proxy;
mod refused;
mod route;
mod serve;
mod served;
mod status;
mod zone;

pub use config::{Addresses, Door, WebConfig};
pub use proxy::{Network, TrustedProxies};
pub use route::router;
pub use serve::{serve_tcp, serve_unix};
pub use served::{Certificate, Served};
