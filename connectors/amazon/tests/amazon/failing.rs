//! What a run says when it cannot go on.

use freehold_chromium::{Answer, Chromium, Site, StandIns};
use freehold_practice::Area;
use serde_json::{Value, json};

use crate::harness::{ADA, COM, MARIA, Walk, connector};

#[test]
fn a_shop_that_is_down_or_limits_is_tried_again_later() {
    let walk = Walk::signed_in(COM, ADA);
    walk.shop.set_moods(|moods| moods.errors = Area::Orders);
    walk.run(COM, &Value::Null).assert_failed("provider_down", "retry_by_runtime");
    walk.shop.set_moods(|moods| (moods.errors, moods.rate_limited) = (Area::Nowhere, Area::Orders));
    let limited = walk.run(COM, &Value::Null);
    limited.assert_failed("provider_down", "retry_by_runtime");
    assert_eq!(limited.done()["error"]["retry_after_seconds"], 120);
}

#[test]
fn a_session_that_ends_meanwhile_asks_for_a_sign_in() {
    let walk = Walk::signed_in(COM, MARIA);
    let streams = [json!("orders"), json!("order_items")];
    let mut years = 0;
    let run = connector(COM).run_watched(&walk.chromium, &streams, &Value::Null, |message| {
        years += u32::from(message["type"] == "PROGRESS");
        if years == 2 {
            walk.shop.expire_sessions();
        }
    });
    run.assert_failed("signed_out", "manual_action_required");
    assert!(!run.records("orders").is_empty(), "some came before");
}

#[test]
fn a_browser_that_is_not_signed_in_gets_no_records() {
    let walk = Walk::begin();
    let run = walk.run(COM, &Value::Null);
    run.assert_failed("signed_out", "manual_action_required");
    assert!(run.of_type("RECORD").is_empty() && run.of_type("STATE").is_empty());
    assert!(walk.shop.counts().accounts.values().all(|account| account.passwords == 0));
}

#[test]
fn a_changed_layout_needs_a_newer_connector() {
    let walk = Walk::signed_in(COM, ADA);
    walk.shop.set_moods(|moods| moods.changed_layout = Area::Orders);
    let run = walk.run(COM, &Value::Null);
    run.assert_failed("page_changed", "update_selector");
    assert!(run.of_type("RECORD").is_empty());
}

#[test]
fn what_is_put_in_between_at_the_same_address_is_told_apart() {
    let chromium = Chromium::start(&StandIns::default()).unwrap();
    for (page, code, hint) in [
        ("<form action=/errors/validateCaptcha><button>Go on</button></form>", "challenge", "manual_action_required"),
        ("<form name=signIn><input name=email></form>", "signed_out", "manual_action_required"),
        ("<h1>Welcome to the new orders", "page_changed", "update_selector"),
    ] {
        let site = Site::start(move |_| Answer::page(page)).unwrap();
        connector(&site.origin).run(&chromium, &[json!("orders")], &Value::Null).assert_failed(code, hint);
    }
}

#[test]
fn a_missing_setting_is_named() {
    let chromium = Chromium::start(&StandIns::default()).unwrap();
    let connector = freehold_chromium::Connector::new(env!("CARGO_BIN_EXE_freehold-connector-amazon"));
    connector.run(&chromium, &[json!("orders")], &Value::Null).assert_failed("setting", "not_retriable");
}
