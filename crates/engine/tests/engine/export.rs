//! A stream as a file.

use freehold_core::ProblemCode;
use freehold_engine::{Days, Export, ExportFormat, RecordFilter, RecordQuery};
use serde_json::Value;

use crate::support::{OWNER, Server};

fn whole(mut export: Export) -> String {
    let mut file = String::new();
    while let Some(piece) = export.next_piece().expect("a piece") {
        file += &piece;
    }
    file
}

#[test]
fn a_stream_larger_than_a_piece_is_exported_whole() {
    let server = Server::new();
    let details = [("username", "ada"), ("password", "hunter2-hunter2")];
    let source = server.add("spec_only", &[("note_count", "1234")], &details);
    server.ended(source.id);
    let containing = |text: &str| RecordFilter { text: Some(text.to_owned()), ..RecordFilter::default() };
    let export =
        |filter: &RecordFilter, format| server.engine.export(&OWNER, source.id, "notes", filter, format).expect("an export");
    let all = RecordFilter::default();
    let jsonl = export(&all, ExportFormat::Jsonl);
    assert_eq!(jsonl.file_name(), "spec_only notes.jsonl");
    let records: Vec<Value> = whole(jsonl).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(records.len(), 1234);
    let query = RecordQuery { limit: 2, ..RecordQuery::default() };
    let page = server.engine.records(&OWNER, source.id, "notes", &query).expect("a page");
    let same = |place: usize| {
        records[place]["key"] == page.records[place].key && records[place]["data"] == page.records[place].data
    };
    assert!(same(0) && same(1), "in the order of the list");

    let csv = whole(export(&all, ExportFormat::Csv));
    assert_eq!(csv.lines().count(), 1 + 1234);
    assert!(csv.starts_with("record_key,record_time,") && csv.contains(",other_fields\r\n"), "{}", &csv[..200]);

    while server
        .engine
        .records(&OWNER, source.id, "notes", &RecordQuery { filter: containing("note"), ..query.clone() })
        .expect("found")
        .waiting
        > 0
    {
        std::thread::park_timeout(std::time::Duration::from_millis(10));
    }
    assert_eq!(whole(export(&containing("\"note 77\""), ExportFormat::Jsonl)).lines().count(), 1, "what the list shows");
    let days = Days::read("2026-01-03", "2026-01-05", "UTC").expect("days");
    let of_days = whole(export(&RecordFilter { days, ..RecordFilter::default() }, ExportFormat::Jsonl));
    assert_eq!(of_days.lines().count(), 3, "from its first day to its last");
    assert_eq!(ExportFormat::parse("xlsx").map_err(|problem| problem.code), Err(ProblemCode::BadInput));
}
