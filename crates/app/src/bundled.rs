//! The connectors that come with Freehold: each its own program, started by this binary inside the sandbox.

use std::path::Path;
use std::process::ExitCode;

use freehold_engine::BundledConnector;

struct Bundled {
    name: &'static str,
    manifest: &'static str,
    main: fn() -> ExitCode,
}

const BUNDLED: [Bundled; 3] = [
    Bundled {
        name: "amazon",
        manifest: include_str!("../../../connectors/amazon/manifest.json"),
        main: freehold_connector_amazon::main,
    },
    Bundled {
        name: "imap",
        manifest: include_str!("../../../connectors/imap/manifest.json"),
        main: freehold_connector_imap::main,
    },
    Bundled {
        name: "practice",
        manifest: include_str!("../../../connectors/practice/manifest.json"),
        main: freehold_connector_practice::main,
    },
];

/// All of them, to be started as `program __connector NAME`.
pub(crate) fn connectors(program: &Path) -> Vec<BundledConnector> {
    BUNDLED
        .iter()
        .map(|bundled| BundledConnector {
            name: bundled.name,
            manifest: bundled.manifest,
            program: program.to_owned(),
            args: vec!["__connector".to_owned(), bundled.name.to_owned()],
        })
        .collect()
}

/// Is the connector of that name, until it is done.
pub(crate) fn run(name: &str) -> ExitCode {
    let Some(bundled) = BUNDLED.iter().find(|bundled| bundled.name == name) else {
        crate::cli::note(&format!("error: no connector named {name:?} comes with this program\n"));
        return ExitCode::from(2);
    };
    (bundled.main)()
}
