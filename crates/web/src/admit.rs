//! Who is let in where: one check in front of every route.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use freehold_core::{Problem, ProblemCode, SecretBytes};
use freehold_engine::view::{SessionView, SetupStage};
use freehold_engine::{Caller, Engine, Permission};

use crate::app::App;
use crate::config::{Door, WebConfig};
use crate::done::Done;
use crate::origin::{Client, Site, check_cross_site};
use crate::refused::Refused;
use crate::{cookie, done, page};

/// The header in which the CLI sends the owner's passphrase, in base64, over the Unix socket only.
const PASSPHRASE: &str = "freehold-passphrase";

/// What a route asks of whoever comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anyone who has the address: health, styles and scripts, the sign-in page.
    Anyone,
    /// First start, which is for whoever has the setup code; the handler looks how far it is.
    FirstStart,
    /// A caller known to this server, even before first start is finished.
    AnyCaller,
    /// A caller with this permission, once first start is done. The engine checks again, and more closely.
    Needs(Permission),
    /// The owner in person, in the console or at the terminal, once first start is done; never an API token.
    Owner,
    /// As reading, and this machine itself.
    Metrics,
    /// The CLI's socket alone.
    CliOnly,
}

/// Whether a route is for the console or for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A page: session cookie only, problems as pages.
    Page,
    /// The API: cookie or token, problems as JSON.
    Api,
}

/// The check of one route.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) app: App,
    pub(crate) kind: Kind,
    pub(crate) access: Access,
}

/// Whoever was let in.
#[derive(Clone)]
pub(crate) struct Visitor {
    pub(crate) app: App,
    pub(crate) stage: SetupStage,
    pub(crate) session: Option<SessionView>,
    /// What the visitor is to be told was done.
    pub(crate) done: Option<Done>,
    caller: Option<Caller>,
}

impl Visitor {
    /// Asks the engine in the visitor's name.
    pub(crate) async fn ask<T, F>(&self, work: F) -> Result<T, Refused>
    where
        T: Send + 'static,
        F: FnOnce(&Engine, &Caller) -> Result<T, Problem> + Send + 'static,
    {
        let caller = self.caller.clone().ok_or_else(unknown)?;
        Ok(self.app.ask(move |engine| work(engine, &caller)).await?)
    }

    /// Whether the owner gave the passphrase in the last minutes.
    pub(crate) fn is_reauthenticated(&self) -> bool {
        self.caller.as_ref().is_some_and(|caller| caller.must(Permission::Reauthenticated).is_ok())
    }

