//! What is said about a manifest: every problem, with its place.
#![expect(clippy::unwrap_used, reason = "helpers of a test")]

use freehold_protocol::Manifest;
use freehold_protocol::manifest::ManifestProblem;
use serde_json::{Value, json};

/// A manifest without a fault, as the scaffold makes it.
fn sound() -> Value {
    let name = "sound".to_owned().try_into().unwrap();
    let files = freehold_protocol::scaffold::files(&name, "Sound");
    serde_json::from_str(&files.iter().find(|file| file.path == "manifest.json").unwrap().content).unwrap()
}

/// The same with a sign-in in the browser.
fn browser() -> Value {
    let mut document = sound();
    document["runtime_requirements"]["bindings"]["browser_automation"] = json!({"required": true});
    document["credential_delivery"] = json!("typed");
    document["setup"]["modes"] = json!(["stored_credential", "streamed_browser"]);
    document["sign_in"] = json!({
        "start": "https://www.example.com/items",
        "origins": ["https://www.example.com"],
        "screens": [
            {"name": "in", "when": {"visible": "#menu"}, "means": "signed_in"},
            {"name": "no", "when": {"text": {"en": "refused", "de": "abgelehnt"}}, "means": "rejected", "of": "token"},
            {"name": "token", "when": {"visible": "#token"}, "fill": {"#token": "token"}, "submit": "#go"}
        ]
    });
    document
}

fn problems(document: &Value) -> Vec<ManifestProblem> {
    match Manifest::parse("sound".to_owned().try_into().unwrap(), &document.to_string()) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.0,
    }
}

/// Sets one place, and gives the places of the problems this makes.
fn broken(mut document: Value, pointer: &str, value: Value) -> Vec<String> {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap();
    match parent {
        Value::Array(items) => items.push(value),
        parent => parent[name] = value,
    }
    problems(&document).into_iter().map(|problem| problem.pointer).collect()
}

#[test]
fn sound_manifests_have_no_problem() {
    assert_eq!(problems(&sound()), []);
    assert_eq!(problems(&browser()), []);
    let mut document = browser();
    document["sign_in"]["screens"][0]["when"]["visible"] = json!("a[id=menu][title=\"it's (here)\"]:not([hidden]) > b");
    document["sign_in"]["screens"][2]["tick"] = json!(["[name='rememberMe']"]);
    document["sign_out"] = json!({"start": "https://www.example.com/", "screens": [
        {"name": "leave", "when": {"visible": "#leave"}, "submit": "#leave"},
        {"name": "out", "when": {"text": "signed out"}, "means": "signed_out"}
    ]});
    assert_eq!(problems(&document), []);
    // One field for a code or, where none can be made, a recovery code; in this order alone.
    let screens = document["sign_in"]["screens"].as_array_mut().unwrap();
    screens.push(json!({"name": "code", "when": {"visible": "#code"}, "fill": {"#code": "otp"}}));
    screens.push(json!({"name": "recovery", "when": {"visible": "#code"}, "fill": {"#code": "recovery_code"}}));
    assert_eq!(problems(&document), []);
    document["sign_in"]["screens"].as_array_mut().unwrap().swap(3, 4);
    assert_eq!(problems(&document)[0].pointer, "/sign_in/screens/4/when");
}

