//! Notifications: the channels, what the owner is needed for, the messages about it, and how each was delivered.
//!
//! What has to happen once is one transaction: a message, its deliveries, and the note on each need it tells of. A delivery is noted
//! as begun before anything is sent, so that a server that died in between does not send it twice.

macro_rules! names {
    ($type:ident: $($variant:ident = $name:literal),+) => {
        impl $type {
            /// The name in the database and the API.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

mod channel;
mod delivery;
mod message;
mod need;

pub use channel::ChannelRow;
pub use delivery::{DeliveryRow, DeliveryState};
pub use message::{MessageKind, MessageRow, NewMessage};
pub use need::{NeedChange, NeedNow, NeedRow};

/// Messages and needs kept to be looked at.
const KEPT: u32 = 200;
