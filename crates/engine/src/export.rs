//! A stream's records as a file: JSON Lines, or CSV for a spreadsheet. Made a piece at a time, so that its size is no matter.

use std::collections::BTreeSet;

use freehold_core::{Problem, SourceId};
use freehold_store::RecordRow;
use serde_json::{Map, Value};

use crate::caller::{Caller, Permission};
use crate::problem::{bad_input, from_store};
use crate::record::{RecordFilter, time_of};
use crate::server::Engine;

/// Records in one piece.
const PIECE: usize = 500;
/// What the columns before a record's own fields are called.
const OWN: [&str; 2] = ["record_key", "record_time"];
/// The column of those fields the connector did not declare.
const OTHER: &str = "other_fields";

/// How the file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// One JSON object a line: `key`, `emitted_at` and `data` as it was collected.
    Jsonl,
    /// A table (RFC 4180) with a column for each field the connector declares. Values that are no text or number are JSON.
    Csv,
}

impl ExportFormat {
    /// The format of that name.
    pub fn parse(name: &str) -> Result<Self, Problem> {
        match name {
            "jsonl" => Ok(Self::Jsonl),
            "csv" => Ok(Self::Csv),
            _ => Err(bad_input("format", "There is no such format.", "Use jsonl or csv.")),
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
        }
    }
}

/// An export under way.
pub struct Export {
    engine: Engine,
    source: SourceId,
    stream: String,
    format: ExportFormat,
    columns: Vec<String>,
    file_name: String,
    filter: freehold_store::RecordFilter,
    before: Option<String>,
    begun: bool,
    ended: bool,
}

impl Engine {
    /// Begins an export of a stream's records, newest first: of those that a list narrowed by `filter` shows.
    pub fn export(
        &self,
        caller: &Caller,
        source: SourceId,
        stream: &str,
        filter: &RecordFilter,
        format: ExportFormat,
    ) -> Result<Export, Problem> {
        caller.must(Permission::Read)?;
        let row = self.0.any_source_row(source)?;
        let connector = self.0.catalog.get(&row.connector).ok();
        let declared = connector.as_ref().and_then(|connector| connector.manifest.stream(stream));
        let properties = declared.and_then(|declared| declared.schema.get("properties")?.as_object());
        Ok(Export {
            engine: self.clone(),
            source,
            stream: stream.to_owned(),
            format,
            columns: properties.into_iter().flat_map(Map::keys).cloned().collect(),
            file_name: format!("{} {stream}.{}", row.name, format.extension()),
            filter: filter.by(&declared.map(time_of).unwrap_or_default())?,
            before: None,
            begun: false,
            ended: false,
        })
    }
}

impl Export {
    /// A name for the file: the source's and the stream's.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// The next piece of the file; none at its end.
    pub fn next_piece(&mut self) -> Result<Option<String>, Problem> {
        if self.ended {
            return Ok(None);
        }
        let query = freehold_store::RecordQuery { filter: self.filter.clone(), before: self.before.take(), limit: PIECE };
        let page = self.engine.0.data.records(self.source, &self.stream, &query).map_err(from_store)?;
        let mut piece = String::new();
        if !std::mem::replace(&mut self.begun, true) && self.format == ExportFormat::Csv {
            let names = OWN.into_iter().chain(self.columns.iter().map(String::as_str)).chain([OTHER]);
            line(&mut piece, names.map(str::to_owned));
        }
        for record in &page.rows {
            match self.format {
                ExportFormat::Jsonl => json_line(&mut piece, record),
                ExportFormat::Csv => csv_line(&mut piece, record, &self.columns),
            }
        }
        self.ended = page.next.is_none();
        self.before = page.next;
        Ok(Some(piece))
    }
}

fn json_line(piece: &mut String, record: &RecordRow) {
    let key = Value::from(record.key.as_str());
    // The data as it came, which is JSON on one line.
    piece.push_str(&format!("{{\"key\":{key},\"emitted_at\":\"{}\",\"data\":{}}}\n", record.emitted_at, record.data));
}

fn csv_line(piece: &mut String, record: &RecordRow, columns: &[String]) {
    let data = serde_json::from_str(&record.data).unwrap_or(Value::Null);
    let none = Map::new();
    let fields = data.as_object().unwrap_or(&none);
    let declared: BTreeSet<&String> = columns.iter().collect();
    let other: Map<String, Value> = fields
        .iter()
        .filter(|(name, _)| !declared.contains(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let other = match (data.is_object(), other.is_empty()) {
        (true, true) => String::new(),
        (true, false) => Value::from(other).to_string(),
        (false, _) => data.to_string(),
    };
    let own = [record.key.clone(), record.emitted_at.to_string()];
    let values = columns.iter().map(|name| fields.get(name).map(cell).unwrap_or_default());
    line(piece, own.into_iter().chain(values).chain([other]));
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A line of the table. What a spreadsheet would take for a formula is made a text by an apostrophe; a plain number is none.
fn line(piece: &mut String, cells: impl Iterator<Item = String>) {
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            piece.push(',');
        }
        let guard = if is_formula(&cell) { "'" } else { "" };
        if cell.contains(['"', ',', '\n', '\r']) || cell.starts_with(' ') || cell.ends_with(' ') {
            piece.push_str(&format!("\"{guard}{}\"", cell.replace('"', "\"\"")));
        } else {
            piece.push_str(guard);
            piece.push_str(&cell);
        }
    }
    piece.push_str("\r\n");
}

fn is_formula(cell: &str) -> bool {
    let is_number = |text: &str| {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) && !is_number(cell)
}

#[cfg(test)]
mod tests {
    use super::line;

    fn written(cells: &[&str]) -> String {
        let mut piece = String::new();
        line(&mut piece, cells.iter().map(|cell| (*cell).to_owned()));
        piece
    }

    #[test]
    fn no_cell_is_a_formula_and_none_breaks_its_line() {
        assert_eq!(written(&["a", "", "b c"]), "a,,b c\r\n");
        assert_eq!(written(&["a,b", "say \"hi\"", "two\nlines"]), "\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\"\r\n");
        for formula in ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "\tx", "＝1"] {
            assert!(written(&[formula]).trim_start_matches('"').starts_with('\''), "{formula}");
        }
        assert_eq!(written(&["\r=1"]), "\"'\r=1\"\r\n");
        assert_eq!(written(&["-12.50", "+49", "-"]), "-12.50,+49,'-\r\n");
    }
}
