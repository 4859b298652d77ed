//! Reading which account is signed in.

use std::time::Duration;

use freehold_browser::{BrowserError, read_identity};
use freehold_core::Identity;
use serde_json::json;

use crate::support::{Browser, Response, serve};

const PATIENCE: Duration = Duration::from_secs(20);

/// What is read from a page with this in it.
fn read(page: &str) -> Result<Option<Identity>, BrowserError> {
    let page = page.to_owned();
    read_at("/account", move |_| Response::page(page.clone()))
}

fn read_at(path: &str, answer: impl Fn(&str) -> Response + Send + Sync + 'static) -> Result<Option<Identity>, BrowserError> {
    let origin = serve(move |request| answer(&request.target));
    let rule = json!({
        "page": format!("{origin}{path}"), "key": "#email", "display": "#name", "normalise": ["whitespace", "lowercase"]
    });
    let browser = Browser::start();
    let page = browser.chromium.first_page().unwrap();
    read_identity(&page, &serde_json::from_value(rule).unwrap(), PATIENCE)
}

#[test]
fn the_key_is_normalised_and_the_display_is_as_the_page_has_it() {
    for page in [
        "<p id=email>\n  Ann@Example.com</p><p id=name>Ann  Doe</p>",
        "<input id=email value='Ann@Example.com'><p id=name>Ann Doe</p>",
        "<meta id=email content='ANN@example.com'><p id=name>Ann Doe</p>",
        "<p id=email></p><p id=email>ann@example.com</p><p id=email>ann@example.com</p><div hidden><p id=name>Ann Doe</p></div>",
        "<p id=email></p><p id=name>Ann Doe</p><script>setTimeout(() => email.textContent = 'Ann@example.com', 1500)</script>",
    ] {
        let identity = read(page).unwrap().unwrap_or_else(|| panic!("{page}"));
        assert_eq!((identity.key.as_str(), identity.display.as_str()), ("ann@example.com", "Ann Doe"), "{page}");
    }
    let without_name = read("<p id=email>Ann@Example.com</p>").unwrap().unwrap();
    assert_eq!(without_name.display, "Ann@Example.com");
}

#[test]
fn the_key_is_as_it_is_written_whatever_the_page_makes_of_it() {
    let of = |style: &str| {
        let page = format!(
            "<style>.menu {{ {style} }}</style><div class=menu><b id=account>\u{df}am <i>Rau</i><script>1</script></b></div>"
        );
        let origin = serve(move |_| Response::page(page.clone()));
        let rule = json!({ "page": origin, "key": "#account" });
        let browser = Browser::start();
        let page = browser.chromium.first_page().unwrap();
        read_identity(&page, &serde_json::from_value(rule).unwrap(), PATIENCE).unwrap().unwrap().key
    };
    assert_eq!(of("text-transform: uppercase"), "\u{df}am Rau");
    assert_eq!(of("display: none"), "\u{df}am Rau");
}

#[test]
fn a_placeholder_is_not_the_account() {
    let page = "<p id=email>Loading</p><script>setTimeout(() => email.textContent = 'ann@example.com', 250)</script>";
    assert_eq!(read(page).unwrap().unwrap().key, "ann@example.com");
}

#[test]
fn what_cannot_be_read_is_nobody() {
    // The layout changed; there are two of them; another site answers.
    assert_eq!(read("<p id=e-mail>ann@example.com</p>").unwrap(), None);
    assert_eq!(read("<p id=email>ann@example.com</p><p id=email>bob@example.com</p>").unwrap(), None);
    let other = serve(|_| Response::page("<p id=email>ann@example.com</p>"));
    assert_eq!(read_at("/account", move |_| Response::see(&other)).unwrap(), None);
}

#[test]
fn a_provider_that_is_down_is_not_an_account_that_cannot_be_read() {
    let error = read_at("/account?key=x", |_| Response::page("<h1>Sorry</h1>").status(503)).unwrap_err().to_string();
    assert!(error.ends_with("/account could not be opened: status 503"), "{error}");
}
