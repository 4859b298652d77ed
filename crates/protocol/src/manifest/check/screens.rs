//! The check of screens: what would be silently wrong, because it would never match, or always.

use super::super::{Fill, LocalText, Manifest, Means, Screen, When};
use super::{Problems, repeated};

/// What all screens of a descriptor work towards.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    SignedIn,
    SignedOut,
}

impl Goal {
    fn means(self) -> Means {
        match self {
            Self::SignedIn => Means::SignedIn,
            Self::SignedOut => Means::SignedOut,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::SignedOut => "signed_out",
        }
    }
}

pub(super) fn check(manifest: &Manifest, pointer: &str, screens: &[Screen], goal: Goal, problems: &mut Problems) {
    if screens.iter().all(|screen| screen.means != Some(goal.means())) {
        let fix = format!("Describe the screen that \"means\": \"{}\"", goal.name());
        problems.add(pointer, format!("no screen means {}, so it would never end", goal.name()), fix);
    }
    for (index, name) in repeated(screens.iter().map(|screen| screen.name.as_str())) {
        problems.add(format!("{pointer}/{index}/name"), format!("there are two screens {name:?}"), "Give each its own name");
    }
    for (index, screen) in screens.iter().enumerate() {
        let at = format!("{pointer}/{index}");
        if let Some(before) =
            screens[..index].iter().find(|before| before.when == screen.when && !is_instead(before, screen))
        {
            let problem = format!("the screen {:?} is recognised by the same, and comes first", before.name);
            problems.add(format!("{at}/when"), problem, "Say what tells them apart");
        }
        when(&format!("{at}/when"), &screen.when, problems);
        action(manifest, &at, screen, goal, problems);
        meaning(manifest, &at, screen, goal, problems);
    }
}

/// Whether the later screen's recovery code goes where the earlier one's code does, when that cannot be made.
fn is_instead(before: &Screen, screen: &Screen) -> bool {
    let fills = |screen: &Screen, wanted| screen.fill.values().any(|fill| *fill == wanted);
    fills(before, Fill::Otp) && fills(screen, Fill::RecoveryCode)
}

fn when(at: &str, when: &When, problems: &mut Problems) {
    if when.url.is_none() && when.visible.is_none() && when.text.is_none() && when.hidden.is_some() {
        let fix = "Add what is there: url, visible or text";
        problems.add(at, "what is not there does not tell it from an empty page", fix);
    }
    if let Some(url) = &when.url {
        let problem = match url.trim() {
            "" => Some("it is in every address"),
            _ if url.contains('*') => Some("it is compared as it is, and no address has a * in it"),
            _ => None,
        };
        if let Some(problem) = problem {
            problems.add(format!("{at}/url"), problem, "Write a part of the address, as in \"/orders\"");
        }
    }
    for (part, text) in [("visible", &when.visible), ("hidden", &when.hidden)] {
        if let Some(text) = text {
            selector(&format!("{at}/{part}"), text, problems);
        }
    }
    match &when.text {
        Some(LocalText::ByLanguage(texts)) if texts.is_empty() => {
            problems.add(format!("{at}/text"), "there are no words, so it never matches", "Give {\"en\": \"words\"}");
        }
        Some(text) if text.wordings().any(|wording| wording.trim().is_empty()) => {
            problems.add(format!("{at}/text"), "empty words are on every page", "Give the words");
        }
        _ => {}
    }
}

