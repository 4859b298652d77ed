//! The search, shown to find what it is for: one leak of each kind, planted by other code than its own.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use freehold_core::SecretKind;
use freehold_proof::{Canary, Leak, Report, Search, Surface, process_tree};
use freehold_tests::random::TestRng;
use rustix::fs::{MemfdFlags, XattrFlags, memfd_create, setxattr};

/// Where something of a run could be left.
const KINDS: [&str; 17] = [
    "file",
    "second directory",
    "file name",
    "link",
    "attribute",
    "environment",
    "argument",
    "descriptor of a deleted file",
    "descriptor of memory",
    "database row",
    "deleted row",
    "WAL page",
    "log line",
    "crash dump",
    "UTF-16",
    "gzip",
    "browser cache, gzip in base64",
];

fn canaries(seed: u8) -> Vec<Canary> {
    let rng = TestRng::new(seed);
    KINDS.iter().map(|kind| Canary::password(kind, &rng)).collect()
}

fn value<'a>(all: &'a [Canary], kind: &str) -> &'a str {
    &all.iter().find(|canary| canary.what == kind).expect("one of the kinds").value
}

fn whats(leaks: &[Leak]) -> BTreeSet<&str> {
    leaks.iter().map(|leak| leak.what.as_str()).collect()
}

/// The one canary that `leaks` is about.
fn only(leaks: &[Leak]) -> &str {
    let found = whats(leaks);
    assert_eq!(found.len(), 1, "one plant, and found: {leaks:?}");
    found.into_iter().next().expect("one")
}

/// What the program gzip makes of it.
fn gzipped(folder: &Path, bytes: &[u8]) -> Vec<u8> {
    let path = folder.join("to-compress");
    fs::write(&path, bytes).expect("written");
    #[expect(clippy::disallowed_methods, reason = "the plant is made by another program's code")]
    let done = Command::new("gzip").args(["--force", "--stdout"]).arg(&path).output().expect("gzip");
    fs::remove_file(path).expect("removed");
    done.stdout
}

/// A child that has something until its input ends.
struct Holder(Child);

impl Holder {
    /// A shell below a shell, so that a whole tree is walked; it says when it is up.
    fn new(prepare: impl FnOnce(&mut Command)) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the planted leak is another process's")]
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", "sh -c 'echo up; read end' \"$0\" \"$@\"; :", "name"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        prepare(&mut shell);
        let mut child = shell.spawn().expect("a shell");
        child.stdout.as_mut().expect("piped").read_exact(&mut [0; 3]).expect("it says it is up");
        Self(child)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.0.stdin.take().expect("piped").write_all(b"\n").expect("it ends");
        self.0.wait().expect("it ended");
    }
}

/// Everything but what processes have, in two directories.
fn plant_files(all: &[Canary], first: &Path, second: &Path) {
    let value = |kind| value(all, kind);
    fs::create_dir_all(first.join("crash/42")).expect("directories");
    fs::write(first.join("state.json"), serde_json::json!({ "password": value("file") }).to_string()).expect("a file");
    fs::write(second.join("left"), value("second directory")).expect("a file");
    fs::write(second.join(format!("{}.tmp", value("file name").replace('/', "_"))), "").expect("a file");
    std::os::unix::fs::symlink(format!("/nowhere/{}", value("link")), first.join("link")).expect("a link");
    setxattr(first.join("crash"), "user.note", value("attribute").as_bytes(), XattrFlags::empty()).expect("an attribute");
    let line = format!("2026-01-01T00:00:00Z WARN refused: user=maria&password={}\n", value("log line"));
    fs::write(first.join("server.log"), line.repeat(40)).expect("a log");
    let dump = [&[0x7f, b'E', b'L', b'F'][..], &[0; 9_000], value("crash dump").as_bytes(), &[0xff; 5_000]].concat();
    fs::write(first.join("crash/42/core"), dump).expect("a dump");
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    fs::write(first.join("000003.log"), [b"\x01\x02", &wide(value("UTF-16"))[..]].concat()).expect("a file");
    let page = "a page of the provider's with many words\n".repeat(50);
    fs::write(first.join("body"), gzipped(first, format!("{page}{}{page}", value("gzip")).as_bytes())).expect("a file");
    let cached = gzipped(first, format!("{page}{}", value("browser cache, gzip in base64")).as_bytes());
    let cached = format!("data:application/gzip;base64,{}", data_encoding::BASE64.encode(&cached));
    fs::write(second.join("cache"), wide(&cached)).expect("a file");
}

