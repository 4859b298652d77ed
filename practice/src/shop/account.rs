//! The account's own page: who is signed in.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{Page, sign_in_first};
use crate::account::Site;
use crate::order::Market;
use crate::reply;
use crate::visitor::Visitor;
use crate::world::Shared;

#[derive(Template)]
#[template(path = "shop/account.html")]
struct AccountPage {
    page: Page,
    name: &'static str,
    email: &'static str,
    phone: &'static str,
    second_factor: &'static str,
    recovery_codes: usize,
    orders: usize,
}

pub(super) async fn account(State(world): State<Shared>, visitor: Visitor) -> Response {
    let mut world = world.lock();
    let page = Page::new(&mut world, &visitor, &visitor.session, ("Your account", "Ihr Konto"));
    let Some(account) = world.signed_in(Site::Shop, &visitor.session) else { return sign_in_first(&visitor) };
    let second_factor = match account.second_factor.code() {
        "sms" => page.lang.pick("a code by text", "ein Code per SMS"),
        "authenticator" => page.lang.pick("a code of an authenticator app", "ein Code einer Authenticator-App"),
        _ => page.lang.pick("none", "keine"),
    };
    let template = AccountPage {
        name: account.display,
        email: account.email,
        phone: account.phone,
        second_factor,
        recovery_codes: account.recovery.len(),
        orders: account.orders_in(Market::Shop).count(),
        page,
    };
    reply::page(StatusCode::OK, &template)
}
