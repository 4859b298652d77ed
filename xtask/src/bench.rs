//! `cargo xtask bench`: one table. Each figure stands beside its floor from the same run, since absolute times are noise on shared
//! machines.

mod live;

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::command::{cargo, output, program, root, succeed};
use crate::needs;
use crate::server::{Place, free_address, wait_a_little};

const START_LIMIT: Duration = Duration::from_secs(30);
const RUN_LIMIT: Duration = Duration::from_secs(600);
const PASSPHRASE: &str = "a passphrase for the bench alone";

/// What `bench` can be told.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Install what is missing without asking
    #[arg(long)]
    yes: bool,
    /// Records to ingest
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
}

/// One line of the table.
struct Row {
    name: &'static str,
    figure: String,
    floor: String,
    ratio: String,
    target: &'static str,
    pass: bool,
}

/// Measures everything and prints the table. A missed target is an error.
pub(crate) fn bench(arguments: &Arguments) -> anyhow::Result<()> {
    needs::for_measuring(arguments.yes)?;
    println!("Building with --release");
    // All at once: each package by itself would be built with other features of what they share.
    let packages = ["freehold", "freehold-generator", "freehold-store", "freehold-tests", "freehold-vault"];
    let mut build = cargo(&["build", "--release", "--locked", "--bins", "--examples"]);
    build.args(packages.iter().flat_map(|package| ["--package", package]));
    succeed(&mut build)?;
    let mut rows = Vec::new();
    println!("Measuring: seal and open");
    rows.extend(vault(&example("seal_bench", &[])?)?);
    println!("Measuring: a committed attempt");
    // On the disk the repository is on: a temporary directory may be in memory, where an fsync is free.
    let target = root().join("target");
    rows.extend(attempt(&example("attempt_bench", &[&target.to_string_lossy()])?)?);
    println!("Measuring: a wipe");
    rows.extend(wipe(&example("wipe_bench", &[])?)?);
    println!("Measuring: the store alone, and its floor");
    let store = example("ingest_bench", &[&arguments.records.to_string()])?;
    rows.extend(store_rows(&store)?);
    let floor = number(find(&store, "way", "floor_two_tables")?, "records_per_second")?;
    println!("Measuring: search");
    rows.extend(search(&example("search_bench", &[&arguments.records.to_string()])?)?);
    println!("Measuring: the server");
    rows.extend(server(arguments.records, floor)?);
    println!("Measuring: the live view");
    rows.extend(live::rows(&example("live_bench", &[])?)?);
    print(&rows);
    let missed = rows.iter().filter(|row| !row.pass).count();
    if missed > 0 {
        bail!("{missed} of {} targets missed; repeat on a quiet machine before believing it", rows.len());
    }
    Ok(())
}

fn vault(lines: &[Value]) -> anyhow::Result<Vec<Row>> {
    let nanoseconds = |measure: &str| number(find(lines, "measure", measure)?, "ns");
    let both =
        |name: &str| Ok::<f64, anyhow::Error>(nanoseconds(&format!("{name}seal_1kib"))? + nanoseconds(&second(name))?);
    fn second(name: &str) -> String {
        if name.is_empty() { "take_1kib".to_owned() } else { format!("{name}open_1kib") }
    }
    let (own, bare) = (both("")? / 1000.0, both("bare_")? / 1000.0);
    let changed = find(lines, "measure", "opens_with_one_field_changed")?;
    let (tried, opened) = (number(changed, "tried")?, number(changed, "opened")?);
    Ok(vec![
        Row {
            name: "seal and open 1 KiB, key cached",
            figure: format!("{own:.1} µs"),
            floor: format!("{bare:.1} µs bare AES-GCM"),
            ratio: format!("+{:.1} µs", own - bare),
            target: "< 10 µs more",
            pass: own - bare < 10.0,
        },
        Row {
            name: "opens with one field of the context changed",
            figure: format!("{opened} of {tried}"),
            floor: String::new(),
            ratio: String::new(),
            target: "0 succeed",
            pass: opened == 0.0 && tried >= 1e6,
        },
    ])
}

fn attempt(lines: &[Value]) -> anyhow::Result<Vec<Row>> {
    let line = lines.first().context("attempt_bench printed nothing")?;
    let (own, fsync) = (number(line, "attempt_us")?, number(line, "fsync_us")?);
    Ok(vec![Row {
        name: "a committed attempt",
        figure: format!("{:.2} ms", own / 1000.0),
        floor: format!("{:.2} ms one fsync", fsync / 1000.0),
        ratio: format!("{:.2} ×", own / fsync),
        target: "< 1.5 ×",
        pass: own / fsync < 1.5,
    }])
}

fn wipe(lines: &[Value]) -> anyhow::Result<Vec<Row>> {
    let line = lines.first().context("wipe_bench printed nothing")?;
    let (wipe, remove) = (number(line, "wipe_ms")?, number(line, "remove_ms")?);
    Ok(vec![Row {
        name: "wipe and verify of a 100 MiB profile",
        figure: format!("{wipe:.0} ms"),
        floor: format!("{remove:.0} ms removing the same"),
        ratio: format!("+ {:.0} ms", wipe - remove),
        target: "≤ + 250 ms",
        pass: wipe - remove <= 250.0,
    }])
}

