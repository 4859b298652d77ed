//! The real binary, as an operator and an owner use it.
#![expect(clippy::unwrap_used, reason = "helpers of a test")]

mod backup;
mod configuration;
mod connector;
mod environment;
mod first_start;
mod harness;
mod help;
mod mailbox;
mod notify;
mod receipts;
mod removed;
mod serving;
mod session;
mod streams;
mod tls;
