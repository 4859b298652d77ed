//! A shop to sign in to, the source's secrets, and the machine between them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use freehold_browser::sign_in::Patience;
use freehold_browser::{SignInMachine, Tabs, Turn};
use freehold_core::{SecretKind, SystemClock};
use freehold_protocol::manifest::{Capture, SignIn};
use serde_json::{Value, json};

use super::secrets::Secrets;
use crate::support::{Browser, Request, Response, serve};

/// What the shop was sent, one line a submission: `user|password` or `code:123456`.
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

pub(crate) struct Scene {
    /// Ends with the scene.
    _browser: Browser,
    pub(crate) tabs: Tabs,
    pub(crate) machine: SignInMachine,
    pub(crate) secrets: Secrets,
    pub(crate) origin: String,
    pub(crate) log: Log,
}

/// How a shop differs from the plain one.
#[derive(Clone, Copy, Default)]
pub(crate) struct Shop {
    /// The password is asked for on a page of its own.
    pub(crate) in_two_steps: bool,
    /// The code that is asked for after the password, at the same address.
    pub(crate) code: Option<&'static str>,
    /// A recovery code that will do instead.
    pub(crate) recovery_code: Option<&'static str>,
}

impl Scene {
    pub(crate) fn new(shop: Shop) -> Self {
        Self::at(shop, |_| None)
    }

    /// With some pages of the test's own, which come before the shop's.
    pub(crate) fn at(shop: Shop, own: impl Fn(&Request) -> Option<Response> + Send + Sync + 'static) -> Self {
        let log = Log::default();
        let kept = Arc::clone(&log);
        let origin = serve(move |request| {
            record(request, &kept);
            own(request).unwrap_or_else(|| shop.answer(request))
        });
        Self::with(origin.clone(), log, &[&origin], screens())
    }

    pub(crate) fn with(origin: String, log: Log, origins: &[&str], screens: Value) -> Self {
        let browser = Browser::start();
        let machine = machine(&origin, origins, screens);
        let secrets = Secrets::default().with(SecretKind::UsernamePassword, &[("username", "ann"), ("password", "correct")]);
        Self { tabs: Tabs::of(&browser.chromium), _browser: browser, machine, secrets, origin, log }
    }

    /// With other screens.
    pub(crate) fn screens(mut self, screens: Value) -> Self {
        self.machine = machine(&self.origin, &[&self.origin], screens);
        self
    }

    #[expect(clippy::print_stdout, reason = "shown only where the test fails")]
    pub(crate) fn begin(&mut self) -> Turn {
        let turn = self.machine.begin(&self.tabs, &mut self.secrets, &|| false).unwrap();
        println!("{turn:?} after {:#?}", self.trace());
        turn
    }

    pub(crate) fn go_on(&mut self) -> Turn {
        self.machine.go_on(&self.tabs, &mut self.secrets, &|| false).unwrap()
    }

