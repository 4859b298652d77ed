//! The Amazon-shaped shop: pages and words of its own, with the selectors and the flow of the real site, so that a connector made for
//! that one can be tried without it. Which country it is, the Host header says.

mod account;
mod front;
mod orders;
mod sign_in;

use std::borrow::Borrow;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use jiff::civil::Date;

use crate::account::Site;
use crate::catalogue::Product;
use crate::lang::Lang;
use crate::mood::Area;
use crate::order::{Market, Status};
use crate::path::encoded;
use crate::reply;
use crate::visitor::Visitor;
use crate::weather::{self, Weather, weather};
use crate::world::{Shared, World};

/// Every route of the shop.
pub(crate) fn router(world: Shared) -> Router {
    Router::new()
        .route("/", get(front::front))
        .route("/amazon.css", get(front::style))
        .route("/ap/signin", get(sign_in::sign_in).post(sign_in::submit))
        .route("/ap/mfa", get(sign_in::later).post(sign_in::submit))
        .route("/ap/cvf/request", get(sign_in::later).post(sign_in::submit))
        .route("/ap/cvf/transactionapproval", get(sign_in::later).post(sign_in::submit))
        .route("/ap/forgotpassword/reverification", get(sign_in::later).post(sign_in::submit))
        .route("/ap/cvf/document", get(sign_in::later))
        .route("/ap/cvf/document/upload", post(sign_in::submit_proof))
        .route("/ap/cvf/captcha.svg", get(sign_in::letters))
        .route("/your-orders/orders", get(orders::orders))
        .route("/your-orders/order-details", get(orders::order))
        .route("/gp/css/order-details", get(orders::order))
        .route("/gp/your-account/order-details", get(orders::order))
        .route("/dp/{asin}", get(front::product))
        .route("/gp/css/order-history", get(|| async { Redirect::temporary("/your-orders/orders") }))
        .route("/gp/your-account/order-history", get(|| async { Redirect::temporary("/your-orders/orders") }))
        .route("/gp/css/homepage.html", get(account::home))
        .route("/ax/account/manage", get(account::manage))
        .route("/gp/flex/sign-out.html", get(account::sign_out))
        .fallback(|| async { weather::refused(StatusCode::NOT_FOUND) })
        .layer(from_fn_with_state(Weather { world: world.clone(), site: Site::Amazon, area_of }, weather))
        .with_state(world)
}

fn area_of(path: &str) -> Option<Area> {
    let mut parts = path.split('/').skip(1);
    match (parts.next(), parts.next(), parts.next()) {
        (Some("ap"), ..) => Some(Area::SignIn),
        (Some("your-orders"), ..) | (Some("gp"), Some("css" | "your-account"), Some("order-history" | "order-details")) => {
            Some(Area::Orders)
        }
        (Some("ax"), ..) | (Some("gp"), Some("css"), _) => Some(Area::Account),
        _ => Some(Area::Nowhere),
    }
}

/// The country's shop a visitor asked for; the American one where the host says nothing.
fn market(visitor: &Visitor) -> Market {
    if visitor.host.split(':').next().is_some_and(|host| host.ends_with("amazon.de")) { Market::De } else { Market::Com }
}

/// What every page of the shop shows.
struct Page {
    title: &'static str,
    lang: Lang,
    /// The host it is, without its port.
    host: &'static str,
    /// The first name of who is signed in.
    who: Option<&'static str>,
    /// Has to come back with every form.
    csrf: String,
}

impl Page {
    fn new(world: &mut World, visitor: &Visitor, session: &str, title: (&'static str, &'static str)) -> Self {
        let (own, host) = match market(visitor) {
            Market::De => (Lang::De, "amazon.de"),
            Market::Com | Market::Shop => (Lang::En, "amazon.com"),
        };
        let lang = visitor.chosen.unwrap_or(own);
        let who = world.signed_in(Site::Amazon, session).and_then(|account| account.display.split(' ').next());
        let csrf = world.sessions.get(session).map(|session| session.csrf.clone()).unwrap_or_default();
        Self { title: lang.pick(title.0, title.1), lang, host, who, csrf }
    }

    // The templates' own words. A template hands over a field by reference and a method's result by value.

    fn t(&self, en: &'static str, de: &'static str) -> &'static str {
        self.lang.pick(en, de)
    }

    fn money(&self, cents: impl Borrow<i64>, currency: &str) -> String {
        self.lang.money(*cents.borrow(), currency)
    }

    fn date(&self, date: &Date) -> String {
        self.lang.date(date)
    }

    /// What the country pays with.
    fn currency(&self) -> &'static str {
        if self.host == "amazon.de" { "EUR" } else { "USD" }
    }

    /// A product's id as this shop writes it: ten letters and digits.
    fn asin(&self, product: &Product) -> String {
        format!("B0PRA{}", product.id)
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
    let target = format!("https://{}{}", visitor.host, visitor.target);
    reply::see(&format!("/ap/signin?openid.return_to={}&openid.mode=checkid_setup", encoded(&target)))
}
