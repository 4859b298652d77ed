//! Which records are kept.
#![expect(clippy::unwrap_used, reason = "helpers of a test")]

use freehold_protocol::message::{CollectionScope, ConnectorMessage};
use freehold_protocol::scope::{ScopeError, Verdict};
use freehold_protocol::{Manifest, RecordChecker};
use serde_json::{Value, json};

fn checker(target: Value) -> Result<RecordChecker, ScopeError> {
    let document = json!({
        "version": "1", "display_name": "T", "program": {"command": "x"},
        "streams": [
            {
                "name": "notes", "primary_key": ["id"], "consent_time_field": "at",
                "schema": {
                    "type": "object", "required": ["id"],
                    "properties": {"id": {"type": ["string", "integer"]}, "at": {"type": "string"}, "text": {"type": "string"}}
                }
            },
            {"name": "pairs", "primary_key": ["a", "b"], "schema": {"type": "object"}}
        ]
    });
    let manifest = Manifest::parse("t".to_owned().try_into().unwrap(), &document.to_string()).unwrap();
    let scope: CollectionScope = serde_json::from_value(json!({"streams": [target]})).unwrap();
    RecordChecker::new(&manifest, &scope)
}

/// The code a record is rejected with, or "kept".
fn verdict(target: Value, stream: &str, key: Value, data: Value, op: &str) -> &'static str {
    let line = json!({"type": "RECORD", "stream": stream, "key": key, "data": data, "emitted_at": "2026-01-01T00:00:00Z", "op": op});
    let line = line.to_string();
    let Ok(ConnectorMessage::Record(record)) = ConnectorMessage::parse(line.as_bytes()) else { panic!("{line}") };
    match checker(target).unwrap_or_else(|error| panic!("{error}")).check(&record) {
        Verdict::Accepted { .. } => "kept",
        Verdict::Rejected(rejection) => rejection.code.as_str(),
    }
}

fn note(target: Value, data: Value) -> &'static str {
    verdict(target, "notes", json!("1"), data, "upsert")
}

#[test]
fn a_record_that_fits_is_kept() {
    assert_eq!(note(json!({"name": "notes"}), json!({"id": "1", "at": "2026-01-01", "text": "x"})), "kept");
    assert_eq!(note(json!({"name": "notes"}), json!({"id": 1})), "kept");
    assert_eq!(verdict(json!({"name": "pairs"}), "pairs", json!(["1", "x"]), json!({"a": 1, "b": "x"}), "upsert"), "kept");
}

#[test]
fn stream_schema_and_key_are_checked() {
    let all = || json!({"name": "notes"});
    assert_eq!(verdict(all(), "pairs", json!(["1", "2"]), json!({"a": "1", "b": "2"}), "upsert"), "stream_not_in_scope");
    assert_eq!(note(all(), json!({"id": "1", "text": 7})), "schema_mismatch");
    assert_eq!(note(all(), json!({"id": "2"})), "key_mismatch");
    assert_eq!(note(all(), json!({"text": "x"})), "key_mismatch");
    assert_eq!(verdict(all(), "notes", json!(["1"]), json!({"id": "1"}), "upsert"), "kept");
    assert_eq!(verdict(all(), "notes", json!(["1", "2"]), json!({"id": "1"}), "upsert"), "key_mismatch");
    let swapped = json!({"a": "2", "b": "1"});
    assert_eq!(verdict(json!({"name": "pairs"}), "pairs", json!(["1", "2"]), swapped, "upsert"), "key_mismatch");
}

#[test]
fn fields_and_resources_narrow() {
    let fields = || json!({"name": "notes", "fields": ["at"]});
    assert_eq!(note(fields(), json!({"id": "1", "at": "2026-01-01"})), "kept");
    assert_eq!(note(fields(), json!({"id": "1", "text": "private"})), "field_not_in_scope");
    assert_eq!(note(json!({"name": "notes", "resources": ["2"]}), json!({"id": "1"})), "resource_not_in_scope");
    let pair = json!({"name": "pairs", "resources": ["[\"1\",\"2\"]"]});
    assert_eq!(verdict(pair, "pairs", json!(["1", "2"]), json!({"a": "1", "b": "2"}), "upsert"), "kept");
}

#[test]
fn a_time_range_includes_its_beginning_and_not_its_end() {
    let range = || json!({"name": "notes", "time_range": {"since": "2026-01-01", "until": "2026-02-01T00:00:00+01:00"}});
    for (at, expected) in [
        ("2026-01-01T00:00:00Z", "kept"),
        ("2026-01-01T00:30:00+01:00", "outside_time_range"),
        ("2026-01-31T22:59:59.999Z", "kept"),
        ("2026-01-31T23:00:00Z", "outside_time_range"),
        ("soon", "time_unreadable"),
    ] {
        assert_eq!(note(range(), json!({"id": "1", "at": at})), expected, "{at}");
    }
    assert_eq!(note(range(), json!({"id": "1"})), "time_unreadable");
}

#[test]
fn a_deletion_need_say_no_more_than_which_record() {
    let gone = |target: Value, data: Value| verdict(target, "notes", json!("1"), data, "delete");
    assert_eq!(gone(json!({"name": "notes", "time_range": {"since": "2026-01-01"}}), json!({})), "kept");
    assert_eq!(gone(json!({"name": "notes"}), json!({"id": "2"})), "key_mismatch");
    assert_eq!(gone(json!({"name": "notes", "resources": ["2"]}), json!({})), "resource_not_in_scope");
}

#[test]
fn a_scope_that_cannot_be_kept_is_refused_before_anything_starts() {
    let refused = |target: Value| checker(target).err().unwrap().to_string();
    assert!(refused(json!({"name": "letters"})).contains("letters"));
    assert!(refused(json!({"name": "pairs", "time_range": {"since": "2026-01-01"}})).contains("limited in time"));
    assert!(refused(json!({"name": "notes", "time_range": {"since": "soon"}})).contains("no time"));
}
