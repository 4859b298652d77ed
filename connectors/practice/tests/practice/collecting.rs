//! What comes out of the shop, at first and later.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use freehold_practice::Market;
use freehold_protocol::Manifest;
use serde_json::{Value, json};

use crate::harness::{MARIA, Walk};

/// Maria's orders of each year from 2021 on.
const ORDERS_OF_MARIA: [usize; 6] = [3, 12, 24, 9, 14, 7];

#[test]
fn every_order_and_line_comes_out_and_fits_the_manifest() {
    let walk = Walk::signed_in(MARIA);
    let run = walk.run(&Value::Null).expect_success();
    let mut by_year = BTreeMap::<String, usize>::new();
    for order in run.records("orders") {
        *by_year.entry(order["ordered_on"].as_str().unwrap()[..4].to_owned()).or_default() += 1;
    }
    let expected: BTreeMap<_, _> = (2021..).map(|year: u16| year.to_string()).zip(ORDERS_OF_MARIA).collect();
    assert_eq!(by_year, expected);
    let ids: BTreeSet<_> = run.records("orders").into_iter().map(|order| order["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), ORDERS_OF_MARIA.iter().sum::<usize>());

    let items = run.records("order_items");
    for order in run.records("orders") {
        let lines: Vec<_> = items.iter().filter(|item| item["order_id"] == order["id"]).collect();
        assert_eq!(lines.len(), order["item_count"].as_u64().unwrap() as usize, "{order}");
        let cents = |decimal: &Value| decimal.as_str().unwrap().replace('.', "").parse::<i64>().unwrap();
        let goods: i64 = lines.iter().map(|line| line["quantity"].as_i64().unwrap() * cents(&line["price"])).sum();
        assert!([0, 490].contains(&(cents(&order["total"]) - goods)), "the lines and the shipping add up: {order}");
    }

    let manifest = Manifest::load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap_or_else(|errors| panic!("{errors}"));
    for stream in &manifest.streams {
        let schema = jsonschema::validator_for(&stream.schema).unwrap();
        for record in run.records(&stream.name) {
            schema.validate(record).unwrap_or_else(|error| panic!("{}: {error}: {record}", stream.name));
        }
    }
    assert!(run.of_type("SKIP_RESULT").is_empty());
    assert_eq!(walk.shop.counts().accounts["shop/maria"].signed_in, 1, "it signed in by itself never");
}

#[test]
fn a_later_run_reads_only_what_can_still_change() {
    let walk = Walk::signed_in(MARIA);
    let first = walk.run(&Value::Null).expect_success();
    let before = walk.shop.counts().requests.len();
    let second = walk.run(&first.state()).expect_success();
    // The newest year alone: its two pages of the list, and its seven orders.
    assert_eq!(second.records("orders").len(), 7);
    let pages = walk.order_pages(before);
    assert_eq!(pages.iter().filter(|path| path.starts_with("/LL-2026-")).count(), 7, "{pages:?}");
    assert_eq!(pages.len(), 9, "{pages:?}");

    let placed = walk.shop.place_order(Market::Shop, "maria").unwrap();
    let third = walk.run(&second.state()).expect_success();
    let new: Vec<_> = third.records("orders").into_iter().filter(|order| order["id"] == placed).collect();
    assert_eq!((new.len(), &new[0]["status"]), (1, &json!("preparing")));
}

#[test]
fn a_run_that_wants_more_reads_again_and_one_that_wants_less_reads_less() {
    let walk = Walk::signed_in(MARIA);
    let late = json!({"name": "orders", "time_range": {"since": "2025-06-01"}});
    let first = walk.run_for(&[late], &Value::Null).expect_success();
    assert!(first.records("orders").iter().all(|order| order["ordered_on"].as_str().unwrap() >= "2025-06-01"));
    assert!(walk.order_pages(0).iter().all(|path| !path.contains("2024")), "years before are not looked at");
    let all = walk.run_for(&[json!("orders")], &first.state()).expect_success();
    assert_eq!(all.records("orders").len(), ORDERS_OF_MARIA.iter().sum::<usize>());
    let before = walk.shop.counts().requests.len();
    let items = walk.run(&all.state()).expect_success();
    assert!(!items.records("order_items").is_empty());
    assert!(walk.order_pages(before).len() > ORDERS_OF_MARIA.iter().sum::<usize>());
    let some = json!({"name": "orders", "resources": [first.records("orders")[0]["id"]]});
    let one = walk.run_for(&[some], &Value::Null).expect_success();
    assert_eq!((one.records("orders").len(), one.of_type("STATE").len()), (1, 0));
}

#[test]
fn an_account_without_orders_is_no_failure() {
    let walk = Walk::begin();
    walk.shop.set_second_factor(freehold_practice::Site::Shop, "noor", freehold_practice::SecondFactor::None).unwrap();
    walk.sign_in("noor@example.test", "first-visit-here");
    assert_eq!(walk.run(&Value::Null).expect_success().done()["records_emitted"], 0);
}
