//! R12: what holds a secret cannot be printed, serialised or copied, whoever tries.

use std::{
    fmt::{Debug, Display},
    marker::PhantomData,
};

use freehold_core::SecretBytes;
use freehold_vault::{RecoveryKey, SecretPayload, SlotKey, SourceVault, Vault};

/// Asks, when compiled, whether `T` has a trait: a constant of the type itself hides one of the same name in a trait, and is there
/// only if its bound holds.
struct Has<T>(PhantomData<T>);

macro_rules! probe {
    ($fallback:ident, $name:ident, $($bound:tt)+) => {
        trait $fallback { const $name: bool = false; }
        impl<T> $fallback for Has<T> {}
        impl<T: $($bound)+> Has<T> { const $name: bool = true; }
    };
}

probe!(NoDebug, DEBUG, Debug);
probe!(NoDisplay, DISPLAY, Display);
probe!(NoClone, CLONE, Clone);
probe!(NoSerialize, SERIALIZE, serde::Serialize);

macro_rules! assert_never_shown {
    ($($secret:ty),+) => {$(
        assert!(!Has::<$secret>::DEBUG, concat!(stringify!($secret), " has Debug"));
        assert!(!Has::<$secret>::DISPLAY, concat!(stringify!($secret), " has Display"));
        assert!(!Has::<$secret>::CLONE, concat!(stringify!($secret), " has Clone"));
        assert!(!Has::<$secret>::SERIALIZE, concat!(stringify!($secret), " has Serialize"));
    )+};
}

#[test]
#[expect(clippy::assertions_on_constants, reason = "the constants are the question")]
fn secret_types_cannot_be_printed_serialised_or_copied() {
    // The probe sees traits where they are.
    assert!(Has::<String>::DEBUG && Has::<String>::DISPLAY && Has::<String>::CLONE && Has::<String>::SERIALIZE);
    assert_never_shown!(SecretBytes, SecretPayload, SlotKey, RecoveryKey, Vault, SourceVault);
}
