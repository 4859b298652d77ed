//! Tokens: what programs may do, making one and revoking one.

use askama::Template;
use axum::http::StatusCode;
use freehold_core::Problem;
use freehold_core::id::TokenId;
use freehold_engine::Permission;
use freehold_engine::view::TokenView;

use super::{Filter, Section, about_input};
use crate::admit::Visitor;
use crate::api::{Asked, Named};
use crate::body::FormBody;
use crate::done::Done;
use crate::page::details::give_passphrase;
use crate::page::text::When;
use crate::page::{Frame, Page, go_to_saying, show_with};

#[derive(Template)]
#[template(path = "settings/tokens.html")]
pub(in crate::page) struct TokensPage {
    frame: Frame,
    text: String,
    total: usize,
    tokens: Vec<TokenRow>,
    scopes: Vec<(&'static str, &'static str)>,
    asks_passphrase: bool,
    /// The name of the token just made, and itself.
    made: Option<(String, String)>,
    problem: Option<Problem>,
}

struct TokenRow {
    id: String,
    name: String,
    scopes: String,
    created: When,
    last_used: Option<When>,
}

pub(crate) async fn show_page(visitor: Visitor, Asked(filter): Asked<Filter>) -> Page {
    again(&visitor, filter, None, None).await
}

pub(crate) async fn create(mut visitor: Visitor, mut body: FormBody) -> Page {
    let name = body.text("name").unwrap_or_default().to_owned();
    let scopes: Vec<Permission> = body.texts("scope").into_iter().filter_map(Permission::parse_scope).collect();
    let made = match give_passphrase(&mut visitor, &mut body).await {
        Ok(()) => visitor.ask(move |engine, caller| engine.create_token(caller, &name, &scopes)).await,
        Err(refused) => Err(refused),
    };
    match made {
        Ok((view, token)) => again(&visitor, Filter::default(), Some((view.name, token.reveal().to_owned())), None).await,
        Err(refused) => again(&visitor, Filter::default(), None, Some(about_input(refused)?)).await,
    }
}

pub(crate) async fn revoke(visitor: Visitor, Named(id): Named<TokenId>) -> Page {
    visitor.ask(move |engine, caller| engine.revoke_token(caller, id)).await?;
    go_to_saying(Done::TokenRevoked, Section::Tokens.path())
}

async fn again(visitor: &Visitor, filter: Filter, made: Option<(String, String)>, problem: Option<Problem>) -> Page {
    let tokens = visitor.ask(|engine, caller| engine.tokens(caller)).await?;
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let mut page = page(tokens, filter, !visitor.is_reauthenticated(), made, problem);
    page.frame.tell(visitor);
    Ok(show_with(status, &page))
}

pub(in crate::page) fn page(
    tokens: Vec<TokenView>,
    filter: Filter,
    asks_passphrase: bool,
    made: Option<(String, String)>,
    problem: Option<Problem>,
) -> TokensPage {
    let scopes = |token: &TokenView| token.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ");
    let fits = |token: &TokenView| filter.fits(&[&token.name, &scopes(token)]);
    let row = |token: TokenView| TokenRow {
        id: token.id.to_string(),
        scopes: scopes(&token),
        created: When(token.created_at),
        last_used: token.last_used_at.map(When),
        name: token.name,
    };
    TokensPage {
        frame: Frame::of_settings(Section::Tokens),
        total: tokens.len(),
        tokens: tokens.into_iter().filter(fits).map(row).collect(),
        text: filter.text,
        scopes: Permission::SCOPES.map(|scope| (scope.as_str(), scope_words(scope))).to_vec(),
        asks_passphrase,
        made,
        problem,
    }
}

fn scope_words(scope: Permission) -> &'static str {
    match scope {
        Permission::Read => "See sources, records and runs",
        Permission::Run => "Start and cancel runs, pause and resume",
        Permission::Answer => "Answer codes, challenges and approvals",
        Permission::Configure => "Add and change sources",
        Permission::Export => "Take records out in bulk",
        Permission::Reauthenticated => "",
    }
}
