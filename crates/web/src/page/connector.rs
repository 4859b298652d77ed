//! A connector: what it is, what it reaches, and whether it is proven here that nothing of it is left behind.

use askama::Template;
use freehold_core::{ConnectorName, CredentialMode};
use freehold_engine::ProofView;
use freehold_engine::view::ConnectorView;

use super::text::When;
use super::{Frame, Page, Under, show};
use crate::admit::Visitor;
use crate::api::Named;
use crate::status::Sign;

#[derive(Template)]
#[template(path = "connector.html")]
pub(super) struct ConnectorPage {
    pub(super) frame: Frame,
    connector: ConnectorView,
    /// How the proof of keeping nothing stands; none where the connector cannot be collected so.
    proof: Option<ProofWords>,
}

/// The proof of the ephemeral mode, in words.
struct ProofWords {
    sign: Sign,
    sentence: String,
    when: Option<When>,
    /// What it was made with.
    facts: Vec<(&'static str, String)>,
    /// What was done, each as a list.
    lists: Vec<(&'static str, Vec<String>)>,
    leaks: Vec<String>,
    /// What is being done, where a proof is being made now.
    step: Option<String>,
    /// Why the last one could not be made, if it could not.
    failed: Option<String>,
    is_offered: bool,
}

pub(crate) async fn show_page(visitor: Visitor, Named(name): Named<ConnectorName>) -> Page {
    let (connector, proof) = visitor
        .ask(move |engine, caller| {
            let connector = engine.connector(&name)?;
            let proof = connector.ephemeral.then(|| engine.proof(caller, &name)).transpose()?;
            Ok((connector, proof))
        })
        .await?;
    Ok(show(&page(connector, proof)))
}

/// `proof` is how that of keeping nothing stands; none where the connector cannot be collected so.
pub(super) fn page(connector: ConnectorView, proof: Option<ProofView>) -> ConnectorPage {
    let is_offered = connector.modes.iter().any(|offered| offered.mode == CredentialMode::EphemeralBrowser);
    let proof = proof.map(|view| in_words(&connector, view, is_offered));
    ConnectorPage { frame: Frame::new(connector.display_name.clone(), Under::Settings), connector, proof }
}

fn in_words(connector: &ConnectorView, view: ProofView, is_offered: bool) -> ProofWords {
    let ProofView { proof, proven, proving } = view;
    let not = |sentence: &str| (Sign { word: "Not proven here", shape: "due" }, sentence.to_owned());
    let (sign, sentence) = match &proof {
        Some(_) if proven => (
            Sign { word: "Proven here", shape: "fresh" },
            format!(
                "Version {} was run on this machine with marked values in every place, and none was found afterwards.",
                connector.version
            ),
        ),
        Some(proof) if !proof.holds() => (
            Sign { word: "Not proven", shape: "broken" },
            "The last proof found something that was left behind, so this way to sign in is not offered.".to_owned(),
        ),
        Some(_) => not(
            "The connector, the wipe or the browser has changed since the last proof, so this way to sign in is not offered.",
        ),
        None => not("Nobody has tried it on this machine yet, so this way to sign in is not offered."),
    };
    let facts = proof.as_ref().map(|proof| {
        let digest = proof.subject.digest.chars().take(16).collect();
        vec![("Folder", digest), ("Browser", format!("Chromium {}", proof.subject.browser_major))]
    });
    let (step, failed) = proving.map(|proving| (proving.step, proving.failed)).unwrap_or_default();
    let when = proof.as_ref().map(|proof| When(proof.at));
    let leaks = proof.as_ref().map(|proof| proof.leaks.clone()).unwrap_or_default();
    let lists = proof.map(|proof| {
        vec![("Runs, by how each ended", proof.runs), ("Marked values", proof.planted), ("Searched", proof.searched)]
    });
    ProofWords {
        sign,
        sentence,
        when,
        facts: facts.unwrap_or_default(),
        lists: lists.unwrap_or_default(),
        leaks,
        step,
        failed,
        is_offered,
    }
}
