//! The managed policies every browser of ours runs under: nothing of a sign-in is remembered, filled in or sent elsewhere by Chromium
//! itself.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;

/// The same by the profile's own preferences, as far as they reach, for a machine where no policy can be laid over the system's. A
/// profile that has preferences keeps them.
pub(super) fn write_preferences(profile: &Path) -> io::Result<()> {
    let file = profile.join("Default/Preferences");
    if file.exists() {
        return Ok(());
    }
    fs::create_dir_all(profile.join("Default"))?;
    let preferences = json!({
        "credentials_enable_service": false,
        "profile": { "password_manager_enabled": false },
        "autofill": { "profile_enabled": false, "credit_card_enabled": false },
        "translate": { "enabled": false },
        "search": { "suggest_enabled": false },
        "signin": { "allowed": false },
    });
    fs::write(file, preferences.to_string())
}

/// Writes them, readable to every uid: there is nothing secret in them.
pub(super) fn write(directory: &Path) -> io::Result<()> {
    let file = directory.join("freehold.json");
    let policies = json!({
        "PasswordManagerEnabled": false,
        "AutofillAddressEnabled": false,
        "AutofillCreditCardEnabled": false,
        "TranslateEnabled": false,
        "SyncDisabled": true,
        "BrowserSignin": 0,
        "MetricsReportingEnabled": false,
        "SearchSuggestEnabled": false,
        "NetworkPredictionOptions": 2,
        "SpellCheckServiceEnabled": false,
        "BackgroundModeEnabled": false,
        "ComponentUpdatesEnabled": false,
        "SafeBrowsingProtectionLevel": 0,
        "DnsOverHttpsMode": "off",
        "PromotionsEnabled": false,
        "PaymentMethodQueryEnabled": false,
        // Windows nobody sees, in which nobody could press a button.
        "AllowFileSelectionDialogs": false,
        "PrintingEnabled": false,
        "URLBlocklist": ["file://*", "view-source:*"],
    });
    let policies = policies.to_string();
    // An older Freehold may have left others.
    if fs::read_to_string(&file).is_ok_and(|there| there == policies) {
        return Ok(());
    }
    fs::create_dir_all(directory)?;
    // Written beside and renamed: another browser may be starting.
    let beside = directory.join(".freehold.json.new");
    fs::write(&beside, policies)?;
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o644))?;
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755))?;
    fs::rename(&beside, &file)
}
