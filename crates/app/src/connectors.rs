//! The connectors as far as they matter before a server runs: their manifests, for what the configuration and the environment hold.

use freehold_core::{ConnectorName, Problem, ProblemCode};
use freehold_protocol::Manifest;

use crate::bundled;
use crate::config::{AccountField, Config, suspects as suspects_among};

/// Refuses `[connector.NAME.app]` settings no manifest declares. None can yet: a setting nobody declared could only be meant for an
/// account, and those never come from here (R1).
pub(crate) fn check_app_settings(config: &Config) -> Result<(), Problem> {
    let known = manifests(config);
    for (name, keys) in &config.app_settings {
        let place = config.file.as_deref().map(|file| file.display().to_string()).unwrap_or_default();
        let Some(manifest) = known.iter().find(|manifest| manifest.name.as_str() == name) else {
            let what = format!("[connector.{name}] names a connector that is not here.");
            return Err(Problem::new(ProblemCode::BadInput, what, "Correct the name, or add its folder to connector_dirs.")
                .at(place));
        };
        if let Some(key) = keys.first() {
            let what = format!("The connector \"{}\" declares no app setting \"{key}\".", manifest.name);
            let next =
                "Remove it. An account's sign-in details are given in the console or with `freehold credential save`.";
            return Err(Problem::new(ProblemCode::BadInput, what, next).at(place));
        }
    }
    Ok(())
}

/// The names of dropped variables that look like sign-in details, for what is installed here.
pub(crate) fn suspects(config: &Config) -> Vec<&str> {
    let fields: Vec<AccountField> = manifests(config)
        .iter()
        .flat_map(|manifest| manifest.captures().flat_map(|capture| &capture.fields).map(|field| (&manifest.name, field)))
        .map(|(connector, field)| AccountField { connector: connector.as_str().to_owned(), field: field.name.clone() })
        .collect();
    suspects_among(&config.dropped_names, &fields)
}

/// Every manifest that can be read. Those that cannot are the engine's to report.
fn manifests(config: &Config) -> Vec<Manifest> {
    let own = bundled::connectors(&config.program)
        .into_iter()
        .filter_map(|bundled| Manifest::parse(ConnectorName::parse(bundled.name).ok()?, bundled.manifest).ok());
    let folders = config.connector_dirs.iter().filter_map(|dir| std::fs::read_dir(dir).ok()).flatten().flatten();
    own.chain(folders.filter_map(|entry| Manifest::load(&entry.path()).ok())).collect()
}
