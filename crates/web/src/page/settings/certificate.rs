//! The certificate: how the console is served, and Freehold's own CA with the ways to install it.

use askama::Template;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::Section;
use crate::admit::Visitor;
use crate::page::text::When;
use crate::page::{Frame, Page, show};
use crate::refused::Refused;
use crate::served::{CertificateView, Served, TlsView};
use crate::status::Sign;

/// Where the CA's certificate is. The name is what browsers call the file.
pub(crate) const FILE: &str = "/freehold-ca.crt";

#[derive(Template)]
#[template(path = "settings/certificate.html")]
pub(in crate::page) struct CertificatePage {
    frame: Frame,
    tls: TlsView,
    shown: Option<Shown>,
    authority: Option<(String, Shown)>,
    file: &'static str,
    /// The address of the file, for another device.
    file_address: String,
}

/// A certificate.
struct Shown {
    sign: Sign,
    since: When,
    until: When,
    hosts: Vec<String>,
    fingerprint: String,
}

impl Shown {
    fn of(view: &CertificateView) -> Self {
        Self {
            sign: sign(view.state),
            since: When(view.since),
            until: When(view.until),
            hosts: view.hosts.clone(),
            fingerprint: view.fingerprint.clone(),
        }
    }
}

pub(crate) async fn show_page(visitor: Visitor) -> Page {
    let now = visitor.app.engine.now();
    Ok(show(&page(TlsView::of(&visitor.app.config, now))))
}

/// The CA's certificate, for whoever is to install it: its names are in every certificate that browsers are shown anyway, and on a device
/// that does not trust the console yet nobody should sign in to fetch it.
pub(crate) async fn file(visitor: Visitor) -> Result<Response, Refused> {
    let Served::LocalCa { authority, .. } = visitor.app.config.served.borrow().clone() else {
        return Err(Refused::not_found());
    };
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/x-x509-ca-cert"));
    Ok(([kind], authority.pem()).into_response())
}

pub(in crate::page) fn page(tls: TlsView) -> CertificatePage {
    let public = tls.addresses.last().cloned().unwrap_or_default();
    CertificatePage {
        frame: Frame::of_settings(Section::Certificate),
        shown: tls.certificate.as_ref().map(Shown::of),
        authority: tls.authority.as_ref().map(|ca| (ca.name.clone(), Shown::of(&ca.certificate))),
        file: FILE,
        file_address: public + FILE,
        tls,
    }
}

/// How a certificate stands, as a word and a shape.
fn sign(state: &str) -> Sign {
    let (word, shape) = match state {
        "valid" => ("Valid", "fresh"),
        "ends_soon" => ("Ends soon", "needs_owner"),
        _ => ("Over", "broken"),
    };
    Sign { word, shape }
}

/// How the console is served, in as few words as the overview has room for.
pub(super) fn now(served: &Served) -> &'static str {
    match served {
        Served::Plain => "This machine alone",
        Served::Proxy => "Behind a proxy",
        Served::Files(_) => "Your certificate",
        Served::LocalCa { .. } => "Freehold's own CA",
    }
}
