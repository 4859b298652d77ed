//! The check of streams: their schemas and keys, and the checkpoint graph (Collection Profile, section 1, Validation).

use std::collections::HashMap;

use super::super::{Manifest, Stream};
use super::{Problems, repeated};
use crate::scope;

pub(super) fn check(manifest: &Manifest, problems: &mut Problems) {
    for (index, name) in repeated(manifest.streams.iter().map(|stream| stream.name.as_str())) {
        problems.add(format!("/streams/{index}/name"), format!("there are two streams {name:?}"), "Give each its own name");
    }
    for (index, stream) in manifest.streams.iter().enumerate() {
        let at = |part: &str| format!("/streams/{index}/{part}");
        if stream.name == "*" {
            problems.add(at("name"), "\"*\" is no stream's name", "Name the stream");
        }
        if let Err(error) = scope::compile(&stream.schema) {
            problems.add(
                at("schema"),
                format!("it is not a usable JSON Schema: {error}"),
                "Correct it; a $ref may only begin with #",
            );
        }
        let key_fields = stream.primary_key.iter().enumerate().map(|(i, field)| (format!("primary_key/{i}"), field));
        let one_fields = [("cursor_field", &stream.cursor_field), ("consent_time_field", &stream.consent_time_field)];
        let one_fields = one_fields.into_iter().filter_map(|(part, field)| Some((part.to_owned(), field.as_ref()?)));
        for (part, field) in key_fields.chain(one_fields) {
            if stream.schema.get("properties").is_some() && stream.field_names().all(|known| known != field) {
                problems.add(at(&part), format!("the schema declares no field {field:?}"), "Name a field of the schema");
            }
        }
        checkpoint(manifest, index, stream, problems);
    }
    for cycle in cycles(manifest) {
        let first = manifest.streams.iter().position(|stream| stream.name == cycle[0]).unwrap_or_default();
        problems.add(
            format!("/streams/{first}"),
            format!("its checkpoint depends on itself: {} → {}", cycle.join(" → "), cycle[0]),
            "Remove one of these state_stream or parent_streams",
        );
    }
}

/// Rules 1–5 and 7, which look at one stream alone.
fn checkpoint(manifest: &Manifest, index: usize, stream: &Stream, problems: &mut Problems) {
    let at = |part: &str| format!("/streams/{index}/{part}");
    if stream.state_stream.is_some() && stream.parent_streams.is_some() {
        problems.add(at("parent_streams"), "the stream has both state_stream and parent_streams", "Keep one of them");
    }
    let strategy = stream.coverage_strategy.as_deref();
    let needs = [
        ("state_stream", stream.state_stream.is_some(), "checkpoint_window"),
        ("parent_streams", stream.parent_streams.is_some(), "parent_detail_accounting"),
    ];
    for (field, present, needed) in needs {
        if present && strategy != Some(needed) {
            let fix = format!("Say \"coverage_strategy\": \"{needed}\"");
            problems.add(at("coverage_strategy"), format!("{field} needs the coverage strategy {needed}"), fix);
        }
    }
    if stream.parent_streams.as_ref().is_some_and(Vec::is_empty) {
        problems.add(at("parent_streams"), "it is empty", "Leave it out for a stream that is its own checkpoint");
    }
    for (position, name) in repeated(stream.parent_streams.iter().flatten().map(String::as_str)) {
        problems.add(at(&format!("parent_streams/{position}")), format!("{name:?} is there twice"), "Keep one");
    }
    let state = stream.state_stream.iter().map(|name| ("state_stream".to_owned(), name));
    let parents = stream.parent_streams.iter().flatten().enumerate();
    for (part, parent) in state.chain(parents.map(|(i, name)| (format!("parent_streams/{i}"), name))) {
        if *parent == stream.name {
            problems.add(at(&part), "the stream names itself", "Leave it out for a stream that is its own checkpoint");
        } else if manifest.stream(parent).is_none() {
            problems.add(at(&part), format!("there is no stream {parent:?}"), "Name a stream of this manifest");
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Colour {
    Visiting,
    Visited,
}

/// Rule 6: every cycle of two streams or more, found by a depth-first search over all edges; one cycle is reported once.
fn cycles(manifest: &Manifest) -> Vec<Vec<String>> {
    let mut colours = HashMap::new();
    let mut found = Vec::new();
    for stream in &manifest.streams {
        visit(manifest, stream, &mut Vec::new(), &mut colours, &mut found);
    }
    found
}

fn visit<'m>(
    manifest: &'m Manifest,
    stream: &'m Stream,
    path: &mut Vec<&'m str>,
    colours: &mut HashMap<&'m str, Colour>,
    found: &mut Vec<Vec<String>>,
) {
    match colours.get(stream.name.as_str()) {
        Some(Colour::Visited) => return,
        Some(Colour::Visiting) => {
            let start = path.iter().position(|name| *name == stream.name).unwrap_or_default();
            found.push(path[start..].iter().map(|&name| name.to_owned()).collect());
            return;
        }
        None => {}
    }
    colours.insert(&stream.name, Colour::Visiting);
    path.push(&stream.name);
    for parent in stream.checkpoint_parents().filter(|parent| *parent != stream.name) {
        if let Some(parent) = manifest.stream(parent) {
            visit(manifest, parent, path, colours, found);
        }
    }
    path.pop();
    colours.insert(&stream.name, Colour::Visited);
}