#[test]
fn every_problem_is_reported_at_once_with_what_to_do() {
    let document = json!({"version": 1, "streams": [], "hosts": [7]});
    let found = problems(&document);
    let places: Vec<&str> = found.iter().map(|problem| problem.pointer.as_str()).collect();
    for place in ["/version", "/display_name", "/program", "/streams", "/hosts/0"] {
        assert!(places.contains(&place), "{place} is not in {places:?}");
    }
    assert!(found.iter().all(|problem| problem.fix.len() > 10));
    let program = found.iter().find(|problem| problem.pointer == "/program").unwrap();
    insta::assert_snapshot!(program, @r#"/program: it is missing. Say what Freehold starts, as in {"command": "python3", "args": ["main.py"]}."#);
}

#[test]
fn each_fault_is_found_at_its_place() {
    for (pointer, value, place) in [
        ("/connector_key", json!("other"), "/connector_key"),
        ("/program/command", json!("../evil"), "/program/command"),
        ("/program/args/0", json!("{credential.token}"), "/program/args/1"),
        ("/program/args/0", json!("{setting.nothing}"), "/program/args/1"),
        ("/program/args/0", json!("{browser.ws_url}"), "/program/args/1"),
        ("/program/args/0", json!("{HOME}"), "/program/args/1"),
        ("/program/env/PYTHONPATH", json!("x"), "/program/env/PYTHONPATH"),
        ("/program/env/FREEHOLD_X", json!("x"), "/program/env/FREEHOLD_X"),
        ("/program/env/TOKEN", json!("{credential.token}"), "/program/env/TOKEN"),
        ("/settings/0/secret", json!(true), "/settings/0"),
        ("/settings/0/default", json!("NO HOST"), "/settings/0/default"),
        ("/settings/0/pattern", json!("("), "/settings/0/pattern"),
        ("/settings/0/affects_host", json!(false), "/settings/0/affects_host"),
        ("/settings/0/type", json!("select"), "/settings/0/options"),
        ("/setup/credential_capture/fields/0/secret", json!(false), "/setup/credential_capture/fields"),
        ("/setup/credential_capture/fields/0/default", json!("shared"), "/setup/credential_capture/fields/0/default"),
        ("/setup/credential_capture/fields/0/name", json!("My Token"), "/setup/credential_capture/fields/0/name"),
        ("/setup/credential_capture/kind", json!("passkey"), "/setup/credential_capture/kind"),
        (
            "/setup/extra_captures",
            json!([{"kind": "token", "fields": [{"name": "b", "label": "B", "secret": true}]}]),
            "/setup/extra_captures/0/kind",
        ),
        ("/setup/modes/0", json!("ephemeral_browser"), "/setup/modes/1"),
        ("/credential_delivery", json!(null), "/credential_delivery"),
        ("/credential_delivery", json!("both"), "/credential_delivery"),
        ("/credential_delivery", json!("env"), "/setup/credential_capture/fields/0"),
        ("/credential_delivery", json!("typed"), "/sign_in"),
        ("/capabilities/human_interaction", json!(["otp"]), "/credential_delivery"),
        ("/identity", json!({"message": true, "key": "x"}), "/identity"),
        ("/identity", json!({"stream": "items", "key": "nothing"}), "/identity/key"),
        ("/identity", json!({"stream": "nothing", "key": "id"}), "/identity/stream"),
        ("/hosts/0", json!("https://example.com/"), "/hosts/1"),
        ("/hosts/0", json!("{tmp}"), "/hosts/1"),
        ("/streams/0/primary_key", json!(["nothing"]), "/streams/0/primary_key/0"),
        ("/streams/0/consent_time_field", json!("nothing"), "/streams/0/consent_time_field"),
        ("/streams/0/schema", json!({"$ref": "https://example.com/schema"}), "/streams/0/schema"),
        (
            "/capabilities/refresh_policy/recommended_interval_seconds",
            json!(60),
            "/capabilities/refresh_policy/recommended_interval_seconds",
        ),
    ] {
        let found = broken(sound(), pointer, value.clone());
        assert!(found.iter().any(|at| at == place), "{pointer} = {value}: {found:?}");
    }
}

#[test]
fn each_fault_of_a_sign_in_is_found_at_its_place() {
    for (pointer, value, place) in [
        ("/sign_in/origins/0", json!("http://www.example.com"), "/sign_in/origins/1"),
        ("/sign_in/origins/0", json!("https://www.example.com/"), "/sign_in/origins/1"),
        ("/sign_in/origins/0", json!("https://*.example.com"), "/sign_in/origins/1"),
        ("/sign_in/start", json!("https://www.example.com.evil.test/"), "/sign_in/start"),
        ("/sign_in/screens/0/means", json!("challenge"), "/sign_in/screens"),
        ("/sign_in/screens/0/submit", json!("#x"), "/sign_in/screens/0"),
        ("/sign_in/screens/0/when", json!({}), "/sign_in/screens/0/when"),
        ("/sign_in/screens/1/of", json!("nothing"), "/sign_in/screens/1/of"),
        ("/sign_in/screens/2/fill", json!({"#a/b": "nothing"}), "/sign_in/screens/2/fill/#a~1b"),
        ("/sign_in/screens/2/fill", json!({"#x": "otp"}), "/setup/credential_capture/fields/0"),
        ("/identity", json!({"page": "https://other.example/", "key": "#k"}), "/identity/page"),
        ("/identity", json!({"page": "https://www.example.com/", "key": "//p[1]"}), "/identity/key"),
        ("/sign_in/screens/0/when", json!({"hidden": "#form"}), "/sign_in/screens/0/when"),
        ("/sign_in/screens/0/when", json!({"url": " "}), "/sign_in/screens/0/when/url"),
        ("/sign_in/screens/0/when", json!({"url": "/orders*"}), "/sign_in/screens/0/when/url"),
        ("/sign_in/screens/0/when", json!({"visible": "a[href='x]"}), "/sign_in/screens/0/when/visible"),
        ("/sign_in/screens/0/when", json!({"visible": "a:has-text('Orders')"}), "/sign_in/screens/0/when/visible"),
        ("/sign_in/screens/0/when", json!({"url": "/in", "hidden": "#a)"}), "/sign_in/screens/0/when/hidden"),
        ("/sign_in/screens/0/when", json!({"text": {}}), "/sign_in/screens/0/when/text"),
        ("/sign_in/screens/0/when", json!({"text": {"en": "in", "de": ""}}), "/sign_in/screens/0/when/text"),
        ("/sign_in/screens/0/when", json!({"visible": "#token"}), "/sign_in/screens/2/when"),
        ("/sign_in/screens/0/name", json!("token"), "/sign_in/screens/2/name"),
        ("/sign_in/screens/0/kind", json!("captcha"), "/sign_in/screens/0/kind"),
        ("/sign_in/screens/0/until", json!("#until"), "/sign_in/screens/0/until"),
        ("/sign_in/screens/0/means", json!("signed_out"), "/sign_in/screens/0/means"),
        ("/sign_in/screens/1/of", json!([]), "/sign_in/screens/1/of"),
        ("/sign_in/screens/2/fill", json!({"#a": "otp", "#b": "recovery_code"}), "/sign_in/screens/2/fill"),
        ("/sign_in/screens/2/submit", json!("text=Go"), "/sign_in/screens/2/submit"),
        ("/sign_in/screens/2/tick", json!(["#box["]), "/sign_in/screens/2/tick/0"),
    ] {
        // An object's member, though the last step of an array's pointer appends.
        let mut document = browser();
        if let Some(place) = document.pointer_mut(pointer).filter(|_| !pointer.ends_with("/origins/0")) {
            *place = value.clone();
        } else {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            match document.pointer_mut(parent).unwrap() {
                Value::Array(items) => items.push(value.clone()),
                parent => parent[name] = value.clone(),
            }
        }
        let found: Vec<String> = problems(&document).into_iter().map(|problem| problem.pointer).collect();
        assert!(found.iter().any(|at| at == place), "{pointer} = {value}: {found:?}");
    }
}

/// A stream's name, `state_stream` and `parent_streams`.
type Edges<'e> = (&'e str, Option<&'e str>, Option<&'e [&'e str]>);

/// The problems of a manifest with these streams; the right coverage strategies are added.
fn graph(streams: &[Edges<'_>]) -> Vec<ManifestProblem> {
    let mut document = sound();
    let stream = |(name, state, parents): &Edges<'_>| {
        let mut stream = json!({"name": name, "schema": {"type": "object"}, "primary_key": ["id"]});
        if let Some(state) = state {
            stream["state_stream"] = json!(state);
            stream["coverage_strategy"] = json!("checkpoint_window");
        }
        if let Some(parents) = parents {
            stream["parent_streams"] = json!(parents);
            stream["coverage_strategy"] = json!("parent_detail_accounting");
        }
        stream
    };
    document["streams"] = streams.iter().map(stream).collect();
    problems(&document)
}

#[test]
fn the_seven_rules_of_the_checkpoint_graph() {
    let words =
        |streams: &[Edges<'_>]| graph(streams).into_iter().map(|problem| problem.problem).collect::<Vec<_>>().join("; ");
    assert!(words(&[("a", Some("a"), None)]).contains("names itself"));
    assert!(words(&[("a", None, Some(&["a"]))]).contains("names itself"));
    assert!(words(&[("a", Some("b"), None)]).contains("no stream \"b\""));
    assert!(words(&[("a", None, None), ("b", None, Some(&["a", "a"]))]).contains("twice"));
    assert!(words(&[("a", None, None), ("b", Some("a"), Some(&["a"]))]).contains("both"));
    assert!(words(&[("a", None, Some(&[]))]).contains("empty"));
    assert!(words(&[("a", Some("b"), None), ("b", Some("a"), None)]).contains("a → b → a"));
    let mixed: &[Edges<'_>] =
        &[("a", Some("b"), None), ("b", None, Some(&["c"])), ("c", Some("a"), None), ("d", Some("a"), None)];
    assert_eq!(graph(mixed).len(), 1, "{}", words(mixed));
    assert!(words(mixed).contains("a → b → c → a"));
    let mut document = sound();
    document["streams"] = json!([
        {"name": "a", "schema": {}, "primary_key": ["id"]},
        {"name": "b", "schema": {}, "primary_key": ["id"], "state_stream": "a", "coverage_strategy": "other"}
    ]);
    assert_eq!(problems(&document)[0].pointer, "/streams/1/coverage_strategy");
}

#[test]
fn streams_that_share_a_parent_are_no_cycle() {
    assert_eq!(
        graph(&[("a", None, None), ("b", Some("a"), None), ("c", Some("a"), None), ("d", None, Some(&["a", "b"]))]),
        []
    );
}

#[test]
fn an_unknown_field_is_a_warning_in_freeholds_sections_and_nothing_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("sound");
    std::fs::create_dir(&folder).unwrap();
    let mut document = sound();
    document["program"]["comand"] = json!("x");
    document["setup"]["credential_capture"]["fields"][0]["sekret"] = json!(true);
    document["streams"][0]["views"] = json!([]);
    document["reason_display_messages"] = json!({});
    std::fs::write(folder.join("manifest.json"), document.to_string()).unwrap();
    let report = Manifest::report(&folder);
    assert!(report.manifest.is_some());
    let places: Vec<&str> = report.warnings.iter().map(|warning| warning.pointer.as_str()).collect();
    assert_eq!(places, ["/program/comand", "/setup/credential_capture/fields/0/sekret"]);
}

#[test]
fn a_profile_manifest_is_told_what_freehold_needs_beside_it() {
    let mut document = sound();
    document.as_object_mut().unwrap().remove("program");
    document.as_object_mut().unwrap().remove("credential_delivery");
    let found = problems(&document);
    assert_eq!(found[0].pointer, "/program");
}
