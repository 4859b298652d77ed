//! What comes out of the shop, at first and later.

use std::collections::BTreeMap;
use std::path::Path;

use freehold_chromium::Run;
use freehold_practice::Market;
use freehold_protocol::Manifest;
use serde_json::{Value, json};

use crate::harness::{ADA, COM, DE, MARIA, Walk};

fn years(run: &Run) -> BTreeMap<String, usize> {
    let mut by_year = BTreeMap::<String, usize>::new();
    for order in run.records("orders") {
        *by_year.entry(order["ordered_on"].as_str().unwrap()[..4].to_owned()).or_default() += 1;
    }
    by_year
}

/// Orders of each year from 2021 on, without the years that have none.
fn expected(counts: &[usize]) -> BTreeMap<String, usize> {
    (2021..).map(|year: u16| year.to_string()).zip(counts.iter().copied()).filter(|(_, count)| *count > 0).collect()
}

fn adds_up(run: &Run, currency: &str) {
    let cents = |decimal: &Value| decimal.as_str().unwrap().replace('.', "").parse::<i64>().unwrap();
    for order in run.records("orders") {
        assert_eq!(order["currency"], currency);
        let items = run.records("order_items");
        let lines: Vec<_> = items.iter().filter(|item| item["order_id"] == order["id"]).collect();
        let goods: i64 = lines.iter().map(|line| line["quantity"].as_i64().unwrap() * cents(&line["price"])).sum();
        assert!(!lines.is_empty() && [0, 490].contains(&(cents(&order["total"]) - goods)), "{order} {lines:?}");
        assert!(lines.iter().all(|line| line["ordered_on"] == order["ordered_on"] && line["asin"].is_string()));
    }
}

#[test]
fn every_order_and_line_comes_out_and_fits_the_manifest() {
    let walk = Walk::signed_in(COM, MARIA);
    let run = walk.run(COM, &Value::Null).expect_success();
    assert_eq!(years(&run), expected(&[2, 6, 13, 22, 11, 4]));
    adds_up(&run, "USD");
    assert!(run.of_type("SKIP_RESULT").is_empty());
    assert!(
        run.records("orders").iter().all(|order| order["recipient"] == "Maria Lindqvist" && order["status"].is_string())
    );

    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let report = Manifest::report(folder);
    assert!(report.problems.is_empty() && report.warnings.is_empty(), "{:?} {:?}", report.problems, report.warnings);
    for stream in &Manifest::load(folder).unwrap_or_else(|errors| panic!("{errors}")).streams {
        let schema = jsonschema::validator_for(&stream.schema).unwrap();
        for record in run.records(&stream.name) {
            schema.validate(record).unwrap_or_else(|error| panic!("{}: {error}: {record}", stream.name));
        }
    }
    let counts = walk.shop.counts();
    assert_eq!((counts.accounts["amazon/maria"].passwords, counts.decoy_filled), (1, 0));
}

#[test]
fn another_countrys_shop_has_its_own_orders_money_and_language() {
    let walk = Walk::signed_in(DE, MARIA);
    let run = walk.run(DE, &Value::Null).expect_success();
    assert_eq!(years(&run), expected(&[0, 3, 8, 12, 5, 3]));
    adds_up(&run, "EUR");
    assert!(run.records("orders").iter().all(|order| order["url"].as_str().unwrap().starts_with(DE)));
}

#[test]
fn a_later_run_reads_only_what_can_still_change() {
    let walk = Walk::signed_in(COM, MARIA);
    let first = walk.run(COM, &Value::Null).expect_success();
    let before = walk.shop.counts().requests.len();
    let second = walk.run(COM, &first.state()).expect_success();
    // The newest year alone: the list as it comes, that year's one page, and its four orders.
    assert_eq!(second.records("orders").len(), 4);
    let pages = walk.order_pages(before);
    assert_eq!(pages.iter().filter(|path| path.starts_with("order-details")).count(), 4, "{pages:?}");
    assert_eq!(pages.len(), 6, "{pages:?}");

    let placed = walk.shop.place_order(Market::Com, "maria").unwrap();
    let third = walk.run(COM, &second.state()).expect_success();
    assert_eq!(third.records("orders").len(), 5);
    assert!(third.records("orders").iter().any(|order| order["id"] == placed));
}

#[test]
fn a_run_that_wants_more_reads_again_and_one_that_wants_less_reads_less() {
    let walk = Walk::signed_in(COM, ADA);
    let late = json!({"name": "orders", "time_range": {"since": "2025-01-01"}});
    let first = walk.run_for(COM, &[late], &Value::Null).expect_success();
    assert_eq!(first.records("orders").len(), 3);
    assert!(walk.order_pages(0).iter().all(|path| !path.contains("2024") && !path.contains("details")));
    let all = walk.run_for(COM, &[json!("orders")], &first.state()).expect_success();
    assert_eq!(all.records("orders").len(), 7);
    let items = walk.run(COM, &all.state()).expect_success();
    assert_eq!(items.records("orders").len(), 7, "the items of complete years are wanted now");
    assert!(!items.records("order_items").is_empty());
}
