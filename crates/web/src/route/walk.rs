//! A walk through every route of the table: whoever should not come in does not, anywhere.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use freehold_core::{Clock, Rng, SecretBytes, SystemClock, Timestamp};
use freehold_engine::{Caller, EngineConfig, NewOwner, RunLimits, Windows};
use jiff::SignedDuration;
use tower::ServiceExt;

use super::*;
use crate::config::Addresses;
use crate::proxy::TrustedProxies;
use crate::served::Served;

pub(super) const HOST: &str = "localhost:7070";
pub(super) const ORIGIN: &str = "http://localhost:7070";
const CLI_TOKEN: &str = "the-cli-token";
pub(super) const PASSPHRASE: &str = "a long enough passphrase";

/// Different bytes every time, and the same ones in every run of the test.
struct Counting(AtomicU64);

impl Rng for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let step = self.0.fetch_add(1, Ordering::Relaxed).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&step.to_be_bytes()[..chunk.len()]);
        }
    }
}

/// The time, so many seconds later.
#[derive(Default)]
pub(super) struct Later(AtomicI64);

impl Later {
    pub(super) fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for Later {
    fn now(&self) -> Timestamp {
        SystemClock.now() + SignedDuration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

pub(super) struct House {
    pub(super) engine: Engine,
    pub(super) clock: Arc<Later>,
    session: String,
    _folder: tempfile::TempDir,
}

pub(super) fn secret(text: &str) -> SecretBytes {
    SecretBytes::new(text.as_bytes().to_vec())
}

fn engine(folder: &tempfile::TempDir, clock: Arc<Later>) -> Engine {
    let config = EngineConfig {
        data_dir: folder.path().join("data"),
        key_file: folder.path().join("vault.key"),
        scratch: folder.path().join("scratch"),
        connector_dirs: Vec::new(),
        bundled: Vec::new(),
        launcher: PathBuf::from("/bin/false"),
        search_path: Vec::new(),
        reduced_sandbox: false,
        parallel_runs: 1,
        browsers: None,
        windows: Windows::None,
        stand_ins: Vec::new(),
        address: "http://127.0.0.1:7180".to_owned(),
        run_limits: RunLimits::default(),
    };
    std::fs::create_dir(folder.path().join("scratch")).expect("a folder");
    Engine::open(config, clock, Arc::new(Counting(AtomicU64::new(1)))).expect("an engine")
}

impl House {
    /// A server whose first start is done, and one console session with the passphrase just given.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(Later::default());
        let engine = engine(&folder, Arc::clone(&clock));
        let setup_code = secret(engine.setup_code().expect("no owner yet").reveal());
        let key = engine.create_owner(NewOwner { setup_code, passphrase: secret(PASSPHRASE) }).expect("an owner");
        let groups: Vec<&str> = key.reveal().split('-').collect();
        let asked = engine.recovery_challenge().expect("a challenge");
        let typed: Vec<_> = asked.iter().map(|group| secret(groups[group - 1])).collect();
        engine.confirm_recovery_key(&typed).expect("the right groups");
        let new = engine.sign_in(&secret(PASSPHRASE), "test", None).expect("a session");
        engine.reauthenticate(new.session.id, &secret(PASSPHRASE)).expect("the right passphrase");
        let session = new.token.reveal().to_owned();
        Self { engine, clock, session, _folder: folder }
    }

    fn token(&self, scopes: &[Permission]) -> String {
        let owner = Caller::Cli { reauthenticated: true };
        let (_, token) = self.engine.create_token(&owner, "test", scopes).expect("a token");
        token.reveal().to_owned()
    }

    pub(super) fn cookie(&self) -> (&'static str, String) {
        ("cookie", format!("freehold={}", self.session))
    }
}

pub(super) fn config() -> WebConfig {
    WebConfig {
        addresses: Addresses { listen: ([127, 0, 0, 1], 7070).into(), public_origin: None, tls: false },
        trusted_proxies: TrustedProxies::default(),
        served: tokio::sync::watch::channel(Served::Plain).1,
        cli_token_hash: WebConfig::hash_token(CLI_TOKEN.as_bytes()),
    }
}

/// The method's name and an address of the route's shape, for things that do not exist.
fn example(route: &Route) -> (&'static str, String) {
    let method = [
        (MethodFilter::GET, "GET"),
        (MethodFilter::POST, "POST"),
        (MethodFilter::PUT, "PUT"),
        (MethodFilter::PATCH, "PATCH"),
        (MethodFilter::DELETE, "DELETE"),
    ];
    let (_, method) = method.into_iter().find(|(filter, _)| *filter == route.method).expect("one of the five");
    let id = |prefix: &str| format!("{prefix}_01hzzz00000000000000000001");
    let own = match route.path {
        path if path.contains("/runs/{id}") => id("run"),
        path if path.contains("/interactions/") => id("int"),
        path if path.contains("/receipts/") => id("rcp"),
        path if path.contains("/tokens/") => id("tok"),
        path if path.contains("/backup") => id("bkp"),
        path if path.contains("/sessions/") => id("ses"),
        path if path.contains("/channels/") => id("chn"),
        _ => id("src"),
    };
    let path = route.path.replace("{id}", &own).replace("{run}", &id("run"));
    let path = ["{name}", "{set}", "{connector}", "{stream}", "{key}", "{sha256}", "{file}", "{kind}"]
        .iter()
        .fold(path, |path, name| path.replace(name, "none"));
    (method, path)
}

async fn send(router: &Router, route: &Route, headers: &[(&str, String)]) -> Response {
    let (method, path) = example(route);
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header(header::HOST, HOST);
    }
    if method != "GET" && !headers.iter().any(|(name, _)| matches!(*name, "origin" | "authorization")) {
        request = request.header(header::ORIGIN, ORIGIN);
    }
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
    router.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("a response")
}

fn goes_to(response: &Response) -> &str {
    response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether a response is the refusal of someone unknown, in the route's own way.
fn is_turned_away(route: &Route, response: &Response) -> bool {
    match route.kind {
        Kind::Api => response.status() == StatusCode::UNAUTHORIZED,
        Kind::Page => response.status() == StatusCode::SEE_OTHER && goes_to(response).starts_with("/sign-in?next="),
    }
}

#[tokio::test]
async fn without_a_session_only_the_doors_themselves_answer() {
    let house = House::new();
    let router = router(house.engine.clone(), config(), Door::Tcp);
    for route in table() {
        let response = send(&router, &route, &[]).await;
        let turned_away = is_turned_away(&route, &response);
        match route.access {
            Access::Anyone | Access::FirstStart => assert!(!turned_away, "{} answers anyone", route.path),
            Access::CliOnly => assert_eq!(response.status(), StatusCode::FORBIDDEN, "{}", route.path),
            Access::AnyCaller | Access::Needs(_) | Access::Owner | Access::Metrics => {
                assert!(turned_away, "{} answered a stranger with {}", route.path, response.status());
            }
        }
        // The control: the same request with a session is not turned away, so it was the session that was missing.
        if route.path != "/sign-out" {
            let response = send(&router, &route, &[house.cookie()]).await;
            assert!(!is_turned_away(&route, &response), "{} turned the owner away", route.path);
        }
    }
}

#[tokio::test]
async fn signing_out_ends_the_session_and_not_only_the_cookie() {
    let house = House::new();
    let router = router(house.engine.clone(), config(), Door::Tcp);
    let find = |path: &str| table().into_iter().find(|route| route.path == path).expect("a route");
    assert_eq!(send(&router, &find("/"), &[house.cookie()]).await.status(), StatusCode::OK);
    send(&router, &find("/sign-out"), &[house.cookie()]).await;
    assert!(is_turned_away(&find("/"), &send(&router, &find("/"), &[house.cookie()]).await));
}

#[tokio::test]
async fn another_host_name_is_refused_everywhere() {
    let house = House::new();
    let router = router(house.engine.clone(), config(), Door::Tcp);
    for route in table() {
        for host in ["evil.example", "localhost", "localhost:7071", ""] {
            let response = send(&router, &route, &[house.cookie(), ("host", host.to_owned())]).await;
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{} as {host:?}", route.path);
        }
    }
}

#[tokio::test]
async fn a_change_asked_for_by_another_site_is_refused_everywhere() {
    let house = House::new();
    let router = router(house.engine.clone(), config(), Door::Tcp);
    for route in table().into_iter().filter(|route| route.method != MethodFilter::GET) {
        for origin in ["http://evil.example", "null", "http://localhost:7071", "https://localhost:7070"] {
            let response = send(&router, &route, &[house.cookie(), ("origin", origin.to_owned())]).await;
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{} from {origin}", route.path);
        }
        let response = send(&router, &route, &[house.cookie(), ("sec-fetch-site", "same-site".to_owned())]).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{} from another port", route.path);
    }
}

#[tokio::test]
async fn a_socket_opened_by_another_site_is_refused() {
    let house = House::new();
    let router = router(house.engine.clone(), config(), Door::Tcp);
    let socket = table().into_iter().find(|route| route.path == "/api/v1/live").expect("a route");
    let upgrade = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let open = async |origin: Option<&str>| {
        let mut headers = vec![house.cookie()];
        headers.extend(upgrade.map(|(name, value)| (name, value.to_owned())));
        headers.extend(origin.map(|origin| ("origin", origin.to_owned())));
        send(&router, &socket, &headers).await.status()
    };
    for origin in
        [None, Some("http://evil.example"), Some("null"), Some("http://localhost:7071"), Some("https://localhost:7070")]
    {
        assert_eq!(open(origin).await, StatusCode::FORBIDDEN, "from {origin:?}");
    }
    // Let in as far as a request can be that has no connection of its own.
    assert_eq!(open(Some(ORIGIN)).await, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_token_opens_what_its_scopes_say_and_no_page() {
    let house = House::new();
    let router = router(house.engine.clone(), config(), Door::Tcp);
    let all = house.token(&Permission::SCOPES);
    for route in table() {
        let bearer = |token: &str| ("authorization", format!("Bearer {token}"));
        if route.kind == Kind::Page {
            if matches!(route.access, Access::Needs(_)) && route.method == MethodFilter::GET {
                let response = send(&router, &route, &[bearer(&all)]).await;
                assert!(is_turned_away(&route, &response), "{} let a token in", route.path);
            }
            continue;
        }
        if route.access == Access::Owner {
            let response = send(&router, &route, &[bearer(&all), ("origin", ORIGIN.to_owned())]).await;
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{} let a token in", route.path);
        }
        let Access::Needs(needed) = route.access else { continue };
        let others: Vec<_> = Permission::SCOPES.into_iter().filter(|scope| *scope != needed).collect();
        let response = send(&router, &route, &[bearer(&house.token(&others))]).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{} without {}", route.path, needed.as_str());
        let response = send(&router, &route, &[bearer(&all)]).await;
        let refused = response.status() == StatusCode::FORBIDDEN;
        assert_eq!(refused, needed == Permission::Reauthenticated, "{} with every scope", route.path);
        let response = send(&router, &route, &[bearer("no-such-token")]).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{} with no token of ours", route.path);
    }
}

#[tokio::test]
async fn before_first_start_everything_leads_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = engine(&folder, Arc::default());
    let tcp = router(engine.clone(), config(), Door::Tcp);
    let cli = router(engine, config(), Door::Cli);
    for route in table().into_iter().filter(|route| matches!(route.access, Access::Needs(_) | Access::Owner)) {
        let response = send(&tcp, &route, &[]).await;
        match route.kind {
            Kind::Page => assert_eq!(goes_to(&response), "/start", "{}", route.path),
            Kind::Api => {
                assert_eq!(response.status(), StatusCode::CONFLICT, "{}", route.path);
                let response = send(&cli, &route, &[("authorization", format!("Bearer {CLI_TOKEN}"))]).await;
                assert_eq!(response.status(), StatusCode::CONFLICT, "{} by the CLI", route.path);
            }
        }
    }
}

#[tokio::test]
async fn the_cli_needs_its_token_and_has_no_pages() {
    let house = House::new();
    let router = router(house.engine.clone(), config(), Door::Cli);
    for route in table() {
        let good = format!("Bearer {CLI_TOKEN}");
        let response = send(&router, &route, &[("authorization", good.clone())]).await;
        if route.kind == Kind::Page {
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{} on the socket", route.path);
            continue;
        }
        assert_ne!(response.status(), StatusCode::UNAUTHORIZED, "{} with the token", route.path);
        for bad in ["Bearer other", "Bearer ", "Basic dGhlLWNsaS10b2tlbg=="] {
            let response = send(&router, &route, &[("authorization", bad.to_owned())]).await;
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{} with {bad:?}", route.path);
        }
        // A console's cookie and an API token are for the network, and mean nothing here.
        let response = send(&router, &route, &[house.cookie()]).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{} with a cookie", route.path);
    }
}

#[tokio::test]
async fn the_passphrase_header_counts_on_the_socket_and_is_refused_on_the_network() {
    let house = House::new();
    let cli = router(house.engine.clone(), config(), Door::Cli);
    let tcp = router(house.engine.clone(), config(), Door::Tcp);
    let forget = table().into_iter().find(|route| route.path == "/api/v1/tokens/{id}").expect("a route that asks for it");
    let bearer = ("authorization", format!("Bearer {CLI_TOKEN}"));
    let given = |text: &str| ("freehold-passphrase", data_encoding::BASE64.encode(text.as_bytes()));
    assert_eq!(send(&cli, &forget, std::slice::from_ref(&bearer)).await.status(), StatusCode::FORBIDDEN, "not given");
    assert_eq!(send(&cli, &forget, &[bearer.clone(), given("wrong")]).await.status(), StatusCode::UNAUTHORIZED, "wrong");
    assert_eq!(send(&cli, &forget, &[bearer, given(PASSPHRASE)]).await.status(), StatusCode::NOT_FOUND, "let in");
    assert_eq!(
        send(&tcp, &forget, &[house.cookie(), given(PASSPHRASE)]).await.status(),
        StatusCode::FORBIDDEN,
        "on the network"
    );
}

#[tokio::test]
async fn every_response_carries_the_headers() {
    let house = House::new();
    let router = router(house.engine.clone(), config(), Door::Tcp);
    for route in table() {
        let response = send(&router, &route, &[]).await;
        let has = |name: &str, part: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains(part))
        };
        assert!(has("content-security-policy", "default-src 'none'"), "{}", route.path);
        assert!(has("content-security-policy", "frame-ancestors 'none'"), "{}", route.path);
        assert!(has("x-content-type-options", "nosniff"), "{}", route.path);
        assert!(has("cross-origin-opener-policy", "same-origin"), "{}", route.path);
        assert!(has("referrer-policy", "same-origin"), "{}", route.path);
        assert!(has("cache-control", "no-store"), "{}", route.path);
    }
}

/// Every page is looked at by a journey in a real browser, which takes its picture: a new page cannot be forgotten.
#[test]
fn every_page_has_its_picture() {
    let told: std::collections::BTreeMap<String, String> =
        serde_json::from_str(include_str!("../../../../tests/console/pages.json")).expect("routes and names");
    let is_page = |route: &Route| {
        let is_file = route.path.starts_with("/assets/")
            || route.path.contains("/blobs/")
            || route.path.contains("/exports/")
            || route.path.ends_with("/file")
            || route.path.ends_with(".crt");
        route.kind == Kind::Page && route.method == MethodFilter::GET && !is_file
    };
    let pages: std::collections::BTreeSet<&str> =
        table().iter().filter(|route| is_page(route)).map(|route| route.path).collect();
    let looked_at: std::collections::BTreeSet<&str> = told.keys().map(String::as_str).collect();
    assert_eq!(pages, looked_at, "tests/console/pages.json names every page");
    let screens = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/screens");
    for name in told.values() {
        for size in ["laptop", "phone"] {
            let picture = screens.join(format!("{size}-{name}.png"));
            assert!(
                picture.exists(),
                "make {} with `node tests/console/pages.mjs --docs`, and look at it",
                picture.display()
            );
        }
    }
}
