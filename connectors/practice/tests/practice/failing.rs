//! What a run says when it cannot go on.

use freehold_chromium::{Answer, Chromium, Connector, Site, StandIns};
use freehold_practice::Area;
use serde_json::{Value, json};

use crate::harness::{MARIA, Walk};

#[test]
fn a_shop_that_is_down_or_limits_is_tried_again_later() {
    let walk = Walk::signed_in(MARIA);
    walk.shop.set_moods(|moods| moods.errors = Area::Orders);
    walk.run(&Value::Null).assert_failed("provider_down", "retry_by_runtime");
    walk.shop.set_moods(|moods| (moods.errors, moods.rate_limited) = (Area::Nowhere, Area::Orders));
    let limited = walk.run(&Value::Null);
    limited.assert_failed("provider_down", "retry_by_runtime");
    assert_eq!(limited.done()["error"]["retry_after_seconds"], 120);
    walk.shop.set_moods(|moods| (moods.rate_limited, moods.endless_redirect) = (Area::Nowhere, true));
    walk.run(&Value::Null).assert_failed("provider_down", "retry_by_runtime");
}

#[test]
fn a_session_that_ends_meanwhile_asks_for_a_sign_in_and_keeps_no_half_year() {
    let walk = Walk::signed_in(MARIA);
    let streams = [json!("orders"), json!("order_items")];
    let mut years = 0;
    let run = walk.connector().run_watched(&walk.chromium, &streams, &Value::Null, |message| {
        years += u32::from(message["type"] == "PROGRESS");
        if years == 2 {
            walk.shop.expire_sessions();
        }
    });
    run.assert_failed("signed_out", "manual_action_required");
    assert!(!run.records("orders").is_empty(), "some came before");
    walk.sign_in(MARIA.0, MARIA.1);
    let again = walk.run(&Value::Null).expect_success();
    assert_eq!(again.records("orders").len(), 69);
}

#[test]
fn a_browser_that_is_not_signed_in_gets_no_records() {
    let walk = Walk::begin();
    let run = walk.run(&Value::Null);
    run.assert_failed("signed_out", "manual_action_required");
    assert!(run.of_type("RECORD").is_empty() && run.of_type("STATE").is_empty());
    assert_eq!(walk.shop.counts().accounts["shop/maria"].passwords, 0);
}

#[test]
fn a_changed_layout_needs_a_newer_connector() {
    let walk = Walk::signed_in(MARIA);
    walk.shop.set_moods(|moods| moods.changed_layout = Area::Orders);
    let run = walk.run(&Value::Null);
    run.assert_failed("page_changed", "update_selector");
    assert!(run.of_type("RECORD").is_empty());
}

#[test]
fn a_missing_setting_is_named() {
    let walk = Walk::begin();
    connector().run(&walk.chromium, &[json!("orders")], &Value::Null).assert_failed("setting", "not_retriable");
}

#[test]
fn an_order_that_cannot_be_read_is_listed_and_its_year_stays_open() {
    let list = |year: u16, orders: &str, count: usize| {
        let link = |one: u16| {
            let current = if one == year { " aria-current=page" } else { "" };
            format!("<a data-year={one} href=x{current}>{one}</a>")
        };
        let years: String = [2026, 2024, 2023].map(link).concat();
        let count = format!("<span id=order-count data-count={count}></span>");
        Answer::page(format!("<nav id=years>{years}</nav>{count}<ol id=orders>{orders}</ol>"))
    };
    let order = |id: &str, date: &str| {
        format!(
            "<li data-order-id={id} data-order-date='{date}' data-order-status=shipped data-order-total=1.00 data-order-currency=EUR>"
        )
    };
    let site = Site::start(move |path| match path {
        "/orders?year=2024" => list(2024, &(order("a", "soon") + &order("b", "2024-05-05")), 2),
        "/orders?year=2023" => list(2023, &order("c", "2023-05-05"), 1),
        // It says two and shows one.
        _ => list(2026, &order("d", "2026-05-05"), 2),
    })
    .unwrap();
    let chromium = Chromium::start(&StandIns::default()).unwrap();
    let connector = connector().with("SHOP_ORIGIN", &site.origin);
    let first = connector.run(&chromium, &[json!("orders")], &Value::Null).expect_success();
    let ids: Vec<_> = first.records("orders").into_iter().map(|order| order["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["d", "b", "c"]);
    let skipped = first.of_type("SKIP_RESULT");
    assert_eq!(skipped.len(), 2, "{skipped:?}");
    assert!(skipped.iter().all(|skip| skip["recovery_hint"]["action"] == "update_selector" && skip["stream"] == "orders"));
    assert!(skipped[1]["message"].as_str().unwrap().contains("its day"), "{skipped:?}");
    let second = connector.run(&chromium, &[json!("orders")], &first.state()).expect_success();
    let ids: Vec<_> = second.records("orders").into_iter().map(|order| order["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["d", "b"], "2023 was whole");
}

fn connector() -> Connector {
    Connector::new(env!("CARGO_BIN_EXE_freehold-connector-practice"))
}
