//! What this crate does, with a real Chromium.

#![allow(clippy::unwrap_used)]

mod chromium;
mod identity;
mod live;
mod proxy;
mod sign_in;
mod support;
