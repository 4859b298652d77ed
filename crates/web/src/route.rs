//! Every address of this server, in one table. The router is built from it, and the tests walk it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use freehold_core::ProblemCode;
use freehold_engine::{Engine, Permission};

use crate::admit::{Access, Gate, Kind, admit};
use crate::api::{
    answers, backups, credentials, events, health, live, notifications, receipts, records, removed, runs, search, sessions,
    setup, sources, streams, tls, tokens, vault,
};
use crate::app::App;
use crate::config::{Door, WebConfig};
use crate::page::error::Place;
use crate::refused::Refused;
use crate::{asset, headers, origin, page};

/// How long a request may take to be answered. Streams and downloads begin within it and go on after it.
const PATIENCE: Duration = Duration::from_secs(30);

/// One address and method.
pub(crate) struct Route {
    #[cfg_attr(not(test), expect(dead_code, reason = "the handler knows it; the walk through all routes has to be told"))]
    pub(crate) method: MethodFilter,
    pub(crate) path: &'static str,
    pub(crate) kind: Kind,
    pub(crate) access: Access,
    handler: MethodRouter<App>,
}

/// The router for one door: console and API on the network, the API alone on the CLI's socket.
pub fn router(engine: Engine, config: WebConfig, door: Door) -> Router {
    let app = App { engine, config: Arc::new(config), door };
    let routes = table().into_iter().filter(|route| door == Door::Tcp || route.kind == Kind::Api);
    let router = routes.fold(Router::new(), |router, route| {
        let gate = Gate { app: app.clone(), kind: route.kind, access: route.access };
        router.route(route.path, route.handler.layer(middleware::from_fn_with_state(gate, admit)))
    });
    router
        .fallback(nowhere)
        .method_not_allowed_fallback(nowhere)
        .layer(middleware::from_fn_with_state(app.clone(), within_patience))
        .layer(middleware::from_fn_with_state(app.clone(), origin::check_host))
        .layer(middleware::map_response(headers::add))
        .with_state(app)
}

/// Answers what no route does, in the way of the place.
async fn nowhere(State(app): State<App>, request: Request) -> Response {
    let place = Place::of(&request);
    page::error::refuse(&app, place, Refused::not_found()).await
}

async fn within_patience(State(app): State<App>, request: Request, next: Next) -> Response {
    let place = Place::of(&request);
    match tokio::time::timeout(PATIENCE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let late = Refused::new(ProblemCode::Internal, "This took too long.", "Try again in a while.");
            page::error::refuse(&app, place, late).await
        }
    }
}

