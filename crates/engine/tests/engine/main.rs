//! The engine with everything real but the provider: databases, vault, sandbox, and connectors in other languages.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs, unreachable_pub)]

mod attempts;
mod backup;
mod contract;
mod export;
mod files;
mod first_records;
mod gate;
mod interactions;
mod keys;
mod notifications;
mod over_time;
mod recovery;
mod schedule;
mod search;
mod setup;
mod streams;
mod support;
