//! Console sessions, re-authentication, API tokens.

use std::net::IpAddr;

use freehold_core::id::{SessionId, TokenId};
use freehold_core::{Problem, ProblemCode, SecretBytes, Timestamp};
use freehold_store::{SessionRow, TokenRow};
use freehold_vault::{token, verify_passphrase};
use jiff::SignedDuration;

use crate::audit::Action;
use crate::caller::{Caller, Permission};
use crate::owner::ShownOnce;
use crate::problem::{bad_input, from_store, not_found};
use crate::server::{Engine, Inner};
use crate::throttle::Who;
use crate::user_agent;
use crate::view::{SessionView, TokenView};

/// How long a session lasts without being used.
const IDLE: SignedDuration = SignedDuration::from_hours(12 * 24);
/// How long the owner need not give the passphrase again.
const REAUTHENTICATED: SignedDuration = SignedDuration::from_mins(10);
/// Not every request is worth a write.
const SEEN_EVERY: SignedDuration = SignedDuration::from_mins(5);

/// A session just begun.
pub struct NewSession {
    /// The cookie's value.
    pub token: ShownOnce,
    /// What it is.
    pub session: SessionView,
}

impl Engine {
    /// Begins a console session for a browser at `address`, if that is known. Wrong passphrase: `unauthenticated`; too many:
    /// `too_many_tries` with the wait in its sentence.
    pub fn sign_in(
        &self,
        passphrase: &SecretBytes,
        user_agent: &str,
        address: Option<IpAddr>,
    ) -> Result<NewSession, Problem> {
        self.0.check_passphrase(passphrase, Who::Stranger(address))?;
        self.0.begin_session(user_agent, address)
    }

    /// Checks the passphrase of whoever is let in already, as the CLI is. Strangers who guess do not make it wait.
    pub fn check_passphrase(&self, passphrase: &SecretBytes) -> Result<(), Problem> {
        self.0.check_passphrase(passphrase, Who::LetIn)
    }

    /// The session a cookie stands for.
    pub fn session(&self, token: &SecretBytes) -> Result<SessionView, Problem> {
        let inner = &self.0;
        let now = inner.now();
        let row = inner.data.session_by_hash(&hash_of(token)).map_err(from_store)?;
        let Some(row) = row.filter(|row| now.duration_since(row.last_seen_at) < IDLE) else {
            return Err(signed_out());
        };
        if now.duration_since(row.last_seen_at) > SEEN_EVERY {
            inner.data.touch_session(row.id, now).map_err(from_store)?;
        }
        Ok(session_view(row, now))
    }

    /// The sessions that can still be used, newest first.
    pub fn sessions(&self, caller: &Caller) -> Result<Vec<SessionView>, Problem> {
        caller.must(Permission::Read)?;
        let now = self.0.now();
        let rows = self.0.data.sessions().map_err(from_store)?;
        Ok(rows
            .into_iter()
            .filter(|row| now.duration_since(row.last_seen_at) < IDLE)
            .map(|row| session_view(row, now))
            .collect())
    }

    /// The owner gave the passphrase again: this session may do everything for ten minutes.
    pub fn reauthenticate(&self, session: SessionId, passphrase: &SecretBytes) -> Result<(), Problem> {
        self.check_passphrase(passphrase)?;
        let until = self.0.now() + REAUTHENTICATED;
        self.0.data.set_session_reauth(session, Some(until)).map_err(from_store)
    }

    /// Ends a session.
    pub fn end_session(&self, session: SessionId) -> Result<(), Problem> {
        self.0.data.delete_session(session).map_err(from_store)?;
        self.0.stages.session_ended(session);
        Ok(())
    }

    /// Signs another browser out, or this one.
    pub fn sign_out_session(&self, caller: &Caller, session: SessionId) -> Result<(), Problem> {
        caller.must(Permission::Reauthenticated)?;
        if !self.0.data.sessions().map_err(from_store)?.iter().any(|row| row.id == session) {
            return Err(not_found("session"));
        }
        self.0.record(&caller.actor(), Action::SessionSignOut, &session.to_string(), &[])?;
        self.end_session(session)
    }

    /// Signs every browser out but the one that asks. Returns how many.
    pub fn sign_out_others(&self, caller: &Caller) -> Result<usize, Problem> {
        caller.must(Permission::Reauthenticated)?;
        let own = match caller {
            Caller::Console { session, .. } => Some(*session),
            Caller::Cli { .. } | Caller::Token { .. } => None,
        };
        let rows = self.0.data.sessions().map_err(from_store)?;
        let others: Vec<SessionId> = rows.into_iter().map(|row| row.id).filter(|id| Some(*id) != own).collect();
        for session in &others {
            self.sign_out_session(caller, *session)?;
        }
        Ok(others.len())
    }

