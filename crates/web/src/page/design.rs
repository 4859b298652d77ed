//! Everything the console's pages are made of, on one page with its states. Only in development builds.

use askama::Template;
use freehold_core::{Problem, ProblemCode, Timestamp};
use freehold_engine::TimeUnit;
use freehold_engine::view::{CountView, CountsView};
use jiff::civil::date;

use super::chart::Chart;
use super::run_chart::{Drawn, RunChart};
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
    chart: Option<Chart>,
    run_chart: Option<RunChart>,
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
        chart: Chart::of_records(&letters(), Some("#charts".to_owned()), |_| "#charts".to_owned()),
        run_chart: RunChart::draw(runs()),
    }
}

/// Letters of thirty months, with a gap.
fn letters() -> CountsView {
    let mut from = date(2023, 6, 1);
    let parts = [310, 284, 402, 391, 0, 0, 12, 377, 420, 398, 365, 410, 288, 301, 433, 455, 470, 512, 388, 402, 419];
    let parts = parts.into_iter().chain([441, 355, 420, 444, 489, 530, 1_204, 602, 118]).map(|count| {
        let part = CountView { from, to: from.last_of_month(), count };
        from = part.to.tomorrow().unwrap_or(part.to);
        part
    });
    CountsView { unit: TimeUnit::Month, zone: None, parts: parts.collect() }
}

/// A month of runs, the newest first.
fn runs() -> Vec<Drawn> {
    let run = |day: u32| Drawn {
        url: "#charts".to_owned(),
        at: Timestamp::UNIX_EPOCH,
        sign: match day {
            3 => Sign { word: "Failed", shape: "broken" },
            9 | 10 => Sign { word: "Needs you", shape: "needs_owner" },
            17 => Sign { word: "Interrupted", shape: "paused" },
            _ => Sign { word: "Succeeded", shape: "fresh" },
        },
        brought: if [3, 9, 10, 17].contains(&day) { 0 } else { u64::from(day * day % 23) },
    };
    (0..30).map(run).collect()
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
