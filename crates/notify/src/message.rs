//! What is sent, and what came of it.

/// A message to the owner. It may end up on a lock screen, so it says only that something is needed, and of what kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its own name, so that a server that is given it twice can tell.
    pub id: String,
    /// A few words.
    pub title: String,
    /// One sentence.
    pub body: String,
    /// The page it is about.
    pub link: String,
    /// Whether somebody waits for the answer.
    pub urgent: bool,
}

/// A message that a server took over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// What the server said.
    pub answer: String,
}

/// A message that no server took over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {next}")]
pub struct Failure {
    /// Whether trying again cannot help until somebody changes something.
    pub lasting: bool,
    /// What happened, one sentence.
    pub what: String,
    /// What to do, one sentence.
    pub next: String,
    /// The server's own words, if it said any.
    pub answer: Option<String>,
}

impl Failure {
    /// One that goes away by itself, perhaps.
    pub(crate) fn passing(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { lasting: false, what: what.into(), next: next.into(), answer: None }
    }

    /// One that stays until something is changed.
    pub(crate) fn lasting(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { lasting: true, ..Self::passing(what, next) }
    }

    pub(crate) fn answered(mut self, answer: &str) -> Self {
        self.answer = Some(readable(answer)).filter(|answer| !answer.is_empty());
        self
    }
}

/// A server's words as one line that can be shown: without control characters, and not too long.
pub(crate) fn readable(answer: &str) -> String {
    const MOST: usize = 200;
    let line: String = answer.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_words_become_one_short_line() {
        assert_eq!(readable(" 535 5.7.8\r\nno\u{7} \t such user "), "535 5.7.8 no such user");
        assert_eq!(readable(&"ä".repeat(300)).chars().count(), 201);
    }
}
