//! Records, one record, and what a removed source left.

use freehold_core::status::Status;
use freehold_core::{Problem, ProblemCode};
use freehold_engine::TimeUnit;
use freehold_engine::view::{
    CollectedView, CountView, CountsView, HitView, NeighbourView, NeighboursView, RecordPage, RecordView, SearchPage,
    SnippetPart, StreamContentView, VersionView,
};
use jiff::civil::date;
use serde_json::{Value, json};

use super::super::{delete_stream, record, records, removed, search};
use crate::api::search::Filter;
use crate::narrowed::Narrowed;

use super::{at, look, run_id, source};

/// The pictures' source, as what was collected from it.
pub(super) fn collected(removed: bool) -> CollectedView {
    let source = source(Status::Fresh);
    CollectedView {
        id: source.id,
        name: source.name,
        connector: source.connector,
        connector_display_name: source.connector_display_name,
        account: Some("Maria Lindqvist".to_owned()),
        removed,
        streams: source.streams,
        last_success_at: source.last_success_at,
        created_at: source.created_at,
    }
}

/// Some years of letters by month, with a gap.
pub(super) fn months() -> CountsView {
    let mut from = date(2023, 6, 1);
    let parts =
        [310, 284, 402, 391, 0, 0, 12, 377, 420, 398, 365, 410, 288, 301, 433, 455, 470, 512, 388, 402, 419, 441, 460, 473];
    let parts = parts.into_iter().chain([402, 391, 355, 420, 444, 489, 530, 1_204, 602, 118]).map(|count| {
        let part = CountView { from, to: from.last_of_month(), count };
        from = part.to.tomorrow().expect("a day");
        part
    });
    CountsView { unit: TimeUnit::Month, zone: Some("Europe/Lisbon".to_owned()), parts: parts.collect() }
}

#[test]
fn records_and_a_record() {
    let letter = |key: &str, subject: &str, from: &str| RecordView {
        key: key.to_owned(),
        title: subject.to_owned(),
        emitted_at: at("2026-03-02T06:58:00Z"),
        first_seen_at: at("2026-03-02T07:00:20Z"),
        changed_at: at("2026-03-02T07:00:20Z"),
        versions: 2,
        data: json!({
            "subject": subject, "from": from, "box": if key == "Inbox/1" { "Inbox" } else { "Work" }, "size": key.len(),
            "body": "Dear Maria,\n\nsee <b>you</b> at the lake.\n\n<script>alert(1)</script>",
            "to": ["maria@example.test", "jo@example.test"],
            "sender": {"name": "Ana", "address": {"city": "Porto"}},
            "enclosed": [{"$blob": {"sha256": "9f86d081", "size": 48_300, "filename": "lake.png", "media_type": "image/png"}}],
        }),
    };
    let list = vec![
        letter("Inbox/1", "The lake", "ana@example.test"),
        letter("Work 2", "<script>alert(1)</script>", "jo@example.test"),
        letter(
            "Work 33",
            "A subject that goes on for quite a while, as subjects of letters from offices tend to do",
            "a-very-long-address-without-any-break@example.test",
        ),
    ];
    let whole = collected(false);
    let stream = whole.streams[0].clone();
    let found = RecordPage { records: list.clone(), next: Some("c3".to_owned()), total: 12_345, waiting: 0 };
    let given = |text: &str| Some(text.to_owned());
    look("records", &records::page(whole.clone(), &stream, Ok((found.clone(), months())), Narrowed::default(), true));
    let none = RecordPage { records: Vec::new(), next: None, total: 0, waiting: 1_204 };
    let zzz = Narrowed::given(given("zzz"), None, None, None);
    look("records-none", &records::page(whole.clone(), &stream, Ok((none, CountsView::default())), zzz, true));
    let march = Narrowed::given(given("lake"), given("2026-03-01"), given("2026-03-31"), given("Europe/Lisbon"));
    look(
        "records-of-days",
        &records::page(
            whole.clone(),
            &stream,
            Ok((RecordPage { total: 2, next: None, ..found }, CountsView::default())),
            march,
            false,
        ),
    );
    let backwards = Narrowed::given(None, given("2026-03-31"), given("2026-03-01"), None);
    let problem = backwards.filter().expect_err("no days");
    look("records-wrong-days", &records::page(whole.clone(), &stream, Err(problem), backwards, true));
    let version = |data: Option<Value>, when: &str| VersionView { seen_at: at(when), run: run_id(), data };
    let mut before = list[0].data.clone();
    before["subject"] = json!("The pond");
    let versions =
        vec![version(Some(list[0].data.clone()), "2026-03-02T07:00:20Z"), version(Some(before), "2026-03-01T09:06:00Z")];
    look("removed", &removed::page(collected(true), true, None));
    let beside = |key: &str| NeighbourView { source: whole.id, stream: "letters".to_owned(), key: key.to_owned() };
    let facts = |newer: Option<&str>, place| record::Facts {
        source: whole.clone(),
        record: list[0].clone(),
        versions: versions.clone(),
        beside: NeighboursView { newer: newer.map(beside), older: Some(beside("Work 2")), place },
    };
    let page = |facts, within: &record::In| record::page(facts, "letters", "Letters".to_owned(), within);
    look("record", &page(facts(None, Some((1, 12_345))), &record::In::default()));
    let found = record::In { search: "the lake".to_owned(), ..record::In::default() };
    look("record-found", &page(facts(Some("Work 33"), None), &found));
    let march =
        record::In { text: given("lake"), from: given("2026-03-01"), to: given("2026-03-31"), ..record::In::default() };
    look("record-of-days", &page(facts(Some("Work 33"), Some((12, 204))), &march));
}

