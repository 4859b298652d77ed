//! What the tests of the whole need: a Freehold of their own, a provider to play, and Freehold's own source as text.

pub mod clock;
pub mod hand;
pub mod house;
pub mod leaky;
pub mod library;
pub mod mail;
pub mod ntfy;
pub mod processes;
pub mod provider;
pub mod random;
pub mod server;
pub mod shop;
pub mod source;