fn search(lines: &[Value]) -> anyhow::Result<Vec<Row>> {
    let index = find(lines, "bench", "index")?;
    let (own, bare) = (number(index, "records_per_second")?, number(index, "floor_per_second")?);
    let p95 = |bench| number(find(lines, "bench", bench)?, "p95_ms");
    let (searched, paged) = (p95("search")?, p95("table")?);
    let (beside, counted) = (p95("beside")?, p95("over time")?);
    Ok(vec![
        Row {
            name: "full-text indexing, in the background",
            figure: format!("{own:.0} records/s"),
            floor: format!("{bare:.0} FTS5 alone"),
            ratio: format!("{:.0} %", 100.0 * own / bare),
            target: "≥ 20,000 records/s",
            pass: own >= 20_000.0,
        },
        bounded("search, newest first, 50 shown", format!("{searched:.1} ms (p95)"), "< 150 ms", searched < 150.0),
        bounded("a page of 50 of a stream's table", format!("{paged:.2} ms (p95)"), "< 20 ms", paged < 20.0),
        bounded("the records beside one, and its place", format!("{beside:.2} ms (p95)"), "< 20 ms", beside < 20.0),
        bounded("a stream's records over time, 30 parts", format!("{counted:.2} ms (p95)"), "< 20 ms", counted < 20.0),
    ])
}

fn store_rows(lines: &[Value]) -> anyhow::Result<Vec<Row>> {
    let append = find(lines, "way", "append")?;
    let floor = number(find(lines, "way", "floor_two_tables")?, "records_per_second")?;
    let rate = number(append, "records_per_second")?;
    let beside = number(find(lines, "way", "append_beside_index")?, "records_per_second")?;
    let due = number(find(lines, "bench", "due")?, "p99_us")?;
    Ok(vec![
        Row {
            name: "ingest, the store alone",
            figure: format!("{rate:.0} records/s"),
            floor: format!("{floor:.0} rusqlite alone"),
            ratio: format!("{:.0} %", 100.0 * rate / floor),
            target: "≥ 60 %",
            pass: rate >= 0.6 * floor,
        },
        flat("  its last tenth to its first", number(append, "last_tenth_to_first")?),
        Row {
            name: "  the same beside the search index",
            figure: format!("{beside:.0} records/s"),
            floor: format!("{rate:.0} without"),
            ratio: format!("{:.0} %", 100.0 * beside / rate),
            target: "≥ 80 %",
            pass: beside >= 0.8 * rate,
        },
        Row {
            name: "scheduler: what is due among 100,000",
            figure: format!("{:.2} ms (p99)", due / 1000.0),
            floor: String::new(),
            ratio: String::new(),
            target: "< 5 ms",
            pass: due < 5000.0,
        },
    ])
}

fn flat(name: &'static str, ratio: f64) -> Row {
    let ratio_text = format!("{ratio:.2} ×");
    Row { name, figure: String::new(), floor: String::new(), ratio: ratio_text, target: "≥ 0.9 ×", pass: ratio >= 0.9 }
}

/// Starts the real server in a folder of its own: how long to the first page, how much memory idle and at most, and how fast a
/// connector's standard output becomes durable records.
fn server(records: u64, floor: f64) -> anyhow::Result<Vec<Row>> {
    let target = root().join("target");
    let folder = tempfile::tempdir_in(&target)?;
    let connectors = generator(folder.path(), &target.join("release/freehold-generator"))?;
    let place =
        Place { folder: folder.path().join("server"), address: free_address(0)?, binary: target.join("release/freehold") };
    place.prepare(Some(&connectors), "")?;
    let passphrase = folder.path().join("passphrase");
    std::fs::write(&passphrase, PASSPHRASE)?;
    let mut init = place.freehold();
    init.arg("--passphrase-file").arg(&passphrase).arg("init");
    output(init.arg("--recovery-key-file").arg(folder.path().join("recovery")))?;

    let mut starts = Vec::new();
    for _ in 0..9 {
        let begun = Instant::now();
        let mut server = place.serve(Stdio::null(), Stdio::null())?;
        server.wait_for("/sign-in", START_LIMIT)?;
        starts.push(begun.elapsed());
        server.stop()?;
    }
    starts.sort_unstable();
    let start = starts[starts.len() / 2].as_secs_f64() * 1000.0;

    let mut server = place.serve(Stdio::null(), Stdio::null())?;
    server.wait_for("/sign-in", START_LIMIT)?;
    let idle = mebibytes(server.memory_kib("VmRSS")?);
    let run = ingest(&place, records)?;
    let most = mebibytes(server.memory_kib("VmHWM")?);
    server.stop()?;
    Ok(vec![
        Row {
            name: "ingest, from the connector's output to disk",
            figure: format!("{:.0} records/s", run.rate),
            floor: format!("{floor:.0} rusqlite alone"),
            ratio: format!("{:.0} %", 100.0 * run.rate / floor),
            target: "≥ 60 %",
            pass: run.rate >= 0.6 * floor,
        },
        flat("  its last tenth to its first", run.last_tenth_to_first),
        bounded("memory while ingesting, at most", format!("{most:.0} MiB"), "< 64 MiB", most < 64.0),
        bounded("cold start to first page", format!("{start:.0} ms"), "< 200 ms", start < 200.0),
        bounded("idle memory", format!("{idle:.0} MiB"), "< 40 MiB", idle < 40.0),
    ])
}

