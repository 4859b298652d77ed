//! The forms about keys and backups, as a browser without scripts sends them.

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
    assert!(house.engine.sign_in(&secret(PASSPHRASE), "test").is_err());
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
