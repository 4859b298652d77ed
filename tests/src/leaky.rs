//! A connector that writes down what it should not: the practice shop's, as it would be from somebody careless.

use std::path::Path;
use std::process::ExitCode;

use freehold_engine::BundledConnector;
use freehold_sdk::{Context, Error};
use serde_json::{Value, json};

/// Its manifest: signing in as at the practice shop, and a stream for what it writes down.
pub fn manifest() -> String {
    let mut manifest: Value =
        serde_json::from_str(include_str!("../../connectors/practice/manifest.json")).expect("the practice manifest");
    manifest["connector_key"] = "leaky".into();
    manifest["streams"] = json!([{
        "name": "diary",
        "semantics": "append_only",
        "primary_key": ["id"],
        "schema": {
            "type": "object",
            "properties": { "id": { "type": "string" }, "text": { "type": "string" } },
            "required": ["id"],
        },
    }]);
    manifest.to_string()
}

/// As if it came with Freehold.
pub fn bundled(program: &Path) -> BundledConnector {
    BundledConnector {
        name: "leaky",
        manifest: manifest().leak(),
        program: program.to_owned(),
        args: vec!["__connector".to_owned(), "leaky".to_owned()],
    }
}

/// Runs it.
pub fn main() -> ExitCode {
    freehold_sdk::run(keep_a_diary)
}

fn keep_a_diary(context: &mut Context<'_>) -> Result<(), Error> {
    let mut page = context.browser()?.page()?;
    let text: String = page.evaluate("() => document.cookie + JSON.stringify(localStorage)", ())?;
    context.emit("diary", "today", &json!({ "id": "today", "text": text }))?;
    Ok(())
}
