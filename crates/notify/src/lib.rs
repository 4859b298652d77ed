//! The ways out to the owner: ntfy and e-mail. It is given a short message and where to send it, and says what the server answered.
//!
//! It knows no source, no vault and no database; when something is sent, and whether, is the engine's to decide. Certificates are
//! verified, plain text goes to this machine alone, and the whole of a sending has a time limit.

pub mod channel;
pub mod email;
pub mod message;
pub mod ntfy;

mod send;
mod tls;

pub use channel::{Channel, ChannelKind, WrongField};
pub use email::{Email, Security};
pub use message::{Delivered, Failure, Message};
pub use ntfy::Ntfy;
pub use send::send;
