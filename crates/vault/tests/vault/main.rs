//! The vault from outside, by its public functions.

mod backup;
mod binding;
mod frozen;
mod never_shown;
mod profile;
mod support;
mod unlocking;
