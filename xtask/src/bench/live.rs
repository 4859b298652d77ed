//! The rows of the live view.

use anyhow::Context;
use serde_json::Value;

use super::{Row, bounded, find, number};

/// Between two frames of a display.
const DISPLAY_FRAME_MS: f64 = 1000.0 / 60.0;

/// Rows for what `live_bench` printed.
pub(super) fn rows(lines: &[Value]) -> anyhow::Result<Vec<Row>> {
    let of = |measure: &'static str| lines.iter().filter(move |line| line["measure"] == measure);
    let mut rows = clicks(find(lines, "measure", "click")?)?;
    for line in of("moving") {
        rows.extend(moving(line)?);
    }
    let still = find(lines, "measure", "still")?;
    let (bytes, seconds) = (number(still, "bytes")?, number(still, "seconds")?);
    rows.push(bounded(
        "live view: a page that stands still",
        format!("{bytes} bytes in {seconds} s"),
        "0 bytes",
        bytes == 0.0,
    ));
    let keys: Vec<&Value> = of("keys").collect();
    rows.extend(typing(&keys, find(lines, "measure", "plain keys")?)?);
    Ok(rows)
}

fn clicks(line: &Value) -> anyhow::Result<Vec<Row>> {
    let beside = |name, percentile, most: f64, target| -> anyhow::Result<Row> {
        let (own, raw) = (number(&line["freehold"], percentile)?, number(&line["raw"], percentile)?);
        Ok(Row {
            name,
            figure: format!("{own:.1} ms"),
            floor: format!("{raw:.1} ms raw CDP"),
            ratio: format!("{:+.1} ms", own - raw),
            target,
            pass: own <= raw + most,
        })
    };
    let vnc = &line["vnc"];
    let (figure, floor) = if vnc.is_null() {
        ("not installed".to_owned(), "apt-get install tigervnc-standalone-server".to_owned())
    } else {
        (format!("{:.1}, {:.1} ms", number(vnc, "p50")?, number(vnc, "p95")?), String::new())
    };
    Ok(vec![
        beside("live view: click to decoded pixels, p50", "p50", 2.0, "≤ raw + 2 ms")?,
        beside("  the same, p95", "p95", 5.0, "≤ raw + 5 ms")?,
        Row {
            name: "  clicks of which no picture came",
            figure: format!("{} of {}", number(&line["freehold"], "lost")?, number(line, "count")?),
            floor: format!("{} raw CDP", number(&line["raw"], "lost")?),
            ratio: String::new(),
            target: "",
            pass: true,
        },
        Row { name: "  TigerVNC's last corner, p50 and p95", figure, floor, ratio: String::new(), target: "", pass: true },
    ])
}

fn moving(line: &Value) -> anyhow::Result<Vec<Row>> {
    let (delivered, aged) = match line["round_trip_ms"].as_u64() {
        Some(0) => ("live view: a page that moves, near", "  age of its frames, early and late"),
        _ => ("live view: a page that moves, 40 ms away", "  age of its frames, early and late"),
    };
    let (own, raw) = (number(&line["freehold"], "per_second")?, number(&line["raw"], "per_second")?);
    let age = |half: &str| number(&line["freehold"][half], "p50");
    let (early, late) = (age("age_first_half_ms")?, age("age_second_half_ms")?);
    let ages = format!("{early:.0}, {late:.0} ms");
    Ok(vec![
        Row {
            name: delivered,
            figure: format!("{own:.1} frames/s"),
            floor: format!("{raw:.1} Chromium alone"),
            ratio: format!("{:.0} %", 100.0 * own / raw),
            target: "≥ 90 %",
            pass: own >= 0.9 * raw,
        },
        // Pictures that came slower than they are made would fall behind by more than this from one half of a slice to the other.
        bounded(aged, ages, "does not grow", late <= early + 2.0 * DISPLAY_FRAME_MS),
    ])
}

fn typing(lines: &[&Value], plain: &Value) -> anyhow::Result<Vec<Row>> {
    let each = |what: &dyn Fn(&Value) -> anyhow::Result<f64>| -> anyhow::Result<Vec<f64>> {
        lines.iter().map(|line| what(line)).collect()
    };
    let p95 = |line: &Value, field: &str| number(&line[field], "p95");
    let count = each(&|line| number(line, "count"))?;
    let round_trips = each(&|line| number(line, "round_trip_ms"))?;
    let wrong = each(&|line| Ok(number(line, "wrong")? + number(line, "unequal")?))?;
    let known = each(&|line| number(line, "known"))?;
    let late = each(&|line| number(line, "late"))?;
    let shown = each(&|line| p95(line, "shown_ms"))?;
    let equal = each(&|line| p95(line, "equal_ms"))?;
    let plain = p95(plain, "shown_ms")?;
    let slowest = shown.iter().copied().reduce(f64::max).context("no keys were typed")?;
    let in_time = equal.iter().zip(&round_trips).all(|(equal, round_trip)| *equal <= round_trip + 50.0);
    Ok(vec![
        Row {
            name: "live view: 1,000 keys, lost or out of order",
            figure: all(&wrong, ""),
            floor: format!("{} of round trip", all(&round_trips, " ms")),
            ratio: String::new(),
            target: "none",
            pass: wrong.iter().all(|wrong| *wrong == 0.0) && known == count,
        },
        bounded("  not in the first frame after its key", all(&late, ""), "none", late.iter().all(|late| *late == 0.0)),
        Row {
            name: "  key to its painted frame, p95",
            figure: all(&shown, " ms"),
            floor: format!("{plain:.0} ms a plain field"),
            ratio: format!("{:+.0} ms", slowest - plain),
            target: "≤ + one frame",
            pass: slowest <= plain + DISPLAY_FRAME_MS,
        },
        bounded("  key to knowing the page has it, p95", all(&equal, " ms"), "≤ round trip + 50 ms", in_time),
    ])
}

fn all(numbers: &[f64], unit: &str) -> String {
    let numbers: Vec<String> = numbers.iter().map(|number| format!("{number:.0}")).collect();
    format!("{}{unit}", numbers.join(", "))
}
