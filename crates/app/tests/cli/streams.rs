//! What a stream takes on the disk, deleting it, collecting it again, and how its file goes out over the network.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::harness::{Deployment, PASSPHRASE, Ran, Server};

/// A connector of two streams, one of them with a file that two records have.
const PROGRAM: &str = r#"
import json, os, sys
def say(**message): print(json.dumps(message), flush=True)
start = json.loads(sys.stdin.readline())
wanted = [stream["name"] for stream in start["scope"]["streams"]]
say(type="IDENTITY", key="ada", display="Ada")
blobs = os.path.join(os.environ["TMPDIR"], "blobs")
os.makedirs(blobs)
count = 0
def record(stream, **data):
    global count
    count += 1
    say(type="RECORD", stream=stream, key=data["id"], data=data, emitted_at="2026-01-01T00:00:00Z")
for name in ["one", "two"]:
    if "letters" in wanted:
        with open(os.path.join(blobs, name), "w") as file: file.write("hello")
        record("letters", id=name, text="=1+1", file={"$blob": {"path": "blobs/" + name, "filename": name + ".txt"}})
if "notes" in wanted: record("notes", id="a note")
say(type="DONE", status="succeeded", records_emitted=count)
sys.stdin.read()
"#;

/// A server with a source of that connector, collected once.
struct Letters {
    deployment: Deployment,
    passphrase: String,
    server: Server,
}

impl Letters {
    fn collected() -> Self {
        let deployment = Deployment::new();
        std::fs::set_permissions(deployment.path(""), PermissionsExt::from_mode(0o711)).unwrap();
        let folder = deployment.path("connectors/letters");
        std::fs::create_dir_all(&folder).unwrap();
        let stream = |name: &str| {
            let properties = json!({"id": {"type": "string"}, "text": {"type": "string"}});
            json!({"name": name, "primary_key": ["id"],
                   "schema": {"type": "object", "properties": properties, "required": ["id"]}})
        };
        let manifest = json!({
            "protocol_version": "0.1.0", "connector_key": "letters", "version": "1.0.0", "display_name": "Letters",
            "program": { "command": "python3", "args": ["program.py"] }, "identity": { "message": true }, "setup": {},
            "streams": [stream("letters"), stream("notes")]
        });
        std::fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
        std::fs::write(folder.join("program.py"), PROGRAM).unwrap();
        let config = std::fs::read_to_string(deployment.path("config.toml")).unwrap();
        let dirs = format!("connector_dirs = [\"{}\"]\n", deployment.path("connectors").display());
        std::fs::write(deployment.path("config.toml"), config + &dirs).unwrap();
        deployment.set_up();
        let passphrase = deployment.secret_file("passphrase", PASSPHRASE);
        let server = deployment.serve();
        let letters = Self { deployment, passphrase, server };
        letters.run(&["source", "add", "letters", "--name", "post", "--account", "ada"]).succeeded();
        letters
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.deployment.run(&[&["--passphrase-file", &self.passphrase], arguments].concat())
    }

    fn stream(&self, name: &str) -> Value {
        let source = self.run(&["--json", "source", "show", "post"]).succeeded().json();
        let streams = source["streams"].as_array().unwrap().clone();
        streams.into_iter().find(|stream| stream["name"] == name).unwrap()
    }

    /// The head and the body of what the server answers on the network.
    fn ask(&self, request: &str, headers: &[(&str, &str)], body: &str) -> (String, String) {
        let address = self.server.announced.split("http://").nth(1).unwrap().split('/').next().unwrap();
        let mut connection = TcpStream::connect(address).unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        write!(connection, "{request} HTTP/1.0\r\nHost: {address}\r\nOrigin: http://{address}\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
            .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }
}

/// The cells of a table's row that begins with this one.
fn row<'a>(table: &'a str, first: &str) -> Vec<&'a str> {
    let line = table.lines().find(|line| line.starts_with(first)).unwrap_or_else(|| panic!("no {first} in {table}"));
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

