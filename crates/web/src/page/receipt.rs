//! Receipts: what there was, what is gone, what was looked at afterwards, and what that cannot show. Made to be kept, on paper too.

use askama::Template;
use freehold_core::receipt::{Looked, Receipt, ReceiptKind};
use freehold_core::{Problem, ProblemCode, ReceiptId, SecretKind, SourceId};
use freehold_engine::view::{CollectedView, ConnectorView, ReceiptView};
use freehold_engine::{Caller, Engine};

use super::settings::{Filter, Section};
use super::text::{When, bytes, count, counted, words};
use super::{Frame, Page, Under, go_to, show, url};
use crate::admit::Visitor;
use crate::api::{Asked, Named};
use crate::refused::Refused;
use crate::status::Sign;

/// As many as the engine gives at once.
const ALL: u32 = 200;
/// Digits of a folder's digest that tell it from another's.
const DIGEST: usize = 16;

#[derive(Template)]
#[template(path = "receipt.html")]
pub(super) struct ReceiptPage {
    pub(super) frame: Frame,
    receipt: Receipt,
    title: &'static str,
    sentence: String,
    session: &'static str,
    sign: Sign,
    at: When,
    /// Its source's page, or what is left of it.
    source: Option<String>,
    connector: String,
    /// Which connector exactly: its version where that is installed still, and the digest of its folder.
    exactly: Option<String>,
    run: Option<String>,
    found: Vec<(&'static str, String)>,
    removed: String,
    looked: Vec<LookedRow>,
    /// A later look at the same run.
    newer: Option<String>,
    /// Where looking once more is asked for, of a run whose wipe is not verified.
    again: Option<String>,
}

struct LookedRow {
    place: String,
    items: String,
    unreadable: Option<String>,
}

#[derive(Template)]
#[template(path = "receipts.html")]
pub(super) struct ReceiptsPage {
    pub(super) frame: Frame,
    text: String,
    total: usize,
    receipts: Vec<ReceiptRow>,
    is_filtered: bool,
}

/// A receipt in a list.
pub(super) struct ReceiptRow {
    pub(super) url: String,
    pub(super) at: When,
    pub(super) what: &'static str,
    pub(super) source: String,
    pub(super) sign: Sign,
}

/// What a receipt's page is made of.
pub(super) struct Facts {
    pub(super) view: ReceiptView,
    /// Its source, or what is left of it.
    pub(super) of: Option<CollectedView>,
    /// Its connector, where that is still there.
    pub(super) connector: Option<ConnectorView>,
}

pub(crate) async fn show_list(visitor: Visitor, Asked(filter): Asked<Filter>) -> Page {
    let receipts = visitor.ask(|engine, caller| engine.receipts(caller, None, ALL)).await?;
    Ok(show(&list_page(&receipts, filter)))
}

pub(super) fn list_page(receipts: &[ReceiptView], filter: Filter) -> ReceiptsPage {
    let fits = |row: &ReceiptRow| filter.fits(&[&row.source, row.what]);
    ReceiptsPage {
        frame: Frame::of_settings(Section::Receipts),
        is_filtered: !filter.text.is_empty(),
        total: receipts.len(),
        receipts: receipts.iter().map(row).filter(fits).collect(),
        text: filter.text,
    }
}

pub(super) fn row(view: &ReceiptView) -> ReceiptRow {
    ReceiptRow {
        url: address(view.receipt.id),
        at: When(view.receipt.at),
        what: title(view.receipt.kind, view.verified),
        source: view.receipt.source_name.clone(),
        sign: sign(view),
    }
}

pub(crate) async fn show_page(visitor: Visitor, Named(id): Named<ReceiptId>) -> Page {
    let facts = visitor
        .ask(move |engine, caller| {
            let view = engine.receipt(caller, id)?;
            let of = there(engine.collected(caller, view.receipt.source))?;
            let connector = engine.connector(&view.receipt.connector).ok();
            Ok(Facts { view, of, connector })
        })
        .await?;
    Ok(show(&page(facts)))
}

/// What is there, or nothing where it is not any more.
fn there<T>(found: Result<T, Problem>) -> Result<Option<T>, Problem> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(problem) if problem.code == ProblemCode::NotFound => Ok(None),
        Err(problem) => Err(problem),
    }
}

pub(super) fn page(facts: Facts) -> ReceiptPage {
    let Facts { view, of, connector } = facts;
    let sign = sign(&view);
    let ReceiptView { receipt, verified, sentence, session, superseded } = view;
    let is_of_run = receipt.kind == ReceiptKind::Wipe;
    let live = of.as_ref().is_some_and(|source| !source.removed);
    ReceiptPage {
        frame: Frame::new(format!("Receipt: {}", receipt.source_name), Under::Settings),
        title: title(receipt.kind, verified),
        sign,
        at: When(receipt.at),
        connector: connector.as_ref().map_or_else(|| receipt.connector.to_string(), |is| is.display_name.clone()),
        exactly: exactly(&receipt, connector.as_ref()),
        // A removed source's runs have no page any more.
        run: receipt.run.filter(|_| live).map(|run| format!("/sources/{}/runs/{run}", receipt.source)),
        found: found(&receipt),
        removed: removed(&receipt, verified),
        looked: receipt.looked_at.iter().map(looked).collect(),
        newer: superseded.map(address),
        again: (!verified && is_of_run && live && superseded.is_none()).then(|| format!("/sources/{}/wipe", receipt.source)),
        source: of.as_ref().map(url::collected),
        sentence,
        session,
        receipt,
    }
}

