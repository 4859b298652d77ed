//! Forms, as a browser without scripts sends them.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use freehold_core::status::VaultState;
use freehold_engine::{BackupOutcome, Caller};
use tower::ServiceExt;

use super::walk::{HOST, House, ORIGIN, PASSPHRASE, config, secret};
use super::*;

const OWNER: Caller = Caller::Cli { reauthenticated: true };
const OF_VAULT: &str = "amber meadow thimble four";

/// The owner's browser.
struct Browser {
    router: Router,
    cookie: String,
}

impl Browser {
    fn of(house: &House) -> Self {
        Self { router: router(house.engine.clone(), config(), Door::Tcp), cookie: house.cookie().1 }
    }

    async fn get(&self, path: &str) -> Response {
        self.ask(Request::builder().method("GET").uri(path), String::new()).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let encoded: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", page::url::segment(value))).collect();
        let request = Request::builder().method("POST").uri(path).header(header::ORIGIN, ORIGIN);
        self.ask(request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded"), encoded.join("&")).await
    }

    async fn ask(&self, request: axum::http::request::Builder, body: String) -> Response {
        let request = request.header(header::HOST, HOST).header(header::COOKIE, &self.cookie);
        self.router.clone().oneshot(request.body(Body::from(body)).expect("a request")).await.expect("a response")
    }
}

async fn text(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn goes_to(response: &Response) -> &str {
    response.headers().get(header::LOCATION).and_then(|place| place.to_str().ok()).unwrap_or_default()
}

/// The groups of a recovery key that a page shows.
fn shown_groups(html: &str) -> Vec<String> {
    html.split("<li><code>").skip(1).filter_map(|rest| rest.split('<').next()).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_passphrase_is_changed_by_its_form() {
    let house = House::new();
    let browser = Browser::of(&house);
    let change = async |old: &str, new: &str, repeated: &str| {
        browser.post("/settings/passphrase", &[("passphrase", old), ("new_passphrase", new), ("repeated", repeated)]).await
    };
    for (old, new, repeated) in [
        ("not the one at all", OF_VAULT, OF_VAULT),
        (PASSPHRASE, OF_VAULT, "something else again"),
        (PASSPHRASE, "short", "short"),
    ] {
        assert_eq!(change(old, new, repeated).await.status(), StatusCode::UNPROCESSABLE_ENTITY, "{old} {new}");
    }
    assert_eq!(goes_to(&change(PASSPHRASE, OF_VAULT, OF_VAULT).await), "/settings/sessions");
    assert!(house.engine.sign_in(&secret(PASSPHRASE), "test", None).is_err());
    assert_eq!(browser.get("/settings").await.status(), StatusCode::OK, "the session it was changed in goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vault_s_keys_are_changed_by_their_forms() {
    let house = House::new();
    let browser = Browser::of(&house);
    let at_vault = |response: Response| assert_eq!(goes_to(&response), "/settings/vault");
    let state = || house.engine.vault(&OWNER).expect("a vault").state;

    let differ = [("vault_passphrase", OF_VAULT), ("repeated", "something else again")];
    let refused = browser.post("/settings/vault/passphrase", &differ).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    at_vault(browser.post("/settings/vault/passphrase", &[("vault_passphrase", OF_VAULT), ("repeated", OF_VAULT)]).await);
    at_vault(browser.post("/settings/vault/key-file/remove", &[]).await);
    at_vault(browser.post("/settings/vault/lock", &[]).await);
    assert_eq!(state(), VaultState::Locked);
    let wrong = browser.post("/settings/vault/unlock", &[("vault_passphrase", PASSPHRASE)]).await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(wrong).await.contains("not the vault&#39;s passphrase"));
    assert!(text(browser.get("/").await).await.contains("The vault is locked"));
    at_vault(browser.post("/settings/vault/unlock", &[("vault_passphrase", OF_VAULT)]).await);
    assert_eq!(state(), VaultState::Unlocked);

    let shown = shown_groups(&text(browser.post("/settings/vault/recovery-key", &[]).await).await);
    assert_eq!(shown.len(), 8);
    let asked = house.engine.new_recovery_key_challenge(&OWNER).expect("a challenge");
    let names: Vec<String> = asked.iter().map(|group| format!("group{group}")).collect();
    let right: Vec<(&str, &str)> =
        names.iter().zip(&asked).map(|(name, group)| (name.as_str(), shown[group - 1].as_str())).collect();
    let wrong = browser.post("/settings/vault/recovery-key/confirm", &[(right[0].0, "00000")]).await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    at_vault(browser.post("/settings/vault/recovery-key/confirm", &right).await);
    house.engine.reset_passphrase(&secret(&shown.join("-")), &secret(OF_VAULT)).expect("the new key is the vault's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_made_and_taken_home() {
    let house = House::new();
    let browser = Browser::of(&house);
    assert_eq!(goes_to(&browser.post("/settings/backup", &[]).await), "/settings/backup");
    let mut events = house.engine.events();
    let path = loop {
        let backups = house.engine.backups(&OWNER).expect("the backups").backups;
        match backups.into_iter().next().map(|backup| backup.outcome) {
            Some(BackupOutcome::Made { path, .. }) => break path,
            Some(BackupOutcome::Failed { problem }) => panic!("{problem}"),
            None => drop(tokio::time::timeout(Duration::from_secs(1), events.recv()).await),
        }
    };
    let html = text(browser.get("/settings/backup").await).await;
    let link = html.split("href=\"/settings/backup/").nth(1).and_then(|rest| rest.split('"').next()).expect("a link");
    let taken = browser.get(&format!("/settings/backup/{link}")).await;
    let name = taken.headers()[header::CONTENT_DISPOSITION].to_str().expect("text");
    assert!(name.starts_with("attachment; filename=\"freehold-") && name.contains(".backup\""), "{name}");
    let bytes = axum::body::to_bytes(taken.into_body(), usize::MAX).await.expect("a body");
    assert_eq!(bytes, std::fs::read(&path).expect("the file"));
    assert!(bytes.starts_with(b"FHBK"));

    let fields = [("folder", "relative"), ("every", "day"), ("hour", "3"), ("zone", "UTC"), ("keep", "7")];
    let wrong = browser.post("/settings/backup/plan", &fields).await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(wrong).await.contains("value=\"relative\""), "what was typed is kept");
    let not_a_number = [("folder", "/tmp"), ("every", "day"), ("hour", "three"), ("zone", "UTC"), ("keep", "7")];
    assert_eq!(browser.post("/settings/backup/plan", &not_a_number).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

/// What the answer to a form gives the browser to bring along: the cookie of what was done.
fn brings_along(response: &Response) -> Option<String> {
    let cookies = response.headers().get_all(header::SET_COOKIE);
    let cookie =
        cookies.iter().filter_map(|value| value.to_str().ok()).find(|cookie| cookie.starts_with("freehold-done="))?;
    assert!(cookie.contains("; HttpOnly; SameSite=Strict; Max-Age="), "{cookie}");
    Some(cookie.split(';').next().unwrap_or_default().to_owned())
}

/// What a page says was done.
fn said(html: &str) -> Option<&str> {
    html.split_once("<p class=\"done\" role=\"status\">")?.1.split_once("<span>")?.1.split_once('<').map(|(said, _)| said)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_form_did_is_said_once() {
    let house = House::new();
    let browser = Browser::of(&house);
    let owner = OWNER;
    let (token, _) = house.engine.create_token(&owner, "test", &[Permission::Read]).expect("a token");
    house.engine.sign_in(&secret(PASSPHRASE), "another", None).expect("a session");
    let quiet = [("start", "22:00"), ("end", "07:00"), ("zone", "UTC")];
    let plan = [("folder", "/tmp"), ("every", "day"), ("hour", "3"), ("zone", "UTC"), ("keep", "7")];
    let channel = [("server", "http://127.0.0.1:9"), ("topic", "freehold-x")];
    let revoke = format!("/settings/tokens/{}/revoke", token.id);
    type Form<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let forms: [Form<'_>; 8] = [
        ("/settings/notifications/quiet-hours", &quiet, "The quiet hours are saved."),
        ("/settings/notifications/quiet-hours", &[("none", "true")], "There are no quiet hours any more."),
        ("/settings/notifications/add/ntfy", &channel, "The channel is saved. Send a test to see whether it arrives."),
        ("/settings/sessions/sign-out-others", &[], "Every other browser is signed out."),
        (&revoke, &[], "The token is revoked. Whatever used it is let in no more."),
        ("/settings/backup/plan", &plan, "The plan is saved. Backups are made by the clock."),
        ("/settings/backup/plan/end", &[], "No more backups are made by the clock. Those that were made stay."),
        ("/settings/vault/lock", &[], "The vault is locked."),
    ];
    for (form, fields, sentence) in forms {
        let answer = browser.post(form, fields).await;
        let page = goes_to(&answer).to_owned();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{form}: {}", text(answer).await);
        let brought = brings_along(&answer).unwrap_or_else(|| panic!("{form} says nothing"));
        let with = Browser { router: browser.router.clone(), cookie: format!("{}; {brought}", browser.cookie) };
        let shown = with.get(&page).await;
        assert_eq!(brings_along(&shown).as_deref(), Some("freehold-done="), "{form}: it is taken away");
        assert_eq!(said(&text(shown).await), Some(sentence), "{form}");
        assert_eq!(said(&text(browser.get(&page).await).await), None, "{form}: said once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_not_in_the_table_is_said() {
    let house = House::new();
    let mut browser = Browser::of(&house);
    let own = browser.cookie.clone();
    for made_up in ["You+won", "<script>alert(1)</script>", "vault-locked2", ""] {
        browser.cookie = format!("{own}; freehold-done={made_up}");
        let html = text(browser.get("/settings/sessions?done=vault-locked").await).await;
        assert_eq!(said(&html), None, "{made_up}");
        assert!(!html.contains("won") && !html.contains("alert"), "{made_up}");
    }
    // A script that looks at the page anew neither shows it nor takes it away.
    browser.cookie = format!("{own}; freehold-done=vault-locked");
    let request = Request::builder().uri("/settings/sessions").header("sec-fetch-mode", "cors");
    let looked = browser.ask(request.header("sec-fetch-site", "same-origin"), String::new()).await;
    assert_eq!(brings_along(&looked), None);
    assert_eq!(said(&text(looked).await), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_keeps_the_console_around_it_for_the_owner_alone() {
    let house = House::new();
    let owner = Browser::of(&house);
    let stranger = Browser { router: owner.router.clone(), cookie: String::new() };
    let has_console = |html: &str| html.contains("<nav aria-label=\"Main\">");
    let nowhere = async |browser: &Browser, path: &str| text(browser.get(path).await).await;
    for path in ["/nowhere", "/sources/src_01hzzz00000000000000000001", "/help/none"] {
        let html = nowhere(&owner, path).await;
        assert!(has_console(&html) && html.contains(path), "{path}: {html}");
    }
    let html = nowhere(&stranger, "/nowhere").await;
    assert!(!has_console(&html) && html.contains("There is nothing at this address."), "{html}");
    let cross = Request::builder().method("POST").uri("/settings/vault/lock").header(header::ORIGIN, "http://evil.example");
    let refused = owner.ask(cross, String::new()).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(text(refused).await.contains("did not come from a page of this server"));
    assert_eq!(house.engine.vault(&OWNER).expect("a vault").state, VaultState::Unlocked);
    let unnamed = Request::builder().uri("/").header(header::HOST, "evil.example").body(Body::empty()).expect("a request");
    let refused = owner.router.clone().oneshot(unnamed).await.expect("a response");
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let html = text(refused).await;
    assert!(html.contains("does not answer to that host name") && !html.contains("class=\"button"), "{html}");
}
