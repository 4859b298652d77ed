//! The front page and the style sheet.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Page;
use crate::catalogue::{PRODUCTS, Product};
use crate::reply;
use crate::visitor::Visitor;
use crate::weather::refused;
use crate::world::Shared;

#[derive(Template)]
#[template(path = "amazon/front.html")]
struct Front {
    page: Page,
    products: &'static [Product],
    currency: &'static str,
}

pub(super) async fn front(State(world): State<Shared>, visitor: Visitor) -> Response {
    let mut world = world.lock();
    let page = Page::new(&mut world, &visitor, &visitor.session, ("Shop", "Einkaufen"));
    let currency = page.currency();
    reply::page(StatusCode::OK, &Front { page, products: &PRODUCTS[8..20], currency })
}

#[derive(Template)]
#[template(path = "amazon/product.html")]
struct ProductPage {
    page: Page,
    product: &'static Product,
    currency: &'static str,
}

pub(super) async fn product(State(world): State<Shared>, visitor: Visitor, Path(asin): Path<String>) -> Response {
    let mut world = world.lock();
    let page = Page::new(&mut world, &visitor, &visitor.session, ("Product", "Artikel"));
    let currency = page.currency();
    match PRODUCTS.iter().find(|product| page.asin(product) == asin) {
        Some(product) => reply::page(StatusCode::OK, &ProductPage { page, product, currency }),
        None => refused(StatusCode::NOT_FOUND),
    }
}

pub(super) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../static/amazon.css"))
}