/// What a screen does.
fn action(manifest: &Manifest, at: &str, screen: &Screen, goal: Goal, problems: &mut Problems) {
    let acts = !screen.fill.is_empty() || screen.submit.is_some() || !screen.tick.is_empty();
    if acts == screen.means.is_some() {
        problems.add(at, "a screen has something to do, or something it means", "Give either fill and submit, or means");
    }
    if screen.fill.is_empty() && screen.submit.is_none() && !screen.tick.is_empty() {
        problems.add(format!("{at}/tick"), "nothing is submitted after it", "Name what is clicked in submit");
    }
    if goal == Goal::SignedOut && !screen.fill.is_empty() {
        problems.add(format!("{at}/fill"), "nothing is typed while signing out", "Remove it");
    }
    let codes = screen.fill.values().filter(|fill| matches!(fill, Fill::Otp | Fill::RecoveryCode)).count();
    if codes > 1 {
        let fix = "Describe a screen for each; boxes for single digits are one selector";
        problems.add(format!("{at}/fill"), "one screen takes one code", fix);
    }
    for (text, fill) in &screen.fill {
        let place = format!("{at}/fill/{}", text.replace('~', "~0").replace('/', "~1"));
        if let Fill::Field(name) = fill
            && !has_field(manifest, name)
        {
            let fix = "Name a field of setup.credential_capture, otp or recovery_code";
            problems.add(&place, format!("no form has a field {name:?}"), fix);
        }
        selector(&place, text, problems);
    }
    for (index, text) in screen.tick.iter().enumerate() {
        selector(&format!("{at}/tick/{index}"), text, problems);
    }
    if let Some(text) = &screen.submit {
        selector(&format!("{at}/submit"), text, problems);
    }
}

/// What a screen means.
fn meaning(manifest: &Manifest, at: &str, screen: &Screen, goal: Goal, problems: &mut Problems) {
    let other = match goal {
        Goal::SignedIn => Means::SignedOut,
        Goal::SignedOut => Means::SignedIn,
    };
    if screen.means == Some(other) {
        let problem = format!("here only {} is an end", goal.name());
        problems.add(format!("{at}/means"), problem, "Remove the screen, or say what it means here");
    }
    if screen.of.is_some() != (screen.means == Some(Means::Rejected)) {
        let fix = "Say \"means\": \"rejected\", \"of\": \"password\"";
        problems.add(format!("{at}/of"), "a rejected screen says of what, and no other does", fix);
    }
    if screen.means == Some(Means::Rejected) && screen.of.is_some() && screen.rejected().is_empty() {
        problems.add(
            format!("{at}/of"),
            "it names nothing, so nothing would be rejected",
            "Name a field, otp or recovery_code",
        );
    }
    for name in screen.rejected() {
        if !matches!(name.as_str(), "otp" | "recovery_code") && !has_field(manifest, name) {
            let fix = "Name a field, otp or recovery_code";
            problems.add(format!("{at}/of"), format!("no form has a field {name:?}"), fix);
        }
    }
    if screen.kind.is_some() && screen.means != Some(Means::Challenge) {
        problems.add(format!("{at}/kind"), "only a challenge has a kind", "Remove it, or say \"means\": \"challenge\"");
    }
    if let Some(text) = &screen.until {
        if !matches!(screen.means, Some(Means::LockedOut | Means::RateLimited)) {
            let fix = "Remove it, or say \"means\": \"locked_out\"";
            problems.add(format!("{at}/until"), "only locked_out and rate_limited have an end", fix);
        }
        selector(&format!("{at}/until"), text, problems);
    }
}

fn has_field(manifest: &Manifest, name: &str) -> bool {
    manifest.captures().any(|capture| capture.fields.iter().any(|field| field.name == name))
}

/// Reports what no browser takes as a CSS selector, as far as that can be said without one.
pub(super) fn selector(at: &str, text: &str, problems: &mut Problems) {
    const ELSEWHERE: [&str; 7] = ["xpath=", "text=", "css=", "id=", ":has-text(", ":text(", ">>"];
    let problem = if text.trim().is_empty() {
        "it is empty"
    } else if text.trim_start().starts_with(['/', '(']) {
        "it looks like XPath"
    } else if ELSEWHERE.iter().any(|word| text.contains(word) && !text.contains(&format!("[{word}"))) {
        "it is a selector of a testing tool, and no CSS"
    } else if !is_balanced(text) {
        "a bracket or a quotation mark in it is not closed"
    } else {
        return;
    };
    problems.add(at, problem, "Write a CSS selector, as in \"#password\"");
}

/// Whether every bracket and quotation mark is closed, and in order.
fn is_balanced(text: &str) -> bool {
    let mut open = Vec::new();
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (_, '\\') => drop(letters.next()),
            (Some(mark), letter) if mark == letter => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, '[') => open.push(']'),
            (None, '(') => open.push(')'),
            (None, ']' | ')') if open.pop() != Some(letter) => return false,
            _ => {}
        }
    }
    open.is_empty() && quote.is_none()
}
