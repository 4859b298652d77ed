//! Typed ids: `src_01j9…`, a prefix that says of what, then a ULID in lower case.
//!
//! Ids have no `Default`, `From` or `Deref`: one is made with a clock and a random source, or parsed from text that says what it
//! is, so that a run's id can never stand where a source's is meant.

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::{Clock, Rng};

/// Text that is not the id it should be.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is not {what}: it starts with \"{prefix}_\" and has 26 letters and digits after that")]
pub struct InvalidId {
    /// The text as given.
    pub text: String,
    /// What it should have been, with its article.
    pub what: &'static str,
    /// The prefix it should have.
    pub prefix: &'static str,
}

macro_rules! typed_id {
    ($name:ident, $prefix:literal, $what:literal) => {
        #[doc = concat!("The id of ", $what, ", as in `", $prefix, "_01j9zq…`.")]
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Ulid);

        impl $name {
            /// A new id; ids made later sort later.
            pub fn new(clock: &dyn Clock, rng: &dyn Rng) -> Self {
                let mut random = [0u8; 16];
                rng.fill(&mut random);
                let millis = u64::try_from(clock.now().as_millisecond()).unwrap_or(0);
                Self(Ulid::from_parts(millis, u128::from_be_bytes(random)))
            }

            /// The id in `text`.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|rest| rest.len() == 26)
                    .and_then(|rest| Ulid::from_string(&rest.to_ascii_uppercase()).ok())
                    .map(Self)
                    .ok_or_else(|| InvalidId { text: text.to_owned(), what: $what, prefix: $prefix })
            }

            /// The 16 bytes a seal is bound to.
            pub fn to_bytes(self) -> [u8; 16] {
                self.0.to_bytes()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.to_string().to_ascii_lowercase())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

typed_id!(OwnerId, "own", "an owner");
typed_id!(SourceId, "src", "a source");
typed_id!(RunId, "run", "a run");
typed_id!(InteractionId, "int", "an interaction");
typed_id!(AttemptId, "att", "an attempt");
typed_id!(ReceiptId, "rcp", "a receipt");
typed_id!(ServerId, "srv", "a server's life from start to stop");
typed_id!(SessionId, "ses", "a console session");
typed_id!(TokenId, "tok", "an API token");
typed_id!(BackupId, "bkp", "a backup");
typed_id!(ChannelId, "chn", "a channel of notifications");
typed_id!(MessageId, "msg", "a message to the owner");

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Clock for Fixed {
        fn now(&self) -> crate::Timestamp {
            crate::Timestamp::from_second(1_764_000_000).expect("in range")
        }
    }
    impl Rng for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn an_id_survives_text_and_refuses_another_kind() {
        let id = SourceId::new(&Fixed, &Fixed);
        assert_eq!(SourceId::parse(&id.to_string()).expect("own text"), id);
        assert!(RunId::parse(&id.to_string()).is_err());
        assert!(SourceId::parse("src_short").is_err());
    }
}