    /// The owner gives the passphrase again, in this session.
    pub(crate) async fn reauthenticate(&mut self, passphrase: SecretBytes) -> Result<(), Refused> {
        let session = self.session.as_ref().ok_or_else(unknown)?.id;
        self.app.ask(move |engine| engine.reauthenticate(session, &passphrase)).await?;
        self.caller = Some(Caller::Console { session, reauthenticated: true });
        Ok(())
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Refused> {
        parts.extensions.get::<Visitor>().cloned().ok_or_else(unknown)
    }
}

/// Lets a request through to its route, or refuses it in the route's own way.
pub(crate) async fn admit(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let place = page::error::Place::of(&request);
    let site = request.extensions().get::<Site>().cloned();
    let (mut parts, body) = request.into_parts();
    let mut told = None;
    let response = match identify(&gate, &parts).await {
        Ok(visitor) => {
            told = visitor.done;
            parts.extensions.insert(visitor);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(refused) => refused.into_response(),
    };
    match (gate.kind, site) {
        (Kind::Page, Some(site)) => done::pass_on(page::error::dress(&gate.app, response, place).await, told, &site),
        (Kind::Page | Kind::Api, _) => response,
    }
}

/// What a request shows of who sent it.
enum Credentials {
    Nobody,
    Session(SecretBytes),
    Token(SecretBytes),
    Cli { passphrase: Option<SecretBytes> },
}

async fn identify(gate: &Gate, request: &Parts) -> Result<Visitor, Refused> {
    let credentials = match gate.app.door {
        Door::Tcp => tcp_credentials(gate.kind, request)?,
        Door::Cli => cli_credentials(&gate.app.config, &request.headers)?,
    };
    let (stage, session, caller) = gate
        .app
        .ask(move |engine| {
            let stage = engine.setup_stage()?;
            let (session, caller) = match credentials {
                Credentials::Nobody => (None, None),
                Credentials::Session(token) => match engine.session(&token) {
                    Ok(session) => {
                        let reauthenticated = session.reauthenticated_until.is_some_and(|until| engine.now() < until);
                        let caller = Caller::Console { session: session.id, reauthenticated };
                        (Some(session), Some(caller))
                    }
                    // A cookie from an ended session is no mistake of anyone's: the visitor is simply not signed in.
                    Err(problem) if problem.code == ProblemCode::Unauthenticated => (None, None),
                    Err(problem) => return Err(problem),
                },
                Credentials::Token(token) => (None, Some(engine.token_caller(&token)?)),
                Credentials::Cli { passphrase } => {
                    let reauthenticated = match passphrase {
                        Some(passphrase) => engine.check_passphrase(&passphrase).map(|()| true)?,
                        None => false,
                    };
                    (None, Some(Caller::Cli { reauthenticated }))
                }
            };
            Ok((stage, session, caller))
        })
        .await?;
    let is_here = request.extensions.get::<Client>().is_some_and(|client| client.is_here);
    check(gate.access, stage, caller.as_ref(), is_here)?;
    let done = match (gate.kind, request.extensions.get::<Site>()) {
        (Kind::Page, Some(site)) if request.method == Method::GET => Done::of(site, &request.headers),
        _ => None,
    };
    Ok(Visitor { app: gate.app.clone(), stage, session, done, caller })
}

/// The whole rule of who is let in where.
fn check(access: Access, stage: SetupStage, caller: Option<&Caller>, is_local: bool) -> Result<(), Refused> {
    let needed = match access {
        Access::Anyone | Access::FirstStart => return Ok(()),
        Access::AnyCaller => return caller.map(|_| ()).ok_or_else(unknown),
        Access::CliOnly => {
            return match caller {
                Some(Caller::Cli { .. }) => Ok(()),
                _ => {
                    Err(Refused::new(ProblemCode::Forbidden, "Only the CLI can do this.", "Run it on the server's machine."))
                }
            };
        }
        Access::Metrics if is_local => return Ok(()),
        Access::Metrics => Permission::Read,
        Access::Needs(permission) => permission,
        Access::Owner if matches!(caller, Some(Caller::Token { .. })) => Permission::Reauthenticated,
        Access::Owner => Permission::Read,
    };
    if stage != SetupStage::Done {
        return Err(Refused::new(
            ProblemCode::NotSetUp,
            "Freehold is not set up yet.",
            "Open its first page and follow the steps, or run `freehold init`.",
        ));
    }
    Ok(caller.ok_or_else(unknown)?.must(needed)?)
}

fn tcp_credentials(kind: Kind, request: &Parts) -> Result<Credentials, Refused> {
    let headers = &request.headers;
    if headers.contains_key(PASSPHRASE) {
        return Err(Refused::new(
            ProblemCode::Forbidden,
            "The passphrase is not taken in a header here.",
            "Sign in on the console, or use the CLI on this machine.",
        ));
    }
    let site = request.extensions.get::<Site>().ok_or_else(unknown)?;
    check_cross_site(site, &request.method, headers)?;
    if kind == Kind::Api && headers.contains_key(header::AUTHORIZATION) {
        return Ok(Credentials::Token(SecretBytes::new(bearer(headers)?.to_vec())));
    }
    Ok(cookie::session(site, headers).map_or(Credentials::Nobody, Credentials::Session))
}

fn cli_credentials(config: &WebConfig, headers: &HeaderMap) -> Result<Credentials, Refused> {
    // Comparing hashes tells an attacker nothing by its time: the hash of a guess cannot be steered.
    if WebConfig::hash_token(bearer(headers)?) != config.cli_token_hash {
        return Err(unknown());
    }
    let passphrase = match headers.get(PASSPHRASE) {
        None => None,
        Some(value) => Some(SecretBytes::new(BASE64.decode(value.as_bytes()).map_err(|_| {
            Refused::new(
                ProblemCode::BadInput,
                "The passphrase header is not base64.",
                "Use the CLI that came with this server.",
            )
        })?)),
    };
    Ok(Credentials::Cli { passphrase })
}

/// The token of `Authorization: Bearer …` (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Result<&[u8], Refused> {
    let value = headers.get(header::AUTHORIZATION).ok_or_else(unknown)?.as_bytes();
    match value.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty() => Ok(token),
        _ => Err(unknown()),
    }
}

fn unknown() -> Refused {
    Refused::new(ProblemCode::Unauthenticated, "You are not signed in.", "Sign in, or send a valid token.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_first_start_is_done_nothing_else_is_reachable() {
        let cli = Caller::Cli { reauthenticated: true };
        for stage in [SetupStage::Owner, SetupStage::RecoveryKey] {
            for permission in Permission::SCOPES.into_iter().chain([Permission::Reauthenticated]) {
                let refused = check(Access::Needs(permission), stage, Some(&cli), true).expect_err("not set up");
                assert_eq!(refused.0.code, ProblemCode::NotSetUp);
            }
        }
        assert!(check(Access::Needs(Permission::Read), SetupStage::Done, Some(&cli), false).is_ok());
    }

    #[test]
    fn nobody_gets_nothing_and_loopback_only_the_metrics() {
        assert!(check(Access::Needs(Permission::Read), SetupStage::Done, None, true).is_err());
        assert!(check(Access::AnyCaller, SetupStage::RecoveryKey, None, true).is_err());
        assert!(check(Access::Metrics, SetupStage::Done, None, false).is_err());
        assert!(check(Access::Metrics, SetupStage::Done, None, true).is_ok());
    }
}
