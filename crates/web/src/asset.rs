//! The files a page loads: styles, scripts, the mark. Compiled in, each under a name that changes with its content, so that a
//! browser may keep it for good.

use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::api::Named;
use crate::refused::Refused;

struct Asset {
    /// Its name in an address, with the start of its content's hash.
    name: String,
    media_type: &'static str,
    content: &'static [u8],
}

impl Asset {
    fn new(stem: &str, extension: &str, media_type: &'static str, content: &'static [u8]) -> Self {
        let hash = HEXLOWER.encode(&Sha256::digest(content)[..8]);
        Self { name: format!("{stem}-{hash}.{extension}"), media_type, content }
    }
}

static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("console", "css", "text/css; charset=utf-8", include_bytes!("../../../ui/console.css")));
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("console", "js", "text/javascript; charset=utf-8", include_bytes!("../../../ui/console.js"))
});
static MARK: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("mark", "svg", "image/svg+xml", include_bytes!("../../../ui/mark.svg")));

/// Where the styles are.
pub(crate) fn style() -> String {
    format!("/assets/{}", STYLE.name)
}

/// Where the script is.
pub(crate) fn script() -> String {
    format!("/assets/{}", SCRIPT.name)
}

/// The live view's script: a set of modules that import each other by name, so the hash of all is in the name of their folder.
struct Modules {
    set: String,
    files: [(&'static str, &'static [u8]); 6],
}

static LIVE: LazyLock<Modules> = LazyLock::new(|| {
    let files: [(&str, &[u8]); 6] = [
        ("main.js", include_bytes!("../../../ui/live/main.js")),
        ("line.js", include_bytes!("../../../ui/live/line.js")),
        ("screen.js", include_bytes!("../../../ui/live/screen.js")),
        ("hands.js", include_bytes!("../../../ui/live/hands.js")),
        ("field.js", include_bytes!("../../../ui/live/field.js")),
        ("files.js", include_bytes!("../../../ui/live/files.js")),
    ];
    let mut hash = Sha256::new();
    files.iter().for_each(|(_, content)| hash.update(content));
    Modules { set: format!("live-{}", HEXLOWER.encode(&hash.finalize()[..8])), files }
});

/// Where the live view's script begins.
pub(crate) fn live_script() -> String {
    format!("/assets/{}/main.js", LIVE.set)
}

/// Where the mark is.
pub(crate) fn mark() -> String {
    format!("/assets/{}", MARK.name)
}

pub(crate) async fn show(Named(name): Named<String>) -> Result<Response, Refused> {
    let asset = [&STYLE, &SCRIPT, &MARK].into_iter().find(|asset| asset.name == name).ok_or_else(Refused::not_found)?;
    Ok(kept(asset.media_type, asset.content))
}

pub(crate) async fn show_module(Named((set, name)): Named<(String, String)>) -> Result<Response, Refused> {
    let file = LIVE.files.iter().find(|(file, _)| set == LIVE.set && *file == name).ok_or_else(Refused::not_found)?;
    Ok(kept("text/javascript; charset=utf-8", file.1))
}

fn kept(media_type: &'static str, content: &'static [u8]) -> Response {
    let mut response = content.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    response
}
