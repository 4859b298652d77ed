//! A Chromium of the test's own, and made-up sign-in details.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use freehold_browser::sign_in::Patience;
use freehold_browser::{Chromium, Installed, Options, SignInMachine, Windows};
use freehold_core::attempt::AttemptState;
use freehold_core::sign_in::{Given, NotGiven, SignInSecrets, Wanted};
use freehold_core::{AttemptId, Problem, Rng, SecretKind, SystemClock};
use freehold_proof::Planted;
use freehold_protocol::Manifest;
use freehold_sandbox::{Host, Strength};

/// A browser and the directory it lives in.
pub(crate) struct Browser {
    pub(crate) chromium: Chromium,
    folder: tempfile::TempDir,
}

impl Browser {
    pub(crate) fn start(stand_ins: Vec<freehold_browser::StandIn>) -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        std::fs::create_dir_all(folder.path().join("run")).unwrap();
        let options = Options {
            scratch: folder.path().join("run"),
            policies: folder.path().join("policies"),
            window: (1280, 800),
            stand_ins,
            windows: Windows::None,
            strength: Strength::Full,
        };
        let host = Host::probe(env!("CARGO_BIN_EXE_proof-launcher").into());
        Self { chromium: Installed::find().unwrap().start(&host, &options).unwrap(), folder }
    }

    /// Has it end by itself, so that it writes what it keeps. Returns the directory it lived in.
    pub(crate) fn close(self) -> tempfile::TempDir {
        self.chromium.close().unwrap();
        self.folder
    }
}

pub(crate) fn patience() -> Patience {
    Patience { answer: Duration::from_secs(8), settle: Duration::from_secs(2), ..Patience::default() }
}

/// The machine for a manifest whose settings are filled in, and something for each of its forms.
pub(crate) fn machine(manifest: &Manifest) -> (SignInMachine, Secrets) {
    let captures: Vec<_> = manifest.captures().cloned().collect();
    let values = |kind| {
        let form = captures.iter().find(|form| form.kind == kind).into_iter();
        form.flat_map(|form| &form.fields).map(|field| (field.name.clone(), format!("made-up {}", field.name))).collect()
    };
    let secrets = Secrets { fields: values(SecretKind::UsernamePassword), given: 0 };
    let machine = SignInMachine::new(manifest.sign_in.clone().unwrap(), captures, Arc::new(SystemClock));
    (machine.with_patience(patience()), secrets)
}

/// The end of every value.
pub(crate) const MARK: &str = "-0123456789";

/// A value of that connector's for each place.
pub(crate) fn planted(connector: &str) -> Planted {
    Planted::with(|plant| format!("{connector}-{plant:?}{MARK}"))
}

/// A name, a password and codes.
pub(crate) struct Secrets {
    fields: BTreeMap<String, String>,
    given: u8,
}

struct Number(u8);

impl Rng for Number {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

impl SignInSecrets for Secrets {
    fn has(&self, kind: SecretKind) -> bool {
        matches!(kind, SecretKind::UsernamePassword | SecretKind::OtpSeed)
    }

    fn take(&mut self, wanted: Wanted, _: &str) -> Result<Given, NotGiven> {
        let values = match wanted {
            Wanted::Fields(SecretKind::UsernamePassword) => {
                self.fields.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect()
            }
            Wanted::OneTimeCode => [("otp".to_owned(), "123456".to_owned().into())].into(),
            _ => return Err(NotGiven::Absent),
        };
        self.given += 1;
        Ok(Given { attempt: AttemptId::new(&SystemClock, &Number(self.given)), values })
    }

    fn resolve(&mut self, _: AttemptId, _: AttemptState) -> Result<(), Problem> {
        Ok(())
    }
}
