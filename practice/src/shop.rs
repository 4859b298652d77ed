//! The practice shop: its routes, and what its pages have in common.

mod account;
mod control;
mod front;
mod orders;
mod pocket;
mod sign_in;
mod sign_out;

use std::borrow::Borrow;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use jiff::civil::Date;

use crate::account::Site;
use crate::catalogue::Product;
use crate::lang::Lang;
use crate::mood::Area;
use crate::order::Status;
use crate::path::encoded;
use crate::reply;
use crate::visitor::Visitor;
use crate::weather::{self, Weather, weather};
use crate::world::{Shared, World};

/// Every route of the shop and of the control page.
pub(crate) fn router(world: Shared) -> Router {
    Router::new()
        .route("/", get(front::front))
        .route("/shop.css", get(front::style))
        .route("/terms.txt", get(front::terms))
        .route("/sign-in", get(sign_in::email).post(sign_in::submit_email))
        .route("/sign-in/password", get(sign_in::password).post(sign_in::submit))
        .route("/sign-in/proof", post(sign_in::submit_proof))
        .route("/sign-in/captcha.svg", get(sign_in::letters))
        .route("/sign-in/finished", get(sign_in::finished))
        .route("/sign-out", get(sign_out::ask).post(sign_out::sign_out))
        .route("/orders", get(orders::orders))
        .route("/orders/{id}", get(orders::order))
        .route("/account", get(account::account))
        .route("/sms", get(pocket::texts))
        .route("/authenticator", get(pocket::authenticator))
        .route("/authenticator/{site}/{name}", get(pocket::picture))
        .route("/phone", get(pocket::phone).post(pocket::tap))
        .route("/moods", get(control::page).post(control::change))
        .route("/moods/counts", get(control::counts))
        .route("/moods/letters", get(control::letters))
        .route("/moods/expire-sessions", post(control::expire_sessions))
        .route("/moods/reset", post(control::reset))
        .route("/accounts/{name}/password", post(control::password))
        .route("/accounts/{name}/second-factor", post(control::second_factor))
        .route("/accounts/{name}/orders", post(control::place_order))
        .fallback(|| async { weather::refused(StatusCode::NOT_FOUND) })
        .layer(from_fn_with_state(Weather { world: world.clone(), site: Site::Shop, area_of }, weather))
        .with_state(world)
}

/// The control pages and those of a person's pocket work in every mood.
fn area_of(path: &str) -> Option<Area> {
    match path.split('/').nth(1).unwrap_or_default() {
        "moods" | "accounts" | "sms" | "authenticator" | "phone" => None,
        "sign-in" => Some(Area::SignIn),
        "orders" => Some(Area::Orders),
        "account" => Some(Area::Account),
        _ => Some(Area::Nowhere),
    }
}

/// What every page of the shop shows.
struct Page {
    title: &'static str,
    lang: Lang,
    /// Who is signed in.
    who: Option<&'static str>,
    /// Has to come back with every form.
    csrf: String,
}

impl Page {
    fn new(world: &mut World, visitor: &Visitor, session: &str, title: (&'static str, &'static str)) -> Self {
        let who = world.signed_in(Site::Shop, session).map(|account| account.display);
        let csrf = world.sessions.get(session).map(|session| session.csrf.clone()).unwrap_or_default();
        Self { title: visitor.lang.pick(title.0, title.1), lang: visitor.lang, who, csrf }
    }

    // The templates' own words. A template hands over a field by reference and a method's result by value.

    fn t(&self, en: &'static str, de: &'static str) -> &'static str {
        self.lang.pick(en, de)
    }

    fn money(&self, cents: impl Borrow<i64>, currency: &str) -> String {
        self.lang.money(*cents.borrow(), currency)
    }

    /// Cents as a decimal number, for the attributes a program reads.
    fn decimal(&self, cents: impl Borrow<i64>) -> String {
        let cents = cents.borrow();
        format!("{}.{:02}", cents / 100, cents % 100)
    }

    fn date(&self, date: &Date) -> String {
        self.lang.date(date)
    }

    fn product(&self, product: &Product) -> &'static str {
        product.name(self.lang)
    }

    fn status(&self, status: &Status) -> &'static str {
        status.text(self.lang)
    }
}

/// To the sign-in, and back here afterwards.
fn sign_in_first(visitor: &Visitor) -> Response {
    reply::see(&format!("/sign-in?return={}", encoded(&visitor.target)))
}