    pub(crate) fn submitted(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// What the screens did, in one line each.
    pub(crate) fn trace(&self) -> Vec<String> {
        let line = |entry: &freehold_browser::sign_in::TraceEntry| {
            format!("{}: {}", entry.screen.as_deref().unwrap_or("-"), entry.did)
        };
        self.machine.trace().iter().map(line).collect()
    }

    /// Runs a script of a person's in the newest page.
    pub(crate) fn by_hand(&self, script: &str) -> Value {
        self.tabs.list().unwrap()[0].page().main_frame().unwrap().run(script, &[]).unwrap()
    }
}

pub(crate) fn machine(origin: &str, origins: &[&str], screens: Value) -> SignInMachine {
    let descriptor = json!({ "start": format!("{origin}/orders"), "origins": origins, "screens": screens });
    let descriptor: SignIn = serde_json::from_value(descriptor).unwrap();
    let patience = Patience { answer: Duration::from_secs(8), settle: Duration::from_secs(2), ..Patience::default() };
    SignInMachine::new(descriptor, captures(), Arc::new(SystemClock)).with_patience(patience)
}

pub(crate) fn captures() -> Vec<Capture> {
    let captures = json!([
        {"kind": "username_password", "fields": [
            {"name": "username", "label": "User"}, {"name": "password", "label": "Password", "secret": true}
        ]},
        {"kind": "cookies", "fields": [{"name": "cookies", "label": "Cookies", "secret": true}]}
    ]);
    serde_json::from_value(captures).unwrap()
}

/// The plain shop's screens.
pub(crate) fn screens() -> Value {
    json!([
        {"name": "signed in", "when": {"url": "/orders", "visible": "#account-menu"}, "means": "signed_in"},
        {"name": "both refused", "when": {"visible": "#error", "text": {"en": "email or password is wrong"}},
         "means": "rejected", "of": ["username", "password"]},
        {"name": "refused", "when": {"visible": "#error", "text": {"en": "password is incorrect", "de": "Passwort ist falsch"}},
         "means": "rejected", "of": "password"},
        {"name": "code refused", "when": {"visible": "#error", "text": "code is wrong"}, "means": "rejected", "of": "otp"},
        {"name": "recovery code refused", "when": {"visible": "#error", "text": "recovery code is used"},
         "means": "rejected", "of": "recovery_code"},
        {"name": "captcha", "when": {"visible": "#captcha"}, "means": "challenge", "kind": "captcha"},
        {"name": "approve", "when": {"text": "approve the notification"}, "means": "approval"},
        {"name": "locked", "when": {"visible": "#locked"}, "means": "locked_out", "until": "#until"},
        {"name": "email", "when": {"visible": "#user", "hidden": "#password"}, "fill": {"#user": "username"}, "submit": "#go"},
        {"name": "all", "when": {"visible": "#user"}, "fill": {"#user": "username", "#password": "password"}, "submit": "#go"},
        {"name": "password", "when": {"visible": "#password"}, "fill": {"#password": "password"}, "submit": "#go"},
        {"name": "code", "when": {"visible": "#otp"}, "fill": {"#otp": "otp"}, "submit": "#go"},
        {"name": "recovery", "when": {"visible": "#recovery"}, "fill": {"#recovery": "recovery_code"}, "submit": "#go"},
        {"name": "other ways", "when": {"visible": "#other-ways"}, "submit": "#other-ways"}
    ])
}

/// A page with a form that is sent to `/sign-in`.
pub(crate) fn form(inside: &str) -> Response {
    Response::page(format!("<form method=post action=/sign-in>{inside}<button id=go>Go</button></form>"))
}

pub(crate) const USER: &str = "<input id=user name=user>";
pub(crate) const PASSWORD: &str = "<input id=password name=password type=password>";

impl Shop {
    fn answer(self, request: &Request) -> Response {
        let is_in = request.cookie.contains("session=in");
        let field = |name: &str| request.form.get(name).map_or("", String::as_str);
        match (request.method.as_str(), request.target.as_str()) {
            (_, "/orders") if is_in => Response::page("<a id=account-menu href=/account>Ann</a><h1>Orders</h1>"),
            (_, "/orders") => Response::see("/sign-in"),
            ("GET", "/sign-in") if self.in_two_steps => form(USER),
            ("GET", "/sign-in") => form(&format!("{USER}{PASSWORD}")),
            ("GET", "/other-ways") => form("<label>A recovery code <input id=recovery name=recovery></label>"),
            ("POST", "/sign-in") if request.form.contains_key("otp") => {
                if Some(field("otp")) == self.code {
                    signed_in()
                } else {
                    self.code_page("<p id=error>The code is wrong.</p>")
                }
            }
            ("POST", "/sign-in") if request.form.contains_key("recovery") => {
                if Some(field("recovery")) == self.recovery_code {
                    signed_in()
                } else {
                    form("<p id=error>This recovery code is used.</p><input id=recovery name=recovery>")
                }
            }
            ("POST", "/sign-in") if !request.form.contains_key("password") => form(PASSWORD),
            ("POST", "/sign-in") if field("password") != "correct" => {
                form(&format!("<p id=error>The password is incorrect.</p>{USER}{PASSWORD}"))
            }
            ("POST", "/sign-in") if self.code.is_some() || self.recovery_code.is_some() => self.code_page(""),
            ("POST", "/sign-in") => signed_in(),
            _ => Response::page("<p>Nothing here.</p>").status(404),
        }
    }

    fn code_page(self, error: &str) -> Response {
        let other = if self.recovery_code.is_some() { "<a id=other-ways href=/other-ways>Another way</a>" } else { "" };
        form(&format!(
            "{error}<p>We sent a code to \u{2022}\u{2022}\u{2022}42.</p><input id=otp name=otp inputmode=numeric>{other}"
        ))
    }
}

pub(crate) fn signed_in() -> Response {
    Response::see("/orders").header("Set-Cookie", "session=in; Path=/")
}

pub(crate) fn record(request: &Request, log: &Log) {
    let field = |name: &str| request.form.get(name).map_or("", String::as_str);
    if request.method == "POST" {
        let line = match (request.form.get("otp"), request.form.get("recovery")) {
            (Some(code), _) => format!("code:{code}"),
            (_, Some(code)) => format!("recovery:{code}"),
            _ => format!("{}|{}", field("user"), field("password")),
        };
        log.lock().unwrap().push(line);
    }
}
