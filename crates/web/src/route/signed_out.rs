//! Signing browsers out, by another browser's forms and by programs.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use freehold_core::id::SessionId;
use freehold_engine::Caller;
use tower::ServiceExt;

use super::walk::{HOST, House, ORIGIN, PASSPHRASE, config, secret};
use super::*;

const OWNER: Caller = Caller::Cli { reauthenticated: true };

/// A browser that is signed in, and may do everything for as long as its passphrase was just given.
struct Browser {
    router: Router,
    id: SessionId,
    token: String,
}

impl Browser {
    fn sign_in(house: &House, user_agent: &str) -> Self {
        let new = house.engine.sign_in(&secret(PASSPHRASE), user_agent, None).expect("a session");
        let router = router(house.engine.clone(), config(), Door::Tcp);
        Self { router, id: new.session.id, token: new.token.reveal().to_owned() }
    }

    async fn ask(&self, method: &str, path: &str) -> Response {
        let request = Request::builder().method(method).uri(path).header(header::HOST, HOST).header(header::ORIGIN, ORIGIN);
        let request = request.header(header::COOKIE, format!("freehold={}", self.token)).body(Body::empty());
        self.router.clone().oneshot(request.expect("a request")).await.expect("a response")
    }

    async fn is_signed_in(&self) -> bool {
        let (page, api) = (self.ask("GET", "/settings").await.status(), self.ask("GET", "/api/v1/sources").await.status());
        assert_eq!(page == StatusCode::OK, api == StatusCode::OK, "{page} and {api}: the same for pages and the API");
        page == StatusCode::OK
    }
}

fn told(house: &House) -> Vec<String> {
    let entries = house.engine.latest_audit(&OWNER, "session.sign_out", None, 100).expect("the log");
    entries.into_iter().map(|entry| entry.subject).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_browser_signs_out_another_and_no_other() {
    let house = House::new();
    let [here, lost, third] = ["here", "lost", "third"].map(|name| Browser::sign_in(&house, name));
    for (browser, address) in [(&lost, "/settings/sessions/"), (&third, "/api/v1/sessions/")] {
        let (method, path) = match address {
            "/settings/sessions/" => ("POST", format!("{address}{}/sign-out", browser.id)),
            _ => ("DELETE", format!("{address}{}", browser.id)),
        };
        let answer = here.ask(method, &path).await.status();
        assert!(matches!(answer, StatusCode::SEE_OTHER | StatusCode::NO_CONTENT), "{path}: {answer}");
        assert!(!browser.is_signed_in().await, "{path}");
        assert!(here.is_signed_in().await, "{path}");
        let again = here.ask(method, &path).await.status();
        assert_eq!(again, StatusCode::NOT_FOUND, "{path}: it is signed out already");
    }
    assert_eq!(told(&house), [third.id.to_string(), lost.id.to_string()], "the newest first");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_others_are_signed_out_and_the_one_that_asks_goes_on() {
    for path in ["/settings/sessions/sign-out-others", "/api/v1/sessions/sign-out-others"] {
        let house = House::new();
        let [here, second, third] = ["here", "second", "third"].map(|name| Browser::sign_in(&house, name));
        let answer = here.ask("POST", path).await;
        assert!(answer.status().is_success() || answer.status().is_redirection(), "{path}: {}", answer.status());
        assert!(here.is_signed_in().await, "{path}");
        assert!(!second.is_signed_in().await && !third.is_signed_in().await, "{path}");
        // The fourth is the house's own.
        assert_eq!(told(&house).len(), 3, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_signed_out_without_the_passphrase_just_given() {
    let house = House::new();
    let [here, other] = ["here", "other"].map(|name| Browser::sign_in(&house, name));
    // A program, whatever its scopes.
    let (_, token) = house.engine.create_token(&OWNER, "all", &Permission::SCOPES).expect("a token");
    let one = format!("/api/v1/sessions/{}", other.id);
    for (method, path) in [("DELETE", one.as_str()), ("POST", "/api/v1/sessions/sign-out-others")] {
        let request = Request::builder().method(method).uri(path).header(header::HOST, HOST);
        let request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.reveal()));
        let answer = here.router.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("a response");
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
    }
    // A page in a browser whose passphrase was given long ago leads to giving it again, and then back.
    house.clock.pass(11 * 60);
    for path in [format!("/settings/sessions/{}/sign-out", other.id), "/settings/sessions/sign-out-others".to_owned()] {
        let answer = here.ask("POST", &path).await;
        let place = answer.headers().get(header::LOCATION).and_then(|place| place.to_str().ok()).unwrap_or_default();
        assert!(place.starts_with("/reauthenticate?next="), "{path} leads to {place:?}");
    }
    assert_eq!(here.ask("DELETE", &one).await.status(), StatusCode::FORBIDDEN);
    assert!(other.is_signed_in().await && told(&house).is_empty());
    // Who is signed in by no name of a session is nobody's to end.
    house.engine.reauthenticate(here.id, &secret(PASSPHRASE)).expect("the right passphrase");
    assert_eq!(here.ask("DELETE", "/api/v1/sessions/not-an-id").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(here.ask("DELETE", &one).await.status(), StatusCode::NO_CONTENT);
}