#[test]
fn deleting_a_stream() {
    let whole = collected(false);
    let stream = StreamContentView {
        source: whole.id,
        source_name: whole.name,
        name: "letters".to_owned(),
        label: "Letters".to_owned(),
        records: 12_345,
        earlier: 310,
        bytes: 49_100_000,
        files: 801,
        file_bytes: 1_290_000_000,
        shared_files: 3,
        can_be_left_out: true,
        afterwards: "The next run collects it anew, from the beginning.".to_owned(),
        removed: false,
        current_run: None,
    };
    look("delete-stream", &delete_stream::page(stream.clone(), true, None));
    let wrong = Problem::new(ProblemCode::BadInput, "That is not the source's name.", "Type \"Letters\".");
    let left = StreamContentView {
        files: 0,
        shared_files: 1,
        earlier: 1,
        can_be_left_out: false,
        afterwards: "The source was removed, so it does not come back.".to_owned(),
        removed: true,
        ..stream.clone()
    };
    look("delete-stream-removed", &delete_stream::page(left, false, Some(wrong.at("confirm_name"))));
    let running = StreamContentView { current_run: Some(run_id()), ..stream };
    look("delete-stream-running", &delete_stream::page(running, false, None));
}

#[test]
fn a_search() {
    let part = |text: &str, is_hit| SnippetPart { text: text.to_owned(), is_hit };
    let whole = collected(false);
    let hit = |title: &str, snippet: Vec<SnippetPart>, removed| HitView {
        source: whole.id,
        source_name: whole.name.clone(),
        removed,
        stream: "letters".to_owned(),
        stream_label: "Letters".to_owned(),
        key: "Inbox/1".to_owned(),
        title: title.to_owned(),
        emitted_at: at("2026-03-02T06:58:00Z"),
        snippet,
    };
    let hits = vec![
        hit(
            "The lake",
            vec![part("Dear Maria, see <b>you</b> at the ", false), part("lake", true), part(" …", false)],
            false,
        ),
        hit("<script>alert(1)</script>", Vec::new(), true),
    ];
    let filter = |text: &str| Filter { text: text.to_owned(), ..Filter::default() };
    let sources = || vec![(whole.id, whole.name.clone()), (whole.id, "Old (removed)".to_owned())];
    let found = SearchPage { hits, next: Some("77".to_owned()), total: 10_000, more: true, waiting: 3 };
    look("search", &search::page(sources(), filter("lake"), Some(found)));
    let none = SearchPage { hits: Vec::new(), next: None, total: 0, more: false, waiting: 0 };
    look("search-none", &search::page(sources(), filter("<lake>"), Some(none)));
    look("search-nothing-asked", &search::page(Vec::new(), filter(""), None));
    look("search-wordless", &search::page(Vec::new(), filter("***"), None));
}