#[test]
fn a_stream_says_what_it_takes_and_is_deleted_and_collected_again() {
    let letters = Letters::collected();
    let exported = letters.run(&["records", "post", "letters", "--export", "jsonl"]).succeeded().out;
    let data = |line: &str| line.split_once("\"data\":").unwrap().1.len() as u64 - 1;
    let bytes: u64 = exported.lines().map(data).sum();
    let measured = letters.stream("letters");
    assert_eq!((&measured["count"], &measured["bytes"]), (&json!(2), &json!(bytes)));
    assert_eq!(measured["file_bytes"], 5, "a content that two records have counts once");
    let table = letters.run(&["source", "show", "post"]).succeeded().out;
    let titles = ["Stream", "What", "Records", "Bytes", "Bytes of files", "Newest"];
    assert_eq!(row(&table, "Stream"), titles);
    let bytes = bytes.to_string();
    assert_eq!(row(&table, "letters")[..5], ["letters", "letters", "2", &bytes, "5"]);
    assert_eq!(row(&table, "notes")[4], "0");
    let table = letters.run(&["records", "post"]).succeeded().out;
    assert_eq!(row(&table, "Source")[..4], ["Source", "Stream", "Records", "Bytes"]);
    assert_eq!(row(&table, "post")[..4], ["post", "letters", "2", &bytes]);

    let delete = |more: &[&str]| letters.run(&[&["source", "delete-stream", "post", "letters"], more].concat());
    let refused = delete(&["--confirm", "post"]);
    assert!(refused.code != 0 && refused.err.contains("--leave-out"), "what comes afterwards has to be said: {refused:?}");
    assert_ne!(delete(&["--leave-out", "--confirm", "letters"]).code, 0, "a wrong name");
    let without = ["source", "delete-stream", "post", "letters", "--leave-out", "--confirm", "post"];
    assert_ne!(letters.deployment.run(&without).code, 0, "no passphrase");
    assert_eq!(letters.stream("letters")["count"], 2);
    let done = delete(&["--leave-out", "--confirm", "post"]).succeeded();
    assert!(done.out.contains("It is left out of what is collected."), "{done:?}");
    letters.run(&["run", "post"]).succeeded();
    assert_eq!((&letters.stream("letters")["count"], &letters.stream("letters")["left_out"]), (&json!(0), &json!(true)));
    assert!(row(&letters.run(&["source", "show", "post"]).succeeded().out, "letters").contains(&"left out"));
    letters.run(&["source", "take-in", "post", "letters"]).succeeded();
    assert_ne!(letters.run(&["source", "take-in", "post", "letters"]).code, 0, "it is not left out any more");
    letters.run(&["run", "post"]).succeeded();
    assert_eq!(letters.stream("letters")["count"], 2);

    delete(&["--collect-anew", "--confirm", "post"]).succeeded();
    assert_eq!(letters.run(&["records", "post", "letters"]).succeeded().out.trim(), "No records yet.");
    letters.run(&["run", "post"]).succeeded();
    assert_eq!(letters.stream("letters")["count"], 2);
    letters.run(&["audit", "verify"]).succeeded();
    letters.server.stop();
}

#[test]
fn an_export_goes_out_as_a_download_of_no_type_to_those_who_may_read() {
    let letters = Letters::collected();
    let id = letters.run(&["--json", "source", "show", "post"]).succeeded().json()["id"].as_str().unwrap().to_owned();
    let page = |format: &str| format!("GET /sources/{id}/exports/letters?format={format}");
    let api = |format: &str| format!("GET /api/v1/sources/{id}/streams/letters/export?format={format}");

    let (head, _) = letters.ask(&page("csv"), &[], "");
    assert!(head.starts_with("HTTP/1.0 303") && head.contains("location: /sign-in?next="), "{head}");
    assert!(letters.ask(&api("csv"), &[], "").0.starts_with("HTTP/1.0 401"));
    let token = |scope: &str| {
        let made = letters.run(&["--json", "token", "create", scope, "--scope", scope]).succeeded().json();
        format!("Bearer {}", made["token"].as_str().unwrap())
    };
    let other = token("configure");
    assert!(letters.ask(&api("csv"), &[("Authorization", &other)], "").0.starts_with("HTTP/1.0 403"));
    let bearer = token("read");
    let (head, _) = letters.ask(&page("csv"), &[("Authorization", &bearer)], "");
    assert!(head.starts_with("HTTP/1.0 303"), "a token opens no page: {head}");

    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let (head, _) = letters.ask("POST /sign-in", &form, &format!("passphrase={PASSPHRASE}"));
    let cookie = head.split("set-cookie: ").nth(1).and_then(|rest| rest.split(';').next());
    let cookie = cookie.unwrap_or_else(|| panic!("{head}"));
    let asked = [(page("csv"), ("Cookie", cookie)), (api("csv"), ("Authorization", bearer.as_str()))];
    for (request, who) in asked {
        let (head, body) = letters.ask(&request, &[who], "");
        assert!(head.starts_with("HTTP/1.0 200"), "{head}");
        let has = |line: &str| assert!(head.lines().any(|found| found == line), "{line} in {head}");
        has("content-type: application/octet-stream");
        has("content-disposition: attachment; filename=\"post letters.csv\"; filename*=UTF-8''post%20letters.csv");
        has("x-content-type-options: nosniff");
        has("content-security-policy: sandbox; default-src 'none'");
        has("cache-control: no-store");
        assert!(body.starts_with("record_key,record_time,id,text,other_fields\r\n"), "{body}");
        assert!(body.contains(",'=1+1,"), "no formula: {body}");
    }
    let (head, body) = letters.ask(&api("jsonl"), &[("Authorization", &bearer)], "");
    assert!(head.contains("filename=\"post letters.jsonl\""), "{head}");
    assert_eq!(body, letters.run(&["records", "post", "letters", "--export", "jsonl"]).succeeded().out);
    assert!(letters.ask(&api("xml"), &[("Authorization", &bearer)], "").0.starts_with("HTTP/1.0 422"));
    letters.server.stop();
}