fn bounded(name: &'static str, figure: String, target: &'static str, pass: bool) -> Row {
    Row { name, figure, floor: String::new(), ratio: String::new(), target, pass }
}

/// Puts the generator's manifest and program into a connector folder.
fn generator(folder: &Path, program: &Path) -> anyhow::Result<std::path::PathBuf> {
    let connectors = folder.join("connectors");
    let own = connectors.join("generator");
    std::fs::create_dir_all(&own)?;
    std::fs::copy(root().join("tests/connectors/generator/manifest.json"), own.join("manifest.json"))?;
    std::fs::copy(program, own.join("freehold-generator"))?;
    Ok(connectors)
}

struct Ingest {
    rate: f64,
    last_tenth_to_first: f64,
}

fn ingest(place: &Place, records: u64) -> anyhow::Result<Ingest> {
    let mut add = place.freehold();
    add.args(["--json", "source", "add", "generator", "--name", "bench", "--accept-unverified", "--setting"]);
    output(add.arg(format!("records={records}")))?;
    let deadline = Instant::now() + RUN_LIMIT;
    // How many records are durable, as the server tells it, by when.
    let mut seen: Vec<(Instant, f64)> = Vec::new();
    let run = loop {
        let runs: Value = serde_json::from_str(&output(place.freehold().args(["--json", "runs", "bench"]))?)?;
        let run = runs[0].clone();
        seen.push((Instant::now(), run["counts"]["added"].as_f64().unwrap_or(0.0)));
        if !run["ended_at"].is_null() {
            break run;
        }
        if Instant::now() > deadline {
            bail!("{records} records were not ingested within {RUN_LIMIT:?}");
        }
        wait_a_little();
    };
    if run["counts"]["added"].as_u64() != Some(records) {
        bail!("the run ended otherwise than with {records} records: {run}");
    }
    let at = |field: &str| -> anyhow::Result<f64> {
        let text = run[field].as_str().with_context(|| format!("the run has no {field}"))?;
        seconds(text).with_context(|| format!("{text} is not an instant"))
    };
    let total = records as f64;
    let tenth = |from: f64, to: f64| {
        let reached = |share: f64| seen.iter().find(|(_, count)| *count >= share * total).map(|(when, _)| *when);
        Some(reached(to)?.duration_since(reached(from)?).as_secs_f64())
    };
    // The first tenth is measured from the first records seen, so that starting the connector does not count.
    let (first, last) = (tenth(0.05, 0.15), tenth(0.85, 0.95));
    let ratio = first.zip(last).map(|(first, last)| first / last).context("the run was over too soon to see its tenths")?;
    Ok(Ingest { rate: total / (at("ended_at")? - at("started_at")?), last_tenth_to_first: ratio })
}

/// Seconds within the day of an RFC 3339 instant in UTC.
fn seconds(instant: &str) -> Option<f64> {
    let mut parts = instant.split_once('T')?.1.trim_end_matches('Z').split(':').map(str::parse::<f64>);
    let mut next = || parts.next()?.ok();
    Some(next()? * 3600.0 + next()? * 60.0 + next()?)
}

fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

/// Runs an example program that was built and prints one JSON object a line.
fn example(name: &str, arguments: &[&str]) -> anyhow::Result<Vec<Value>> {
    let text = output(program(root().join("target/release/examples").join(name)).args(arguments))?;
    text.lines().map(|line| serde_json::from_str(line).with_context(|| format!("{name} printed {line:?}"))).collect()
}

fn find<'a>(lines: &'a [Value], field: &str, value: &str) -> anyhow::Result<&'a Value> {
    lines.iter().find(|line| line[field] == value).with_context(|| format!("no line with {field} = {value}"))
}

fn number(line: &Value, field: &str) -> anyhow::Result<f64> {
    line[field].as_f64().with_context(|| format!("no number {field} in {line}"))
}

fn print(rows: &[Row]) {
    println!("\n{:<46} {:>20} {:>26} {:>10}  {:<14}", "row", "figure", "floor in the same run", "ratio", "target");
    for row in rows {
        let verdict = match (row.pass, row.target) {
            // Only shown beside the others.
            (_, "") => "",
            (true, _) => "pass",
            (false, _) => "MISSED",
        };
        let Row { name, figure, floor, ratio, target, .. } = row;
        println!("{name:<46} {figure:>20} {floor:>26} {ratio:>10}  {target:<14} {verdict}");
    }
}
