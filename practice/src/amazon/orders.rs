//! The orders: by year, ten to a page, and each with its items.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::{ToSpan, tz::TimeZone};
use serde::Deserialize;

use super::{Page, market, sign_in_first};
use crate::account::Site;
use crate::order::Order;
use crate::reply;
use crate::visitor::Visitor;
use crate::weather::refused;
use crate::world::Shared;

/// Orders on one page.
const PER_PAGE: usize = 10;

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(rename = "timeFilter")]
    time_filter: Option<String>,
    #[serde(rename = "startIndex")]
    start_index: Option<usize>,
}

#[derive(Deserialize)]
pub(super) struct WantedOrder {
    #[serde(rename = "orderID", alias = "orderId")]
    id: String,
}

#[derive(Template)]
#[template(path = "amazon/orders.html")]
struct Orders {
    page: Page,
    /// Who the parcels are for.
    recipient: &'static str,
    years: Vec<i16>,
    filter: String,
    orders: Vec<Order>,
    total: usize,
    start: usize,
    /// Where each page starts.
    starts: Vec<usize>,
}

impl Orders {
    fn is_year(&self, year: &i16) -> bool {
        self.filter == format!("year-{year}")
    }

    /// Where the next page starts.
    fn next(&self) -> Option<usize> {
        self.starts.iter().copied().find(|start| *start > self.start)
    }
}

#[derive(Template)]
#[template(path = "amazon/order.html")]
struct OrderPage {
    page: Page,
    recipient: &'static str,
    order: Order,
}

pub(super) async fn orders(State(world): State<Shared>, visitor: Visitor, Query(wanted): Query<Wanted>) -> Response {
    let mut world = world.lock();
    let page = Page::new(&mut world, &visitor, &visitor.session, ("Your Orders", "Meine Bestellungen"));
    let today = TimeZone::UTC.to_datetime(world.now()).date();
    let Some(account) = world.signed_in(Site::Amazon, &visitor.session) else { return sign_in_first(&visitor) };
    let mut years: Vec<_> = account.orders_in(market(&visitor)).map(|order| order.date.year()).collect();
    years.dedup();
    let filter = wanted.time_filter.unwrap_or_else(|| "months-3".to_owned());
    let year = filter.strip_prefix("year-").and_then(|year| year.parse::<i16>().ok());
    let is_shown = |order: &&Order| match (year, filter.as_str()) {
        (Some(year), _) => order.date.year() == year,
        (None, "last30") => order.date >= today.saturating_sub(30.days()),
        (None, _) => order.date >= today.saturating_sub(3.months()),
    };
    let all: Vec<_> = account.orders_in(market(&visitor)).filter(is_shown).collect();
    let (total, start) = (all.len(), wanted.start_index.unwrap_or(0));
    let orders = all.into_iter().skip(start).take(PER_PAGE).cloned().collect();
    let recipient = account.display;
    let starts = (0..total).step_by(PER_PAGE).collect();
    reply::page(StatusCode::OK, &Orders { page, recipient, years, filter, orders, total, start, starts })
}

pub(super) async fn order(State(world): State<Shared>, visitor: Visitor, Query(wanted): Query<WantedOrder>) -> Response {
    let mut world = world.lock();
    let page = Page::new(&mut world, &visitor, &visitor.session, ("Order Details", "Bestelldetails"));
    let Some(account) = world.signed_in(Site::Amazon, &visitor.session) else { return sign_in_first(&visitor) };
    let recipient = account.display;
    match account.orders_in(market(&visitor)).find(|order| order.id == wanted.id).cloned() {
        Some(order) => reply::page(StatusCode::OK, &OrderPage { page, recipient, order }),
        None => refused(StatusCode::NOT_FOUND),
    }
}
