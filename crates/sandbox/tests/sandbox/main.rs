//! Children under every layer alone and all of them stacked, trying what they must not be able to do.

#![allow(clippy::unwrap_used)]

mod support;

mod confinement;
mod display;
mod environment;
mod interpreters;
mod kill;
mod limits;
mod process;
mod secrets;
mod start;
