//! Pages as the shop also has them, in words and looks of our own: what is missing, borrowed, or late.

use freehold_chromium::{Answer, Chromium, Site, StandIns};
use serde_json::{Value, json};

use crate::harness::connector;

/// A year's list with these cards, which the shop says are so many.
fn list(year: u16, count: &str, cards: &str) -> Answer {
    let option = |one: u16| {
        let selected = if one == year { " selected" } else { "" };
        format!("<option value=year-{one}{selected}>{one}</option>")
    };
    let years: String = [2026, 2024, 2023, 2022].map(option).concat();
    Answer::page(format!(
        "<form class=js-time-filter-form><span class=num-orders>{count}</span><select id=time-filter name=timeFilter>\
         <option value=months-3>lately</option>{years}</select></form>{cards}"
    ))
}

fn card(id: &str, date: &str, total: &str, more: &str) -> String {
    format!(
        "<div class='order-card js-order-card'><div class=order-header>\
         <div class=a-column><div><span>Ordered</span></div><div><span>{date}</span></div></div>\
         <div class='a-column yohtmlc-order-total'><div><span>Sum</span></div><div><span>{total}</span></div></div>\
         <div class=yohtmlc-order-id><span>No.</span> <bdi dir=ltr>{id}</bdi></div></div>{more}</div>"
    )
}

fn details(id: &str, lines: &str) -> Answer {
    Answer::page(format!("<div id=orderDetails><span data-component=orderId>{id}</span>{lines}</div>"))
}

const LINE: &str = "<div><div data-component=purchasedItemsLeftGrid><span class=od-item-view-qty><span>2</span></span></div>\
    <div data-component=purchasedItemsRightGrid><div data-component=itemTitle><a href='/gp/product/B0TEST0001?x=1'>Blue  mug</a></div>\
    <div data-component=orderedMerchant>Sold by: <a href=/s>A shop</a></div>\
    <div data-component=unitPrice>$4.50 $4.50</div></div></div>";

const LISTED: &str =
    "<div class=item-box><a href=/dp/B0TEST0002><img></a><span class=yohtmlc-product-title>Bread</span></div>";

#[test]
fn older_and_stranger_pages_are_read_too() {
    let site = Site::start(|path| match path {
        "/your-orders/orders?timeFilter=year-2026" => {
            let late = card("111-0000001-0000001", "12 March 2026", "$9.00", LISTED);
            let script = format!("<script>setTimeout(() => document.body.insertAdjacentHTML('beforeend', `{late}`), 300)</script>");
            list(2026, "1 order", &script)
        }
        "/your-orders/orders?timeFilter=year-2024" => {
            let borrowed = "<aside><div class=a-carousel-card><div class=js-order-card><a href=/dp/B0TEST0009>Again?</a></div></div></aside>";
            list(2024, "2 orders", &(card("111-0000002-0000002", "May 5, 2024", "$1,000.00", LISTED)
                + &card("D01-0000003-0000003", "May 4, 2024", "", "") + borrowed))
        }
        "/your-orders/orders?timeFilter=year-2023" => list(2023, "0 orders", "<p>Nothing"),
        "/your-orders/orders?timeFilter=year-2022" => list(2022, "0 orders", "<p>Nothing"),
        "/your-orders/orders" => list(0, "", ""),
        path if path.ends_with("111-0000001-0000001") => details("111-0000001-0000001", &LINE.repeat(2)),
        // A page of another service, and an order that was cancelled.
        path if path.ends_with("111-0000002-0000002") => Answer::page("<h1>Groceries</h1>"),
        path => details(path.rsplit('=').next().unwrap(), "<p data-component=cancelled>Cancelled"),
    })
    .unwrap();
    let chromium = Chromium::start(&StandIns::default()).unwrap();
    let streams = [json!("orders"), json!("order_items")];
    let run = connector(&site.origin).run(&chromium, &streams, &Value::Null).expect_success();
    assert!(run.of_type("SKIP_RESULT").is_empty(), "{:?}", run.of_type("SKIP_RESULT"));
    let orders: Vec<_> = run
        .records("orders")
        .into_iter()
        .map(|order| (order["id"].as_str().unwrap(), &order["ordered_on"], &order["total"]))
        .collect();
    assert_eq!(
        orders,
        [
            ("111-0000001-0000001", &json!("2026-03-12"), &json!("9.00")),
            ("111-0000002-0000002", &json!("2024-05-05"), &json!("1000.00")),
            ("D01-0000003-0000003", &json!("2024-05-04"), &Value::Null),
        ]
    );
    let items = run.records("order_items");
    let ids: Vec<_> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(
        ids,
        ["111-0000001-0000001/B0TEST0001", "111-0000001-0000001/B0TEST0001/2", "111-0000002-0000002/B0TEST0002"]
    );
    assert_eq!(
        (&items[0]["name"], &items[0]["quantity"], &items[0]["price"], &items[0]["seller"]),
        (&json!("Blue mug"), &json!(2), &json!("4.50"), &json!("A shop"))
    );
    assert_eq!((&items[2]["name"], &items[2]["price"]), (&json!("Bread"), &Value::Null));
}

#[test]
fn what_cannot_be_read_is_listed_and_its_year_stays_open() {
    let site = Site::start(|path| match path {
        "/your-orders/orders?timeFilter=year-2026" => {
            list(2026, "3 orders", &card("111-0000001-0000001", "12 March 2026", "$9.00", ""))
        }
        "/your-orders/orders?timeFilter=year-2024" => {
            let cards = card("111-0000002-0000002", "once", "$1.00", "") + &card("nothing", "May 5, 2024", "$1.00", "");
            list(2024, "2 orders", &cards)
        }
        "/your-orders/orders?timeFilter=year-2023" => {
            list(2023, "1 order", &card("111-0000004-0000004", "May 5, 2023", "$1.00", ""))
        }
        "/your-orders/orders?timeFilter=year-2022" => {
            let order = |day: u8| card(&format!("111-0000005-000000{day}"), &format!("May {day}, 2022"), "", "");
            list(2022, "5 orders", &(1..=5).map(order).collect::<String>())
        }
        "/your-orders/orders" => list(0, "", ""),
        _ => Answer::status(404),
    })
    .unwrap();
    let chromium = Chromium::start(&StandIns::default()).unwrap();
    let run = |state| connector(&site.origin).run(&chromium, &[json!("orders")], state).expect_success();
    let first = run(&Value::Null);
    let skipped: Vec<_> = first.of_type("SKIP_RESULT").into_iter().map(|skip| skip["message"].as_str().unwrap()).collect();
    assert_eq!(skipped.len(), 4, "{skipped:?}");
    assert!(skipped[0].contains("1 orders of 2026 were found, and the shop says 3"), "{skipped:?}");
    assert!(
        skipped[1].contains("its day") && skipped[2].contains("its number") && skipped[3].contains("no total"),
        "{skipped:?}"
    );
    assert!(first.of_type("SKIP_RESULT").iter().all(|skip| skip["recovery_hint"]["action"] == "update_selector"));
    let before = site.asked().len();
    let second = run(&first.state());
    assert_eq!(second.records("orders").len(), 6, "2023 was whole, and 2024 has nothing that can be read");
    assert!(site.asked()[before..].iter().any(|path| path.contains("2024")));
    assert!(!site.asked()[before..].iter().any(|path| path.contains("2023")));
}
