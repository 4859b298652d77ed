//! What the audit log tells of, in one table: the name in the log, which never changes, and the sentence that a person reads.

macro_rules! actions {
    ($($variant:ident = $name:literal, $sentence:literal;)+) => {
        /// One kind of entry. A kind has no way into the log without a name and a sentence.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Action { $($variant),+ }

        impl Action {
            #[cfg(test)]
            const ALL: &[Action] = &[$(Self::$variant),+];

            /// Its name in the log, the API and exports.
            pub(crate) fn as_str(self) -> &'static str { match self { $(Self::$variant => $name),+ } }

            fn sentence(self) -> &'static str { match self { $(Self::$variant => $sentence),+ } }

            fn parse(name: &str) -> Option<Self> { match name { $($name => Some(Self::$variant),)+ _ => None } }
        }
    };
}

actions! {
    OwnerCreate = "owner.create", "Set up Freehold and its vault.";
    OwnerPassphrase = "owner.passphrase", "Changed the owner's passphrase.";
    OwnerReset = "owner.reset", "Set a new passphrase for the owner, with the recovery key.";

    VaultUnlock = "vault.unlock", "Unlocked the vault.";
    VaultUnlockRefused = "vault.unlock_refused", "Tried to unlock the vault, and could not.";
    VaultLock = "vault.lock", "Locked the vault.";
    SlotPut = "slot.put", "Set a key that opens the vault.";
    SlotConfirm = "slot.confirm", "Typed the recovery key back.";
    SlotReplace = "slot.replace", "Made the recovery key anew, before it was typed back.";
    SlotRemove = "slot.remove", "Took a key of the vault away.";

    SessionBegin = "session.begin", "Signed in to the console.";
    SessionSignOut = "session.sign_out", "Signed a browser out of the console.";
    TokenCreate = "token.create", "Made a token for a program.";
    TokenRevoke = "token.revoke", "Revoked a token.";

    SourceAdd = "source.add", "Added a source.";
    SourceChange = "source.change", "Changed a source.";
    SourceMode = "source.mode", "Chose another way to sign in for a source.";
    SourcePause = "source.pause", "Paused a source.";
    SourceResume = "source.resume", "Resumed a source.";
    SourceRemove = "source.remove", "Removed a source.";
    SourceDeleteRecords = "source.delete_records", "Deleted the records of a removed source.";
    SourceDeleteStream = "source.delete_stream", "Deleted a stream of a source.";
    SourceTakeIn = "source.take_in", "Had a stream collected again that was left out.";

    SecretPut = "secret.put", "Sealed sign-in details.";
    SecretRenew = "secret.renew", "Sealed sign-in details that the provider renewed.";
    SecretForget = "secret.forget", "Forgot saved sign-in details.";
    SecretTake = "secret.take", "Opened sign-in details, for one attempt.";
    SecretDenied = "secret.denied", "Was refused the sign-in details.";
    AttemptResolve = "attempt.resolve", "Noted what became of an attempt to sign in.";
    AttemptAskAgain = "attempt.ask_again", "Asked for one more try with saved sign-in details.";
    CodesTrust = "codes.trust", "Said that no recovery code was used since the backup.";

    InteractionAnswer = "interaction.answer", "Answered a question.";
    IdentityConfirm = "identity.confirm", "Confirmed which account a source is.";
    IdentityDecline = "identity.decline", "Said that it is another account.";
    LiveJoin = "live.join", "Looked into the secure browser.";
    LiveSave = "live.save", "Saved a file from the secure browser.";
    ConnectorApprove = "connector.approve", "Agreed to what a changed connector asks for.";
    ConnectorProve = "connector.prove", "Tested whether a connector leaves anything behind.";

    ProfileSeal = "profile.seal", "Sealed a browser profile.";
    ProfileDestroy = "profile.destroy", "Destroyed a browser profile.";
    ProfileNewKey = "profile.new_key", "Made a key for a browser profile.";
    Wipe = "wipe", "Wiped a run, and looked for what was left.";
    Receipt = "receipt", "Removed what was kept of a source, and looked for what was left.";

    ChannelSave = "channel.save", "Saved a way to be reached.";
    ChannelRemove = "channel.remove", "Removed a way to be reached.";

    BackupPlan = "backup.plan", "Chose when backups are made.";
    BackupBegin = "backup.begin", "Began a backup.";
    BackupMade = "backup.made", "Made a backup.";
    BackupFailed = "backup.failed", "Could not make a backup.";
    BackupDownload = "backup.download", "Took a backup home.";
    BackupRestore = "backup.restore", "Restored a backup on this machine.";
}

/// The sentence of an entry with this name. A name of another version of Freehold is said as it is.
pub(super) fn sentence(name: &str) -> String {
    Action::parse(name).map_or_else(|| format!("{}.", name.replace(['.', '_'], " ")), |action| action.sentence().to_owned())
}

/// Who acted, in words, by how an entry names them.
pub(super) fn who(actor: &str) -> &'static str {
    match actor.split([':', '_']).next() {
        Some("console") => "You, in the console",
        Some("cli") => "You, at the terminal",
        Some("token") => "A program, with a token",
        Some("run") => "A run",
        Some("first") => "You, at first start",
        Some("recovery") => "You, with the recovery key",
        Some("restore") => "You, restoring a backup",
        _ => "Freehold",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_action_has_a_name_and_a_sentence_of_its_own() {
        let names: HashSet<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
        let sentences: HashSet<&str> = Action::ALL.iter().map(|action| action.sentence()).collect();
        assert_eq!((names.len(), sentences.len()), (Action::ALL.len(), Action::ALL.len()));
        for action in Action::ALL {
            assert_eq!(Action::parse(action.as_str()), Some(*action));
            let sentence = sentence(action.as_str());
            assert!(sentence.starts_with(char::is_uppercase) && sentence.ends_with('.'), "{sentence}");
        }
    }

    #[test]
    fn what_another_version_wrote_is_still_read() {
        assert_eq!(sentence("orbit.enter_low"), "orbit enter low.");
        assert_eq!(who("console:ses_1"), "You, in the console");
        assert_eq!(who("somebody new"), "Freehold");
    }
}
