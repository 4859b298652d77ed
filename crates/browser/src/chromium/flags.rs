//! The flags and variables Chromium is started with. Nothing is spoofed: they confine it to its directory and keep it quiet.

use std::path::Path;

use super::Options;

/// Hosts Chromium contacts for itself even when told not to. None of them is any provider's.
const OWN_TRAFFIC: [&str; 8] = [
    "update.googleapis.com",
    "clients1.google.com",
    "clients2.google.com",
    "content-autofill.googleapis.com",
    "optimizationguide-pa.googleapis.com",
    "safebrowsing.googleapis.com",
    "edgedl.me.gvt1.com",
    "redirector.gvt1.com",
];

/// Features that talk to somebody or fill in forms; and the one that brings back a whole page, scripts and all, that was left.
const FEATURES_OFF: &str = "Translate,OptimizationHints,OptimizationGuideModelDownloading,MediaRouter,DialMediaRouteProvider,\
                            AutofillServerCommunication,CertificateTransparencyComponentUpdater,InterestFeedContentSuggestions,\
                            GlobalMediaControls,PasskeyAuth,WebAuthenticationAmbient,BackForwardCache,CalculateNativeWinOcclusion";

/// With a display: which kind it is, and none of the questions and pages a person would be met with.
const DISPLAYED: [&str; 6] = [
    "--ozone-platform=x11",
    "--window-position=0,0",
    "--noerrdialogs",
    "--hide-crash-restore-bubble",
    "--disable-search-engine-choice-screen",
    "about:blank",
];

pub(super) fn all(options: &Options, has_display: bool) -> Vec<String> {
    let at = |name: &str| options.scratch.join(name).display().to_string();
    let (width, height) = options.window;
    let mut flags: Vec<String> = [
        "--remote-debugging-pipe",
        "--no-first-run",
        "--no-default-browser-check",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-component-extensions-with-background-pages",
        "--disable-default-apps",
        "--disable-extensions",
        "--disable-sync",
        "--disable-domain-reliability",
        "--disable-client-side-phishing-detection",
        "--disable-breakpad",
        "--disable-crash-reporter",
        "--no-pings",
        "--no-service-autorun",
        // Without a keyring its own encryption is a fixed word either way; the profile is sealed as a whole.
        "--password-store=basic",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-quic",
        "--mute-audio",
        "--disable-backgrounding-occluded-windows",
        "--disable-renderer-backgrounding",
        // A page takes clicks and keys from its first moment; without this Chromium drops those before its first picture.
        "--allow-pre-commit-input",
    ]
    .map(str::to_owned)
    .into();
    flags.extend([
        format!("--user-data-dir={}", at("profile")),
        format!("--disk-cache-dir={}", at("cache")),
        format!("--crash-dumps-dir={}", at("crashes")),
        format!("--window-size={width},{height}"),
        format!("--disable-features={FEATURES_OFF}"),
        format!("--host-resolver-rules={}", resolver_rules(options)),
    ]);
    flags.extend(if has_display { &DISPLAYED[..] } else { &["--headless=new"] }.iter().map(|flag| (*flag).to_owned()));
    let keys: Vec<&str> = options.stand_ins.iter().filter_map(|stand_in| stand_in.key.as_deref()).collect();
    if !keys.is_empty() {
        flags.push(format!("--ignore-certificate-errors-spki-list={}", keys.join(",")));
    }
    flags
}

fn resolver_rules(options: &Options) -> String {
    let blocked = OWN_TRAFFIC.map(|host| format!("MAP {host} ~NOTFOUND"));
    let stand_ins = options.stand_ins.iter().map(|stand_in| format!("MAP {} {}", stand_in.host, stand_in.address));
    blocked.into_iter().chain(stand_ins).collect::<Vec<_>>().join(",")
}

/// Everything that would otherwise end up in a home directory or on a bus.
pub(super) fn environment(scratch: &Path) -> Vec<(String, String)> {
    let at = |name: &str| scratch.join(name).display().to_string();
    [
        ("XDG_CONFIG_HOME", at("home/config")),
        ("XDG_CACHE_HOME", at("home/cache")),
        ("XDG_DATA_HOME", at("home/data")),
        ("XDG_RUNTIME_DIR", at("tmp")),
        ("BREAKPAD_DUMP_LOCATION", at("crashes")),
        ("DBUS_SESSION_BUS_ADDRESS", "disabled:".to_owned()),
        ("DBUS_SYSTEM_BUS_ADDRESS", "disabled:".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
