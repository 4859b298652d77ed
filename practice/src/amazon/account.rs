//! The account's pages, and signing out.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{Page, sign_in_first};
use crate::account::Site;
use crate::reply;
use crate::visitor::{SESSION, Visitor};
use crate::world::Shared;

#[derive(Template)]
#[template(path = "amazon/home.html")]
struct Home {
    page: Page,
}

#[derive(Template)]
#[template(path = "amazon/manage.html")]
struct Manage {
    page: Page,
    name: &'static str,
    email: &'static str,
    phone: &'static str,
}

pub(super) async fn home(State(world): State<Shared>, visitor: Visitor) -> Response {
    let mut world = world.lock();
    let page = Page::new(&mut world, &visitor, &visitor.session, ("Your Account", "Mein Konto"));
    if page.who.is_none() {
        return sign_in_first(&visitor);
    }
    reply::page(StatusCode::OK, &Home { page })
}

pub(super) async fn manage(State(world): State<Shared>, visitor: Visitor) -> Response {
    let mut world = world.lock();
    let page = Page::new(&mut world, &visitor, &visitor.session, ("Login & security", "Anmeldung und Sicherheit"));
    let Some(account) = world.signed_in(Site::Amazon, &visitor.session) else { return sign_in_first(&visitor) };
    let (name, email, phone) = (account.display, account.email, account.phone);
    reply::page(StatusCode::OK, &Manage { page, name, email, phone })
}

/// Signs out without asking, as the real site does.
pub(super) async fn sign_out(State(world): State<Shared>, visitor: Visitor) -> Response {
    world.lock().sign_out(Site::Amazon, &visitor.session);
    reply::with_cookie(reply::see("/ap/signin?openid.return_to=/"), Site::Amazon, SESSION, "")
}