/// A database with a row, a deleted one, and one that is in its log alone; it has to stay open for that.
fn plant_rows(all: &[Canary], path: PathBuf) -> rusqlite::Connection {
    let database = rusqlite::Connection::open(path).expect("a database");
    let set = "PRAGMA secure_delete = OFF; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (v);";
    database.execute_batch(set).expect("a table");
    for kind in ["database row", "deleted row"] {
        database.execute("INSERT INTO t VALUES (?1)", [value(all, kind)]).expect("a row");
    }
    database.execute("DELETE FROM t WHERE v = ?1", [value(all, "deleted row")]).expect("deleted");
    database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);").expect("in the file");
    database.execute("INSERT INTO t VALUES (?1)", [value(all, "WAL page")]).expect("a row");
    database
}

/// Children that have the rest.
fn plant_processes(all: &[Canary], folder: &Path) -> Vec<Holder> {
    let deleted = folder.join("deleted");
    fs::write(&deleted, value(all, "descriptor of a deleted file")).expect("a file");
    let file = File::open(&deleted).expect("open");
    fs::remove_file(deleted).expect("removed");
    let mut memory = File::from(memfd_create("buffer", MemfdFlags::CLOEXEC).expect("memory"));
    memory.write_all(value(all, "descriptor of memory").as_bytes()).expect("written");
    vec![
        Holder::new(|shell| {
            shell.env("SHOP_PASSWORD", value(all, "environment")).stderr(file);
        }),
        Holder::new(|shell| {
            shell.arg(value(all, "argument")).arg0("sh").stderr(memory);
        }),
    ]
}

fn searched(search: &Search, folders: [&Path; 2]) -> Report {
    let mut report = Report::default();
    folders.iter().for_each(|folder| report.join(search.in_directory(folder)));
    let tree = process_tree(std::process::id());
    report.join(search.in_processes(|id| id != std::process::id() && tree.contains(&id)));
    report
}

#[test]
fn one_leak_of_each_kind_is_found_all_of_them_and_nothing_else() {
    let all = canaries(12);
    let search = Search::new(&all);
    let (first, second) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let folders = [first.path(), second.path()];
    assert_eq!(searched(&search, folders).complete(), Ok(Vec::new()), "nothing is planted yet");

    plant_files(&all, folders[0], folders[1]);
    let database = plant_rows(&all, folders[0].join("data.db"));
    let children = plant_processes(&all, folders[1]);
    let report = searched(&search, folders);
    assert_eq!(report.could_not_look, Vec::<String>::new());
    assert_eq!(whats(&report.leaks), BTreeSet::from(KINDS));
    for (kind, place) in [
        ("file", "state.json at byte"),
        ("second directory", "left at byte"),
        ("crash dump", "crash/42/core at byte 9004"),
        ("database row", "data.db at byte"),
        ("deleted row", "data.db at byte"),
        ("WAL page", "data.db-wal at byte"),
        ("environment", "environ of process"),
        ("argument", "cmdline of process"),
        ("descriptor of a deleted file", "descriptor 2 of process"),
        ("descriptor of memory", "memfd:buffer"),
        ("log line", "server.log at byte"),
    ] {
        let mut places = report.leaks.iter().filter(|leak| leak.what == kind).map(|leak| &leak.place);
        assert!(places.any(|found| found.contains(place)), "{kind}: {:?}", report.leaks);
    }
    let told = format!("{report:?}");
    for canary in &all {
        assert!(
            ![&canary.value[..10], &canary.value[26..]].iter().any(|part| told.contains(part)),
            "{} is repeated",
            canary.what
        );
    }
    for surface in [Surface::Files, Surface::Names, Surface::Processes, Surface::Descriptors, Surface::Decoded] {
        assert!(report.looked[&surface].items > 0, "{surface:?}");
    }

    drop((database, children));
    let others = Search::new(&canaries(13));
    assert_eq!(searched(&others, folders).complete(), Ok(Vec::new()), "other values than the planted ones");
}

#[test]
fn every_kind_of_secret_is_found_as_it_is_and_in_a_log() {
    let rng = TestRng::new(14);
    let all: Vec<Canary> = SecretKind::ALL
        .iter()
        .map(|kind| match kind {
            SecretKind::OtpSeed | SecretKind::RecoveryCodes => Canary::plain(kind.as_str(), 32, &rng),
            _ => Canary::password(kind.as_str(), &rng),
        })
        .collect();
    let search = Search::new(&all);
    for canary in &all {
        let line = serde_json::json!({ "level": "INFO", "form": format!("value={}", canary.value) }).to_string();
        for said in [&line, &canary.value, &canary.value[canary.value.len() - 20..]] {
            assert_eq!(only(&search.in_bytes("a log", said.as_bytes()).leaks), canary.what);
        }
    }
}

#[test]
fn what_is_not_a_secret_is_no_leak() {
    let search = Search::new(&canaries(12));
    let others = TestRng::new(13);
    let noise: String = (0..2000).map(|_| Canary::password("other", &others).value).collect();
    assert_eq!(search.in_bytes("noise", noise.as_bytes()).leaks, []);
}