/// The page of a receipt.
pub(super) fn address(id: ReceiptId) -> String {
    format!("/receipts/{id}")
}

fn title(kind: ReceiptKind, verified: bool) -> &'static str {
    match kind {
        ReceiptKind::Wipe if verified => "A run was wiped",
        ReceiptKind::Wipe => "A run could not be wiped whole",
        ReceiptKind::SignOut => "The browser was signed out",
        ReceiptKind::Forget => "Sign-in details were forgotten",
        ReceiptKind::ChangeMode => "The way to sign in was changed",
        ReceiptKind::Remove => "The source was removed",
    }
}

fn sign(view: &ReceiptView) -> Sign {
    match (view.verified, view.superseded) {
        (true, _) => Sign { word: "Verified", shape: "fresh" },
        (false, Some(_)) => Sign { word: "Looked at again later", shape: "due" },
        (false, None) => Sign { word: "Something is left", shape: "broken" },
    }
}

fn exactly(receipt: &Receipt, connector: Option<&ConnectorView>) -> Option<String> {
    let digest = receipt.connector_digest.as_ref()?;
    let short = digest.get(..DIGEST).unwrap_or(digest);
    let installed = connector.filter(|connector| connector.digest == *digest);
    let version = installed.map(|connector| format!("version {}, ", connector.version));
    Some(format!("{}folder {short}", version.unwrap_or_default()))
}

fn found(receipt: &Receipt) -> Vec<(&'static str, String)> {
    let holdings = &receipt.found;
    let is_of_run = receipt.kind == ReceiptKind::Wipe;
    let files = match holdings.files {
        0 => "none".to_owned(),
        files => format!("{} ({})", count(files), bytes(holdings.bytes)),
    };
    let secrets: Vec<String> = holdings.secrets.iter().map(|kind| secret_words(kind)).collect();
    let secrets = if secrets.is_empty() { "none".to_owned() } else { secrets.join(", ") };
    let mut rows = vec![("Files", files)];
    if is_of_run {
        rows.push(("Programs at work", if holdings.processes == 0 { "none".to_owned() } else { count(holdings.processes) }));
        rows.push(("Details given", secrets));
    } else {
        rows.push(("Secrets", secrets));
    }
    rows
}

/// A kind of secret, or of key, in words.
fn secret_words(kind: &str) -> String {
    match (SecretKind::parse(kind), kind) {
        (Some(known), _) => known.label().to_owned(),
        (None, "profile_key") => "the key of the browser profile".to_owned(),
        (None, "secrets_key") => "the key of the sign-in details".to_owned(),
        (None, other) => words(other),
    }
}

fn removed(receipt: &Receipt, verified: bool) -> String {
    let there_was = receipt.found.files > 0 || receipt.found.processes > 0 || !receipt.found.secrets.is_empty();
    match (verified, there_was, receipt.tries) {
        (true, false, _) => "There was nothing to remove.".to_owned(),
        (true, true, 1) => "All of it.".to_owned(),
        (true, true, tries) => format!("All of it, after looking {}.", counted(tries.into(), "time", "times")),
        (false, ..) => "All but what is left.".to_owned(),
    }
}

fn looked(looked: &Looked) -> LookedRow {
    LookedRow {
        place: match looked.surface.as_str() {
            "directories" => "The run's directory".to_owned(),
            "mounts" => "What is mounted".to_owned(),
            "processes" => "Programs that are running, with their arguments, variables and open files".to_owned(),
            "secrets" => "Keys and sealed details of this source in the vault".to_owned(),
            "profiles" => "Places of the sealed browser profile".to_owned(),
            "memory" => "What the server itself holds for this run".to_owned(),
            other => words(other),
        },
        items: count(looked.items),
        unreadable: (looked.unreadable > 0).then(|| count(looked.unreadable)),
    }
}

/// Leads to the receipt of the run that left something, or to the run where its wipe did not come that far.
pub(crate) async fn show_left(visitor: Visitor, Named(id): Named<SourceId>) -> Page {
    let last = visitor
        .ask(move |engine, caller| {
            let last = engine.source(caller, id)?.last_run;
            last.map(|run| engine.run(caller, run)).transpose()
        })
        .await?;
    match last {
        Some(run) => go_to(&run.receipt.map_or_else(|| format!("/sources/{id}/runs/{}", run.id), address)),
        None => go_to(&format!("/sources/{id}")),
    }
}

pub(crate) async fn wipe(visitor: Visitor, Named(id): Named<SourceId>) -> Page {
    let view = visitor.ask(move |engine, caller| engine.wipe_again(caller, id)).await?;
    go_to(&address(view.receipt.id))
}

/// Does what may leave a receipt of a source, and returns the page of that, if it did.
pub(super) async fn left_by<F>(visitor: &Visitor, source: SourceId, work: F) -> Result<Option<String>, Refused>
where
    F: FnOnce(&Engine, &Caller) -> Result<(), Problem> + Send + 'static,
{
    visitor
        .ask(move |engine, caller| {
            let newest = || {
                let receipts = engine.receipts(caller, Some(source), 1)?;
                Ok::<_, Problem>(receipts.first().map(|view| view.receipt.id))
            };
            let before = newest()?;
            work(engine, caller)?;
            let after = newest()?;
            Ok(after.filter(|_| after != before).map(address))
        })
        .await
}