fn route<H, T>(method: MethodFilter, path: &'static str, kind: Kind, access: Access, handler: H) -> Route
where
    H: Handler<T, App>,
    T: 'static,
{
    Route { method, path, kind, access, handler: on(method, handler) }
}

/// Every address.
pub(crate) fn table() -> Vec<Route> {
    let mut routes = api();
    routes.extend(pages());
    // What the pages are made of, for whoever works on them; not in a release.
    #[cfg(debug_assertions)]
    routes.push(route(MethodFilter::GET, "/design", Kind::Page, Access::Anyone, page::design::show_page));
    routes
}

#[rustfmt::skip]
fn api() -> Vec<Route> {
    use Access::{Anyone, AnyCaller, CliOnly, FirstStart, Metrics, Needs, Owner};
    use Permission::{Answer, Configure, Read, Reauthenticated, Run};
    const GET: MethodFilter = MethodFilter::GET;
    const POST: MethodFilter = MethodFilter::POST;
    const PUT: MethodFilter = MethodFilter::PUT;
    const PATCH: MethodFilter = MethodFilter::PATCH;
    const DELETE: MethodFilter = MethodFilter::DELETE;
    fn api<H: Handler<T, App>, T: 'static>(method: MethodFilter, path: &'static str, access: Access, handler: H) -> Route {
        route(method, path, Kind::Api, access, handler)
    }
    vec![
        api(GET, "/healthz", Anyone, health::alive),
        api(GET, "/readyz", Anyone, health::ready),
        api(GET, "/metrics", Metrics, health::metrics),

        api(GET, "/api/v1/setup", FirstStart, setup::show),
        api(POST, "/api/v1/setup/owner", FirstStart, setup::create_owner),
        api(POST, "/api/v1/setup/recovery-key", AnyCaller, setup::confirm_recovery_key),
        api(POST, "/api/v1/setup/reset-passphrase", CliOnly, setup::reset_passphrase),

        api(GET, "/api/v1/connectors", Needs(Read), sources::connectors),
        api(GET, "/api/v1/connectors/{name}", Needs(Read), sources::connector),
        api(GET, "/api/v1/connectors/{name}/proof", Needs(Read), sources::proof),
        api(POST, "/api/v1/connectors/{name}/proof", Needs(Configure), sources::prove),
        api(GET, "/api/v1/sources", Needs(Read), sources::list),
        api(POST, "/api/v1/sources", Needs(Configure), sources::add),
        api(GET, "/api/v1/sources/{id}", Needs(Read), sources::show),
        api(PATCH, "/api/v1/sources/{id}", Needs(Configure), sources::change),
        api(DELETE, "/api/v1/sources/{id}", Needs(Reauthenticated), sources::remove),
        api(POST, "/api/v1/sources/{id}/pause", Needs(Run), sources::pause),
        api(POST, "/api/v1/sources/{id}/resume", Needs(Run), sources::resume),
        api(POST, "/api/v1/sources/{id}/run", Needs(Run), sources::run),
        api(POST, "/api/v1/sources/{id}/wipe", Needs(Run), receipts::wipe),
        api(POST, "/api/v1/sources/{id}/sign-out", Needs(Reauthenticated), sources::sign_out),
        api(PUT, "/api/v1/sources/{id}/credential", Needs(Reauthenticated), credentials::save),
        api(DELETE, "/api/v1/sources/{id}/credential", Needs(Reauthenticated), credentials::forget),
        api(POST, "/api/v1/sources/{id}/credential/try-again", Needs(Run), credentials::try_again),

        api(POST, "/api/v1/sources/{id}/credential/trust-codes", Needs(Reauthenticated), credentials::trust_codes),

        api(GET, "/api/v1/sources/{id}/runs", Needs(Read), runs::list),
        api(GET, "/api/v1/runs/{id}", Needs(Read), runs::show),
        api(GET, "/api/v1/runs/{id}/timeline", Needs(Read), runs::timeline),
        api(GET, "/api/v1/runs/{id}/rejected", Needs(Read), runs::rejected),
        api(GET, "/api/v1/runs/{id}/log", Needs(Read), runs::log),
        api(POST, "/api/v1/runs/{id}/cancel", Needs(Run), runs::cancel),

        api(GET, "/api/v1/receipts", Needs(Read), receipts::list),
        api(GET, "/api/v1/receipts/{id}", Needs(Read), receipts::show),
        api(GET, "/api/v1/sources/{id}/receipts", Needs(Read), receipts::of_source),

        api(GET, "/api/v1/interactions", Needs(Read), answers::list),
        api(GET, "/api/v1/interactions/{id}", Needs(Read), answers::show),
        api(POST, "/api/v1/interactions/{id}/answer", Needs(Answer), answers::answer),
        api(POST, "/api/v1/interactions/{id}/live", Owner, live::ticket),
        api(GET, "/api/v1/interactions/{id}/live/files/{file}", Owner, live::saved),
        api(GET, "/api/v1/live", Owner, live::socket),

        api(GET, "/api/v1/search", Needs(Read), search::list),
        api(GET, "/api/v1/sources/{id}/streams/{stream}", Needs(Read), streams::show),
        api(DELETE, "/api/v1/sources/{id}/streams/{stream}", Needs(Reauthenticated), streams::delete),
        api(POST, "/api/v1/sources/{id}/streams/{stream}/take-in", Needs(Configure), streams::take_in),
        api(GET, "/api/v1/sources/{id}/streams/{stream}/records", Needs(Read), records::list),
        api(GET, "/api/v1/sources/{id}/streams/{stream}/counts", Needs(Read), records::counts),
        api(GET, "/api/v1/sources/{id}/streams/{stream}/export", Needs(Read), records::export),
        api(GET, "/api/v1/sources/{id}/streams/{stream}/records/{key}", Needs(Read), records::show),
        api(GET, "/api/v1/sources/{id}/streams/{stream}/records/{key}/versions", Needs(Read), records::versions),
        api(GET, "/api/v1/sources/{id}/blobs/{sha256}", Needs(Read), records::blob),

        api(GET, "/api/v1/removed-sources", Needs(Read), removed::list),
        api(DELETE, "/api/v1/removed-sources/{id}", Needs(Reauthenticated), removed::delete),

        api(GET, "/api/v1/vault", Needs(Read), vault::show),
        api(POST, "/api/v1/vault/unlock", Needs(Reauthenticated), vault::unlock),
        api(POST, "/api/v1/vault/lock", Needs(Configure), vault::lock),
        api(PUT, "/api/v1/vault/passphrase", Needs(Reauthenticated), vault::set_passphrase),
        api(DELETE, "/api/v1/vault/passphrase", Needs(Reauthenticated), vault::remove_passphrase),
        api(POST, "/api/v1/vault/key-file", Needs(Reauthenticated), vault::add_key_file),
        api(DELETE, "/api/v1/vault/key-file", Needs(Reauthenticated), vault::remove_key_file),
        api(POST, "/api/v1/vault/recovery-key", Needs(Reauthenticated), vault::new_recovery_key),
        api(POST, "/api/v1/vault/recovery-key/confirm", Needs(Reauthenticated), vault::confirm_recovery_key),
        api(POST, "/api/v1/owner/passphrase", Owner, setup::change_passphrase),
        api(GET, "/api/v1/backups", Needs(Read), backups::list),
        api(POST, "/api/v1/backups", Needs(Reauthenticated), backups::begin),
        api(PUT, "/api/v1/backups/plan", Needs(Reauthenticated), backups::plan),
        api(DELETE, "/api/v1/backups/plan", Needs(Reauthenticated), backups::end_plan),
        api(GET, "/api/v1/backups/{id}/file", Needs(Reauthenticated), backups::file),
        api(GET, "/api/v1/audit", Needs(Read), vault::audit),
        api(POST, "/api/v1/audit/verify", Needs(Read), vault::verify),
        api(GET, "/api/v1/tokens", Needs(Read), tokens::list),
        api(POST, "/api/v1/tokens", Needs(Reauthenticated), tokens::create),
        api(DELETE, "/api/v1/tokens/{id}", Needs(Reauthenticated), tokens::revoke),
        api(GET, "/api/v1/sessions", Needs(Read), sessions::list),
        api(DELETE, "/api/v1/sessions/{id}", Needs(Reauthenticated), sessions::sign_out),
        api(POST, "/api/v1/sessions/sign-out-others", Needs(Reauthenticated), sessions::sign_out_others),

        api(GET, "/api/v1/tls", AnyCaller, tls::show),
        api(GET, "/api/v1/notifications", Needs(Read), notifications::show),
        api(POST, "/api/v1/notifications/channels", Needs(Reauthenticated), notifications::add),
        api(PUT, "/api/v1/notifications/channels/{id}", Needs(Reauthenticated), notifications::replace),
        api(DELETE, "/api/v1/notifications/channels/{id}", Needs(Reauthenticated), notifications::remove),
        api(POST, "/api/v1/notifications/channels/{id}/test", Needs(Configure), notifications::test),
        api(PUT, "/api/v1/notifications/quiet-hours", Needs(Configure), notifications::set_quiet),
        api(DELETE, "/api/v1/notifications/quiet-hours", Needs(Configure), notifications::end_quiet),

        api(GET, "/api/v1/events", Needs(Read), events::stream),
    ]
}

