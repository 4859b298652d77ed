//! Playwright, unmodified.

use std::path::Path;

use serde_json::{Value, json};

use super::{Rig, host};
use crate::support::{Response, serve, site};

const ORDERS: &str = "<title>Orders</title><h1>Orders</h1><input id=name><iframe id=within src=/within></iframe>
    <button id=more onclick=\"setTimeout(() => document.body.insertAdjacentHTML('beforeend', '<p id=late>late</p>'), 50)\">More</button>";

#[test]
fn playwright_connects_over_cdp_and_does_what_collecting_takes() {
    let other = site(|_| "<p>other</p>".into()).replace("127.0.0.1", "localhost");
    let advert = format!("{ORDERS}<iframe src={other}></iframe>");
    let origin = serve(move |request| match request.target.as_str() {
        "/orders" => Response::page(advert.clone()).header("Set-Cookie", "session=1; Path=/"),
        "/invoice" => Response::page("one,two").header("Content-Disposition", "attachment; filename=invoice.csv"),
        path => Response::page(format!("<p>{path}</p>")),
    });
    let rig = Rig::at(&format!("{origin}/signed-in"), &[&host(&origin)]);
    let seen = drive(&rig, &origin);
    let (connect, evaluate) = (seen["connect_ms"].as_f64().unwrap(), seen["evaluate_ms"].as_f64().unwrap());
    println!("Playwright: connect {connect:.0} ms, evaluate {evaluate:.2} ms");
    let at = |path: &str| json!(format!("{origin}{path}"));
    for (what, expected) in [
        ("contexts", json!(1)),
        ("pages", json!(1)),
        ("first", at("/signed-in")),
        ("title", json!("Orders")),
        ("late", json!("late")),
        ("value", json!("typed")),
        ("content", json!(true)),
        ("screenshot", json!(true)),
        ("frame", json!("/within")),
        ("cookies", json!(["session"])),
        ("added", json!(1)),
        ("asked", json!(2)),
        ("fetched", json!("replaced")),
        ("status", json!(200)),
        ("body", json!("<p>/other</p>")),
        ("back", at("/orders")),
        ("download", json!(["invoice.csv", "one,two"])),
        ("made", json!("made here")),
        ("second", json!("/second")),
        ("popup", at("/popup")),
        ("worker", json!(5)),
        ("session", json!(2)),
    ] {
        assert_eq!(seen[what], expected, "{what} in {seen}");
    }
    assert_eq!(std::fs::read_to_string(rig.tmp().join("kept.csv")).unwrap(), "one,two");
    assert_eq!(rig.connector().violations(), Vec::<String>::new());
}

fn drive(rig: &Rig, origin: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    #[expect(clippy::disallowed_methods, reason = "a test plays the connector; nothing of this ships")]
    let mut node = std::process::Command::new("node");
    let output = node
        .arg(root.join("tests/browser/proxy/playwright.mjs"))
        .arg(root.join("../../tests/console/"))
        .args([rig.connector().http_url(), origin])
        .env("TMPDIR", rig.tmp())
        .output()
        .expect("node runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(said.lines().last().unwrap()).unwrap()
}