    /// Makes an API token, shown once.
    pub fn create_token(
        &self,
        caller: &Caller,
        name: &str,
        scopes: &[Permission],
    ) -> Result<(TokenView, ShownOnce), Problem> {
        caller.must(Permission::Reauthenticated)?;
        let name = name.trim();
        if name.is_empty() || name.chars().count() > 100 {
            return Err(bad_input(
                "name",
                "The token needs a name.",
                "Give it one of up to 100 characters, for what will use it.",
            ));
        }
        if scopes.is_empty() || scopes.contains(&Permission::Reauthenticated) {
            return Err(bad_input("scopes", "The token needs scopes.", "Choose from read, run, answer, configure, export."));
        }
        let inner = &self.0;
        let (secret, hash) = token::new_token(&*inner.rng);
        let row = TokenRow {
            id: TokenId::new(&*inner.clock, &*inner.rng),
            name: name.to_owned(),
            hash,
            scopes: scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
            created_at: inner.now(),
            last_used_at: None,
            revoked_at: None,
        };
        inner.record(&caller.actor(), Action::TokenCreate, &row.id.to_string(), &[("scopes", &row.scopes.join(" "))])?;
        inner.data.insert_token(row.clone()).map_err(from_store)?;
        Ok((token_view(row), ShownOnce(secret)))
    }

    /// The caller an API token stands for.
    pub fn token_caller(&self, token: &SecretBytes) -> Result<Caller, Problem> {
        let row = self.0.data.token_by_hash(&hash_of(token)).map_err(from_store)?;
        let row = row.filter(|row| row.revoked_at.is_none()).ok_or_else(|| {
            Problem::new(
                ProblemCode::Unauthenticated,
                "This API token is not known.",
                "Make one in Settings, or use `freehold token create`.",
            )
        })?;
        let now = self.0.now();
        if row.last_used_at.is_none_or(|used| now.duration_since(used) > SEEN_EVERY) {
            self.0.data.touch_token(row.id, now).map_err(from_store)?;
        }
        Ok(Caller::Token { token: row.id, scopes: scopes_of(&row) })
    }

    /// The API tokens that are not revoked.
    pub fn tokens(&self, caller: &Caller) -> Result<Vec<TokenView>, Problem> {
        caller.must(Permission::Read)?;
        let rows = self.0.data.tokens().map_err(from_store)?;
        Ok(rows.into_iter().filter(|row| row.revoked_at.is_none()).map(token_view).collect())
    }

    /// Revokes one.
    pub fn revoke_token(&self, caller: &Caller, token: TokenId) -> Result<(), Problem> {
        caller.must(Permission::Reauthenticated)?;
        self.0.record(&caller.actor(), Action::TokenRevoke, &token.to_string(), &[])?;
        self.0.data.revoke_token(token, self.0.now()).map_err(from_store)
    }

    /// Begins the first console session, right after [`Engine::create_owner`] in the same browser, whose passphrase it just took.
    pub fn first_session(&self, user_agent: &str, address: Option<IpAddr>) -> Result<NewSession, Problem> {
        if self.setup_stage()? != crate::view::SetupStage::RecoveryKey {
            return Err(signed_out());
        }
        self.0.begin_session(user_agent, address)
    }
}

impl Inner {
    fn check_passphrase(&self, passphrase: &SecretBytes, who: Who) -> Result<(), Problem> {
        let owner = self.vault_db.owner().map_err(from_store)?.ok_or_else(|| not_found("owner"))?;
        self.passphrase_tries.attempt(who, || {
            if verify_passphrase(passphrase, &owner.passphrase_hash) {
                return Ok(());
            }
            Err(Problem::new(
                ProblemCode::Unauthenticated,
                "That is not the passphrase.",
                "Try again; with the recovery key a new one can be set by `freehold owner reset`.",
            )
            .at("passphrase"))
        })
    }

    fn begin_session(&self, user_agent: &str, address: Option<IpAddr>) -> Result<NewSession, Problem> {
        let (secret, hash) = token::new_token(&*self.rng);
        let now = self.now();
        let row = SessionRow {
            id: SessionId::new(&*self.clock, &*self.rng),
            hash,
            created_at: now,
            last_seen_at: now,
            reauth_until: Some(now + REAUTHENTICATED),
            user_agent: user_agent.chars().take(300).collect(),
            address: address.map(|address| address.to_string()),
        };
        let from: Vec<_> = row.address.iter().map(|address| ("address", address.as_str())).collect();
        self.record(&format!("console:{}", row.id), Action::SessionBegin, &row.id.to_string(), &from)?;
        self.data.insert_session(row.clone()).map_err(from_store)?;
        Ok(NewSession { token: ShownOnce(secret), session: session_view(row, now) })
    }
}

fn signed_out() -> Problem {
    Problem::new(ProblemCode::Unauthenticated, "You are signed out.", "Sign in with your passphrase.")
}

fn session_view(row: SessionRow, now: Timestamp) -> SessionView {
    SessionView {
        id: row.id,
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
        reauthenticated_until: row.reauth_until.filter(|until| *until > now),
        browser: user_agent::in_words(&row.user_agent),
        user_agent: row.user_agent,
        address: row.address,
    }
}

fn scopes_of(row: &TokenRow) -> Vec<Permission> {
    row.scopes.iter().filter_map(|name| Permission::parse_scope(name)).collect()
}

fn token_view(row: TokenRow) -> TokenView {
    TokenView {
        scopes: scopes_of(&row),
        id: row.id,
        name: row.name,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
    }
}

#[expect(clippy::disallowed_methods, reason = "a token is looked up by its hash, and goes no further")]
pub(crate) fn hash_of(token: &SecretBytes) -> [u8; 32] {
    token::hash_token(token.expose())
}
