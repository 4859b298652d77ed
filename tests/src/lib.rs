//! What the tests of the whole need: a Freehold of their own, a provider to play, Freehold's own source as text, and a scanner for
//! secrets that got out.

pub mod canary;
pub mod clock;
pub mod hand;
pub mod house;
pub mod library;
pub mod provider;
pub mod random;
pub mod server;
pub mod shop;
pub mod source;
