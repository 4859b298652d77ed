//! The orders: by year and page, and each with its items.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::{Page, sign_in_first};
use crate::account::Site;
use crate::order::{Market, Order};
use crate::reply;
use crate::visitor::Visitor;
use crate::weather::refused;
use crate::world::Shared;

/// Orders on one page.
const PER_PAGE: usize = 5;

#[derive(Deserialize)]
pub(super) struct Wanted {
    year: Option<i16>,
    page: Option<usize>,
}

#[derive(Template)]
#[template(path = "shop/orders.html")]
struct Orders {
    page: Page,
    years: Vec<i16>,
    year: i16,
    orders: Vec<Order>,
    total: usize,
    number: usize,
    pages: usize,
}

#[derive(Template)]
#[template(path = "shop/order.html")]
struct OrderPage {
    page: Page,
    order: Order,
}

pub(super) async fn orders(State(world): State<Shared>, visitor: Visitor, Query(wanted): Query<Wanted>) -> Response {
    let mut world = world.lock();
    let page = Page::new(&mut world, &visitor, &visitor.session, ("Your orders", "Ihre Bestellungen"));
    let Some(account) = world.signed_in(Site::Shop, &visitor.session) else { return sign_in_first(&visitor) };
    let mut years: Vec<_> = account.orders_in(Market::Shop).map(|order| order.date.year()).collect();
    years.dedup();
    let year = wanted.year.or(years.first().copied()).unwrap_or_default();
    let all: Vec<_> = account.orders_in(Market::Shop).filter(|order| order.date.year() == year).collect();
    let (total, pages) = (all.len(), all.len().div_ceil(PER_PAGE).max(1));
    let number = wanted.page.unwrap_or(1).clamp(1, pages);
    let orders = all.into_iter().skip((number - 1) * PER_PAGE).take(PER_PAGE).cloned().collect();
    reply::page(StatusCode::OK, &Orders { page, years, year, orders, total, number, pages })
}

pub(super) async fn order(State(world): State<Shared>, visitor: Visitor, Path(id): Path<String>) -> Response {
    let mut world = world.lock();
    let page = Page::new(&mut world, &visitor, &visitor.session, ("Your order", "Ihre Bestellung"));
    let Some(account) = world.signed_in(Site::Shop, &visitor.session) else { return sign_in_first(&visitor) };
    let order = account.orders_in(Market::Shop).find(|order| order.id == id).cloned();
    match order {
        Some(order) => reply::page(StatusCode::OK, &OrderPage { page, order }),
        None => refused(StatusCode::NOT_FOUND),
    }
}
