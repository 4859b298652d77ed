//! A browser behind a proxy, from its request to what is kept of it.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use freehold_engine::Caller;
use tokio::sync::watch;
use tower::ServiceExt;

use super::walk::{House, PASSPHRASE, config};
use super::*;
use crate::app::Connection;
use crate::proxy::TrustedProxies;
use crate::served::Served;

const PUBLIC: &str = "https://data.example.org";
const OWNER: Caller = Caller::Cli { reauthenticated: true };

/// What a proxy writes, and before it what its client wrote.
const SAID: [(&str, &str); 4] = [
    ("host", "127.0.0.1:7070"),
    ("x-forwarded-host", "data.example.org"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-for", "203.0.113.9, 192.0.2.7"),
];

/// A server behind the proxies of 10.0.0.0/24.
fn behind(house: &House) -> Router {
    let mut config = config();
    config.addresses.public_origin = Some(PUBLIC.to_owned());
    config.trusted_proxies = TrustedProxies(vec!["10.0.0.0/24".parse().expect("a network")]);
    config.served = watch::channel(Served::Proxy).1;
    router(house.engine.clone(), config, Door::Tcp)
}

/// Signs in over a connection from `peer`.
async fn sign_in(router: &Router, peer: &str, headers: &[(&str, &str)], origin: &str) -> Response {
    let request = Request::builder().method("POST").uri("/sign-in").header(header::ORIGIN, origin);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let body = format!("passphrase={}", page::url::segment(PASSPHRASE));
    let mut request = request.body(Body::from(body)).expect("a request");
    let peer: IpAddr = peer.parse().expect("an address");
    request.extensions_mut().insert(Connection { peer: Some(peer), stopping: watch::channel(false).1 });
    router.clone().oneshot(request).await.expect("a response")
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The addresses of the sessions there are.
fn addresses(house: &House) -> Vec<String> {
    house.engine.sessions(&OWNER).expect("sessions").into_iter().filter_map(|session| session.address).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_known_by_its_own_address_and_spoken_to_as_over_tls() {
    let house = House::new();
    let router = behind(&house);
    let response = sign_in(&router, "10.0.0.1", &SAID, PUBLIC).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert!(header(&response, "set-cookie").starts_with("__Host-freehold="), "{response:?}");
    assert!(header(&response, "set-cookie").contains("; Secure"));
    assert_eq!(header(&response, "strict-transport-security"), "max-age=2592000");
    assert_eq!(addresses(&house), ["192.0.2.7"]);
    let audit = house.engine.audit(&OWNER, 0, 100).expect("the log");
    let begun = audit.iter().rev().find(|entry| entry.action == "session.begin").expect("it is in there");
    assert_eq!(begun.detail["address"], "192.0.2.7");
    let elsewhere = sign_in(&router, "10.0.0.1", &SAID, "http://127.0.0.1:7070").await;
    assert_eq!(elsewhere.status(), StatusCode::FORBIDDEN, "the Origin is the public one");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_write_is_not_read() {
    let house = House::new();
    let router = behind(&house);
    let response = sign_in(&router, "127.0.0.1", &SAID, "http://127.0.0.1:7070").await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert!(header(&response, "set-cookie").starts_with("freehold="), "{response:?}");
    assert_eq!(header(&response, "strict-transport-security"), "");
    assert_eq!(addresses(&house), ["127.0.0.1"]);
    for origin in [PUBLIC, "http://127.0.0.1:7070"] {
        let response = sign_in(&router, "192.0.2.50", &SAID, origin).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "from {origin}");
    }
    assert_eq!(addresses(&house).len(), 1);
}
