//! What is shown where a request is refused.

use axum::body::Body;
use axum::http::Request;
use freehold_core::{Problem, ProblemCode};

use super::super::error::{self, Place};
use super::look;
use crate::origin::Site;
use crate::refused::Refused;

/// A request for `path`, from a page of this server if it is a form's.
fn place(method: &str, path: &str) -> Place {
    let request =
        Request::builder().method(method).uri(path).header("referer", "http://localhost:7180/settings/notifications");
    let mut request = request.body(Body::empty()).expect("a request");
    request.extensions_mut().insert(Site { origin: "http://localhost:7180".to_owned(), is_secure: false });
    Place::of(&request)
}

#[test]
fn errors_of_the_owner() {
    let Refused(nothing) = Refused::not_found();
    look("error-nothing", &error::page(nothing, place("GET", "/sources/src_01hzzz00000000000000000001?text=a"), true));
    let locked = Problem::new(
        ProblemCode::VaultLocked,
        "The vault is locked.",
        "Unlock it in Settings, or with `freehold vault unlock`.",
    );
    let form = "/settings/notifications/channels/chn_01hzzz00000000000000000001/test";
    look("error-vault-locked", &error::page(locked, place("POST", form), true));
    let failed =
        Problem::new(ProblemCode::StorageFailed, "The database failed.", "The server's log says more.").at("data.db");
    look("error-failed", &error::page(failed, place("GET", "/receipts"), true));
}

#[test]
fn errors_of_anybody() {
    let problem = Problem::new(
        ProblemCode::Forbidden,
        "This request did not come from a page of this server.",
        "Open the page here and do it again.",
    );
    look("error-elsewhere", &error::page(problem.clone(), place("POST", "/settings/tokens"), false));
    let unnamed = Request::builder().uri("/").body(Body::empty()).expect("a request");
    look("error-unnamed", &error::page(problem, Place::of(&unnamed), false));
}
