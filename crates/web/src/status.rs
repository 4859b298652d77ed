//! A source's status as the console shows it, and the one place where an action becomes an address.

use freehold_core::CredentialMode;
use freehold_core::status::{Action, Status};
use freehold_engine::view::SourceView;

/// A status as a word and a shape, never a colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sign {
    /// The word.
    pub(crate) word: &'static str,
    /// The name of the shape, which is the class of the colour too.
    pub(crate) shape: &'static str,
}

/// The word and the shape of a status.
pub(crate) fn sign(status: &Status) -> Sign {
    let word = match status {
        Status::SettingUp => "Setting up",
        Status::Fresh => "Up to date",
        Status::Due => "Due",
        Status::Running => "Collecting",
        Status::NeedsOwner { .. } => "Needs you",
        Status::Waiting { .. } => "Waiting",
        Status::Broken { .. } => "Broken",
        Status::Paused => "Paused",
    };
    Sign { word, shape: status.as_str() }
}

/// A button: a link, or a form of its own where pressing it does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Button {
    pub(crate) label: &'static str,
    pub(crate) url: String,
    /// Whether pressing it does something at once.
    pub(crate) acts: bool,
}

/// The one action of a source as a button; none where there is nothing to do.
pub(crate) fn button(source: &SourceView) -> Option<Button> {
    let page = format!("/sources/{}", source.id);
    let within = |rest: &str| format!("{page}/{rest}");
    let run = |run: Option<_>| run.map_or_else(|| page.clone(), |run| within(&format!("runs/{run}")));
    // Without an open question a run asks it anew.
    let question = source.interaction.map_or_else(|| (within("run"), true), |id| (format!("/interactions/{id}"), false));
    let keeps_nothing = source.mode == CredentialMode::EphemeralBrowser;
    let (url, acts) = match source.action {
        Action::None => return None,
        Action::ContinueSetup => (within("setup"), false),
        // There the owner says how to sign in this time.
        Action::CollectNow | Action::TryAgain | Action::GiveSignInDetails | Action::GoToProvider if keeps_nothing => {
            (within("collect"), false)
        }
        Action::CollectNow | Action::TryAgain => (within("run"), true),
        Action::Watch => (run(source.current_run), false),
        Action::GiveSignInDetails | Action::GoToProvider => (within("sign-in-details"), false),
        Action::TrySavedDetailsOnce => (within("try-again"), true),
        Action::Resume => (within("resume"), true),
        Action::SignIn
        | Action::Answer
        | Action::CompareAccounts
        | Action::LookInSecureBrowser
        | Action::ReviewConnector => question,
        Action::ChooseAnotherMode => (within("change"), false),
        Action::SeeWhatIsLeft => (within("left"), false),
        Action::SeeRun => (run(source.last_run), false),
        Action::UnlockVault | Action::SeeVault => ("/settings/vault".to_owned(), false),
    };
    Some(Button { label: source.action.label(), url, acts })
}

/// The button that collects a source which nothing is to be done about.
pub(crate) fn collect(source: &SourceView) -> Button {
    let keeps_nothing = source.mode == CredentialMode::EphemeralBrowser;
    let way = if keeps_nothing { "collect" } else { "run" };
    Button { label: Action::CollectNow.label(), url: format!("/sources/{}/{way}", source.id), acts: !keeps_nothing }
}
