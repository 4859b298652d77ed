//! The front page, which also says who can sign in, the style sheet, and the terms as a download.

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Page;
use crate::account::Site;
use crate::catalogue::{PRODUCTS, Product};
use crate::reply;
use crate::visitor::{LANG, Visitor};
use crate::world::Shared;

#[derive(Template)]
#[template(path = "shop/front.html")]
struct Front {
    page: Page,
    products: &'static [Product],
    people: Vec<Person>,
}

struct Person {
    site: Site,
    display: &'static str,
    email: &'static str,
    password: String,
    second_factor: &'static str,
}

pub(super) async fn front(State(world): State<Shared>, visitor: Visitor) -> Response {
    let mut world = world.lock();
    let page = Page::new(&mut world, &visitor, &visitor.session, ("Everyday things, well made", "Dinge für jeden Tag"));
    let people = world.accounts.iter().map(|account| Person {
        site: account.site,
        display: account.display,
        email: account.email,
        password: account.password.clone(),
        second_factor: match account.second_factor.code() {
            "sms" => page.lang.pick("a code by text", "ein Code per SMS"),
            "authenticator" => page.lang.pick("an authenticator's code", "ein Code der Authenticator-App"),
            _ => page.lang.pick("no code", "kein Code"),
        },
    });
    let people = people.collect();
    let response = reply::page(StatusCode::OK, &Front { page, products: &PRODUCTS[..8], people });
    match visitor.chosen {
        Some(lang) => reply::with_cookie(response, Site::Shop, LANG, lang.code()),
        None => response,
    }
}

pub(super) async fn terms() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"Terms of Lantern & Loom.txt\""),
    ];
    (headers, "Nothing here is real, and nothing here is binding.\n")
}

pub(super) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../static/shop.css"))
}
