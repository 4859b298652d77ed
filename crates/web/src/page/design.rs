//! Everything the console's pages are made of, on one page with its states. Only in development builds.

use askama::Template;
use freehold_core::{Problem, ProblemCode, Timestamp};

use super::text::When;
use super::{Frame, Page, Under, show};
use crate::form::FieldView;
use crate::status::{Button, Sign};

#[derive(Template)]
#[template(path = "design.html")]
pub(super) struct DesignPage {
    pub(super) frame: Frame,
    colours: [&'static str; 15],
    signs: [Sign; 8],
    act: Button,
    go: Button,
    problem: Problem,
    notices: Vec<String>,
    fields: Vec<FieldView>,
    when: When,
}

pub(crate) async fn show_page() -> Page {
    Ok(show(&page()))
}

pub(super) fn page() -> DesignPage {
    let sign = |word, shape| Sign { word, shape };
    DesignPage {
        frame: Frame::new("Design", Under::Settings),
        colours: [
            "ground",
            "surface",
            "sunken",
            "line",
            "line-strong",
            "muted",
            "ink",
            "accent",
            "accent-ground",
            "good",
            "good-ground",
            "want",
            "want-ground",
            "bad",
            "bad-ground",
        ],
        signs: [
            sign("Up to date", "fresh"),
            sign("Due", "due"),
            sign("Collecting", "running"),
            sign("Needs you", "needs_owner"),
            sign("Waiting", "waiting"),
            sign("Broken", "broken"),
            sign("Paused", "paused"),
            sign("Setting up", "setting_up"),
        ],
        act: Button { label: "It does something", url: "/design".to_owned(), acts: false },
        go: Button { label: "It leads somewhere", url: "/design".to_owned(), acts: false },
        problem: Problem::new(ProblemCode::BadInput, "A server's name has no space in it.", "Correct it, and save again."),
        notices: vec!["This connector receives the sign-in details.".to_owned()],
        fields: fields(),
        when: When(Timestamp::UNIX_EPOCH),
    }
}

fn fields() -> Vec<FieldView> {
    let field = |name: &str, label: &str, shape| FieldView {
        name: name.to_owned(),
        label: label.to_owned(),
        shape,
        value: String::new(),
        required: false,
        is_extra: false,
        aside: "",
        autocomplete: "off".to_owned(),
        placeholder: None,
        help_text: None,
        help_url: None,
        options: Vec::new(),
        min: None,
        max: None,
        error: None,
        picture: None,
    };
    let option =
        |label: &str, chosen| crate::form::OptionView { value: label.to_lowercase(), label: label.to_owned(), chosen };
    vec![
        FieldView {
            help_text: Some("What it is for, in a sentence.".to_owned()),
            placeholder: Some("mail.example.com".to_owned()),
            ..field("plain", "A field", "text")
        },
        FieldView { aside: "optional", value: "993".to_owned(), ..field("number", "A number", "number") },
        FieldView {
            value: "bad host".to_owned(),
            error: Some("A server's name has no space in it.".to_owned()),
            ..field("wrong", "A field with something wrong", "text")
        },
        field("secret", "A secret", "password"),
        FieldView {
            options: vec![option("TLS", true), option("STARTTLS", false)],
            ..field("choice", "One of a few", "select")
        },
        field("lines", "Some lines", "textarea"),
        FieldView { value: "true".to_owned(), ..field("tick", "A choice of yes or no", "checkbox") },
    ]
}
