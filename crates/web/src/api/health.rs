//! For whoever watches the server: alive, ready, and numbers in the Prometheus text format.

use std::collections::BTreeMap;
use std::fmt::Write;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use freehold_engine::view::Numbers;

use crate::admit::Visitor;
use crate::refused::Refused;

/// The process answers.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// The databases answer too.
pub(crate) async fn ready(visitor: Visitor) -> Result<&'static str, Refused> {
    visitor.app.ask(|engine| engine.is_ready()).await?;
    Ok("ok\n")
}

/// The numbers (Prometheus exposition format 0.0.4).
pub(crate) async fn metrics(visitor: Visitor) -> Result<Response, Refused> {
    let numbers = visitor.app.ask(|engine| Ok(engine.numbers())).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text(&numbers)).into_response())
}

fn text(numbers: &Numbers) -> String {
    let mut page = Page(String::new());
    page.labelled("freehold_sources", "gauge", "Sources by status.", "status", &numbers.sources);
    page.labelled("freehold_runs_ended_total", "counter", "Runs ended, by outcome.", "outcome", &numbers.runs_ended);
    page.single("freehold_runs_active", "gauge", "Runs under way.", numbers.runs_active);
    page.single("freehold_records_ingested_total", "counter", "Records made durable.", numbers.records_ingested);
    page.single("freehold_records_rejected_total", "counter", "Records rejected.", numbers.records_rejected);
    page.labelled(
        "freehold_attempts_total",
        "counter",
        "Uses of a secret, by how they ended.",
        "outcome",
        &numbers.attempts,
    );
    page.single("freehold_interactions_open", "gauge", "Questions open to the owner.", numbers.interactions_open);
    page.single("freehold_vault_unlocked", "gauge", "1 if the vault is unlocked.", numbers.vault_unlocked);
    page.0
}

struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ok = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.head(name, kind, help);
        let _ok = writeln!(self.0, "{name} {value}");
    }

    fn labelled(&mut self, name: &str, kind: &str, help: &str, label: &str, values: &BTreeMap<String, u64>) {
        self.head(name, kind, help);
        for (key, value) in values {
            let _ok = writeln!(self.0, "{name}{{{label}=\"{key}\"}} {value}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_prometheus_reads_them() {
        let numbers = Numbers { sources: [("fresh".to_owned(), 2)].into(), vault_unlocked: 1, ..Numbers::default() };
        let text = text(&numbers);
        assert!(text.starts_with("# HELP freehold_sources Sources by status.\n# TYPE freehold_sources gauge\nfreehold_sources{status=\"fresh\"} 2\n"));
        assert!(text.ends_with("freehold_vault_unlocked 1\n"));
    }
}