#[rustfmt::skip]
fn pages() -> Vec<Route> {
    use Access::{Anyone, AnyCaller, FirstStart, Needs};
    use Permission::{Answer, Configure, Read, Reauthenticated, Run};
    const GET: MethodFilter = MethodFilter::GET;
    const POST: MethodFilter = MethodFilter::POST;
    fn page<H: Handler<T, App>, T: 'static>(method: MethodFilter, path: &'static str, access: Access, handler: H) -> Route {
        route(method, path, Kind::Page, access, handler)
    }
    // A form that takes the passphrase along with the rest needs only what its page needs; the engine asks for the passphrase.
    vec![
        page(GET, "/assets/{name}", Anyone, asset::show),
        page(GET, "/assets/{set}/{name}", Anyone, asset::show_module),

        page(GET, "/start", FirstStart, page::start::show_step),
        page(POST, "/start", FirstStart, page::start::create_owner),
        page(POST, "/start/recovery-key", AnyCaller, page::start::confirm_recovery_key),
        page(POST, "/start/new-recovery-key", AnyCaller, page::start::renew_recovery_key),
        page(GET, "/sign-in", Anyone, page::sign_in::show_form),
        page(POST, "/sign-in", Anyone, page::sign_in::sign_in),
        page(POST, "/sign-out", AnyCaller, page::sign_in::sign_out),
        page(GET, "/reauthenticate", AnyCaller, page::sign_in::show_again),
        page(POST, "/reauthenticate", AnyCaller, page::sign_in::reauthenticate),

        page(GET, "/", Needs(Read), page::home::show_page),
        page(GET, "/sources/add", Needs(Read), page::add::choose),
        page(GET, "/sources/add/{connector}", Needs(Read), page::add::show_form),
        page(POST, "/sources/add/{connector}", Needs(Configure), page::add::add),

        page(GET, "/sources/{id}", Needs(Read), page::source::show_page),
        page(POST, "/sources/{id}/run", Needs(Run), page::source::run),
        page(GET, "/sources/{id}/collect", Needs(Read), page::collect::show_page),
        page(POST, "/sources/{id}/collect", Needs(Run), page::collect::collect),
        page(GET, "/sources/{id}/left", Needs(Read), page::receipt::show_left),
        page(POST, "/sources/{id}/wipe", Needs(Run), page::receipt::wipe),
        page(POST, "/sources/{id}/pause", Needs(Run), page::source::pause),
        page(POST, "/sources/{id}/resume", Needs(Run), page::source::resume),
        page(POST, "/sources/{id}/try-again", Needs(Run), page::source::try_again),
        page(POST, "/sources/{id}/sign-out", Needs(Reauthenticated), page::source::sign_out),
        page(GET, "/sources/{id}/setup", Needs(Read), page::setup::show_page),
        page(GET, "/sources/{id}/sign-in-details", Needs(Read), page::details::show_page),
        page(POST, "/sources/{id}/sign-in-details", Needs(Configure), page::details::save),
        page(POST, "/sources/{id}/sign-in-details/forget", Needs(Configure), page::details::forget),
        page(POST, "/sources/{id}/sign-in-details/trust-codes", Needs(Configure), page::details::trust_codes),
        page(GET, "/sources/{id}/change", Needs(Read), page::change::show_page),
        page(POST, "/sources/{id}/change", Needs(Configure), page::change::save),
        page(GET, "/sources/{id}/remove", Needs(Read), page::remove::show_page),
        page(POST, "/sources/{id}/remove", Needs(Configure), page::remove::remove),
        page(GET, "/sources/{id}/runs", Needs(Read), page::runs::show_page),
        page(GET, "/sources/{id}/runs/{run}", Needs(Read), page::run::show_page),
        page(POST, "/sources/{id}/runs/{run}/cancel", Needs(Run), page::run::cancel),
        page(GET, "/sources/{id}/streams/{stream}", Needs(Read), page::records::show_page),
        page(GET, "/sources/{id}/streams/{stream}/{key}", Needs(Read), page::record::show_page),
        page(GET, "/sources/{id}/exports/{stream}", Needs(Read), records::export),
        page(GET, "/sources/{id}/delete-stream/{stream}", Needs(Read), page::delete_stream::show_page),
        page(POST, "/sources/{id}/delete-stream/{stream}", Needs(Configure), page::delete_stream::delete),
        page(POST, "/sources/{id}/take-in/{stream}", Needs(Configure), page::delete_stream::take_in),
        page(GET, "/sources/{id}/blobs/{sha256}", Needs(Read), records::blob),

        page(GET, "/removed-sources", Needs(Read), page::settings::removed::show_page),
        page(GET, "/search", Needs(Read), page::search::show_page),
        page(GET, "/removed-sources/{id}", Needs(Read), page::removed::show_page),
        page(POST, "/removed-sources/{id}", Needs(Configure), page::removed::delete),

        page(GET, "/receipts", Needs(Read), page::receipt::show_list),
        page(GET, "/receipts/{id}", Needs(Read), page::receipt::show_page),

        page(GET, "/interactions/{id}", Needs(Read), page::interaction::show_page),
        page(POST, "/interactions/{id}", Needs(Answer), page::interaction::answer),

        page(GET, "/connectors", Needs(Read), page::settings::connectors::show_page),
        page(GET, "/connectors/{name}", Needs(Read), page::connector::show_page),

        page(GET, "/help", Needs(Read), page::help::show_index),
        page(GET, "/help/signing-in", Needs(Read), page::help::show_signing_in),
        page(GET, "/help/what-is-kept", Needs(Read), page::help::show_what_is_kept),
        page(GET, "/help/trouble", Needs(Read), page::help::show_trouble),

        page(GET, "/settings", Needs(Read), page::settings::show_page),
        page(GET, "/settings/vault", Needs(Read), page::settings::vault::show_page),
        page(POST, "/settings/vault/unlock", Needs(Read), page::settings::vault::unlock),
        page(POST, "/settings/vault/lock", Needs(Configure), page::settings::vault::lock),
        page(POST, "/settings/vault/passphrase", Needs(Read), page::settings::vault::set_passphrase),
        page(POST, "/settings/vault/passphrase/remove", Needs(Read), page::settings::vault::remove_passphrase),
        page(POST, "/settings/vault/key-file", Needs(Read), page::settings::vault::add_key_file),
        page(POST, "/settings/vault/key-file/remove", Needs(Read), page::settings::vault::remove_key_file),
        page(POST, "/settings/vault/recovery-key", Needs(Read), page::settings::vault::new_recovery_key),
        page(GET, "/settings/vault/recovery-key", Needs(Read), page::settings::vault::show_confirm),
        page(POST, "/settings/vault/recovery-key/confirm", Needs(Read), page::settings::vault::confirm_recovery_key),
        page(GET, "/settings/passphrase", Needs(Read), page::settings::passphrase::show_page),
        page(POST, "/settings/passphrase", Needs(Read), page::settings::passphrase::change),
        page(GET, "/settings/backup", Needs(Read), page::settings::backup::show_page),
        page(POST, "/settings/backup", Needs(Read), page::settings::backup::begin),
        page(POST, "/settings/backup/plan", Needs(Read), page::settings::backup::plan),
        page(POST, "/settings/backup/plan/end", Needs(Read), page::settings::backup::end_plan),
        page(GET, "/settings/backup/{id}/file", Needs(Reauthenticated), backups::file),
        page(GET, "/settings/sessions", Needs(Read), page::settings::sessions::show_page),
        page(GET, "/settings/tokens", Needs(Read), page::settings::tokens::show_page),
        page(POST, "/settings/tokens", Needs(Read), page::settings::tokens::create),
        page(POST, "/settings/tokens/{id}/revoke", Needs(Reauthenticated), page::settings::tokens::revoke),
        page(GET, "/settings/certificate", Needs(Read), page::settings::certificate::show_page),
        page(GET, page::settings::certificate::FILE, Anyone, page::settings::certificate::file),
        page(GET, "/settings/audit", Needs(Read), page::settings::audit::show_page),
        page(POST, "/settings/audit/verify", Needs(Read), page::settings::audit::verify),
        page(POST, "/settings/sessions/sign-out-others", Needs(Reauthenticated), page::settings::sessions::sign_out_others),
        page(POST, "/settings/sessions/{id}/sign-out", Needs(Reauthenticated), page::settings::sessions::sign_out),
        page(GET, "/settings/notifications", Needs(Read), page::settings::notifications::show_page),
        page(POST, "/settings/notifications/quiet-hours", Needs(Configure), page::settings::notifications::set_quiet),
        page(GET, "/settings/notifications/add/{kind}", Needs(Read), page::settings::notifications::show_new),
        page(POST, "/settings/notifications/add/{kind}", Needs(Configure), page::settings::notifications::add),
        page(GET, "/settings/notifications/channels/{id}", Needs(Read), page::settings::notifications::show_channel),
        page(POST, "/settings/notifications/channels/{id}", Needs(Configure), page::settings::notifications::replace),
        page(POST, "/settings/notifications/channels/{id}/remove", Needs(Reauthenticated), page::settings::notifications::remove),
        page(POST, "/settings/notifications/channels/{id}/test", Needs(Configure), page::settings::notifications::test),
    ]
}

#[cfg(test)]
mod forms;
#[cfg(test)]
mod proxied;
#[cfg(test)]
mod signed_out;
#[cfg(test)]
mod walk;
