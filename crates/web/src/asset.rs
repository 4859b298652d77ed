//! The files a page loads: styles, scripts, the typeface, the mark. Compiled in, each under a name that changes with its content, so
//! that a browser may keep it for good.

use std::borrow::Cow;
use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::api::Named;
use crate::refused::Refused;

/// One file.
pub(crate) struct Asset {
    /// Its name in an address, with the start of its content's hash.
    pub(crate) name: String,
    media_type: &'static str,
    pub(crate) content: Cow<'static, [u8]>,
}

impl Asset {
    fn new(stem: &str, extension: &str, media_type: &'static str, content: impl Into<Cow<'static, [u8]>>) -> Self {
        let content = content.into();
        let hash = HEXLOWER.encode(&Sha256::digest(&content)[..8]);
        Self { name: format!("{stem}-{hash}.{extension}"), media_type, content }
    }
}

/// The styles by subject, in the order in which later ones win.
const STYLES: &[&str] = &[
    include_str!("../../../ui/style/tokens.css"),
    include_str!("../../../ui/style/elements.css"),
    include_str!("../../../ui/style/frame.css"),
    include_str!("../../../ui/style/controls.css"),
    include_str!("../../../ui/style/parts.css"),
    include_str!("../../../ui/style/lists.css"),
    include_str!("../../../ui/style/chart.css"),
    include_str!("../../../ui/style/receipt.css"),
    include_str!("../../../ui/style/live.css"),
    #[cfg(debug_assertions)]
    include_str!("../../../ui/style/design.css"),
];

/// The typeface: Latin letters, and the further ones, which are loaded where a page has one.
static FONTS: LazyLock<[Asset; 2]> = LazyLock::new(|| {
    [
        Asset::new("inter-latin", "woff2", "font/woff2", include_bytes!("../../../ui/fonts/inter-latin.woff2").as_slice()),
        Asset::new(
            "inter-latin-ext",
            "woff2",
            "font/woff2",
            include_bytes!("../../../ui/fonts/inter-latin-ext.woff2").as_slice(),
        ),
    ]
});

/// One request for all of the styles, which name the fonts by the names they have here.
static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let [latin, more] = &*FONTS;
    let text = STYLES
        .concat()
        .replace("\"inter-latin.woff2\"", &format!("\"{}\"", latin.name))
        .replace("\"inter-latin-ext.woff2\"", &format!("\"{}\"", more.name));
    Asset::new("console", "css", "text/css; charset=utf-8", text.into_bytes())
});
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let script = include_bytes!("../../../ui/console.js").as_slice();
    Asset::new("console", "js", "text/javascript; charset=utf-8", script)
});
static MARK: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("mark", "svg", "image/svg+xml", include_bytes!("../../../ui/mark.svg").as_slice()));

/// Every file that is one by itself.
pub(crate) fn all() -> impl Iterator<Item = &'static Asset> {
    FONTS.iter().chain([&*STYLE, &*SCRIPT, &*MARK])
}

/// Where the styles are.
pub(crate) fn style() -> String {
    address(&STYLE)
}

/// Where the script is.
pub(crate) fn script() -> String {
    address(&SCRIPT)
}

/// Where the mark is.
pub(crate) fn mark() -> String {
    address(&MARK)
}

/// Where the letters are that every page has.
pub(crate) fn font() -> String {
    address(&FONTS[0])
}

fn address(asset: &Asset) -> String {
    format!("/assets/{}", asset.name)
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

pub(crate) async fn show(Named(name): Named<String>) -> Result<Response, Refused> {
    let asset = all().find(|asset| asset.name == name).ok_or_else(Refused::not_found)?;
    Ok(kept(asset.media_type, &asset.content))
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
