//! What the CLI writes: tables, one thing's fields, raw JSON, problems.

use std::io::{self, IsTerminal, Write};

use freehold_core::{Problem, ProblemCode};
use unicode_width::UnicodeWidthStr;

/// The output side of the terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    /// Whether the API's own JSON is wanted instead of words.
    pub(crate) json: bool,
    /// Whether standard output shows colour.
    colour: bool,
    /// Columns to fill; none when the output is not a terminal.
    width: Option<usize>,
}

/// How a word stands out. The word itself always says the same, so nothing is lost without colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it is.
    Plain,
    /// Good.
    Good,
    /// Wants attention.
    Attention,
    /// Bad.
    Bad,
    /// Less important.
    Quiet,
}

/// One cell of a table.
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Terminal {
    /// The terminal of this process. `colour` is what the environment allows.
    pub(crate) fn new(json: bool, colour: bool) -> Self {
        let stdout = io::stdout();
        let is_terminal = stdout.is_terminal();
        let width =
            rustix::termios::tcgetwinsize(&stdout).ok().map(|size| usize::from(size.ws_col)).filter(|width| *width > 0);
        Self { json, colour: colour && is_terminal, width: width.filter(|_| is_terminal) }
    }

    /// One line.
    pub(crate) fn line(&self, text: impl AsRef<str>) -> Result<(), Problem> {
        write_out(&format!("{}\n", printable(text.as_ref())))
    }

    /// One line of pieces, each in its tone.
    pub(crate) fn pieces(&self, pieces: &[Cell]) -> Result<(), Problem> {
        let line: Vec<String> = pieces.iter().map(|piece| self.toned(&piece.text, piece.tone)).collect();
        write_out(&format!("{}\n", line.join(" ")))
    }

    /// Text with line ends of its own, made harmless for a terminal.
    pub(crate) fn text(&self, text: &str) -> Result<(), Problem> {
        text.lines().try_for_each(|line| self.line(line))
    }

    /// An answer of the API as it came.
    pub(crate) fn raw(&self, json: &[u8]) -> Result<(), Problem> {
        write_out(&format!("{}\n", String::from_utf8_lossy(json).trim_end()))
    }

    /// That something was done, where the API has nothing to say about it.
    pub(crate) fn done(&self, text: impl AsRef<str>) -> Result<(), Problem> {
        if self.json { self.raw(b"{}") } else { self.line(text) }
    }

    /// Rows under their titles, columns aligned. On a terminal the last column is cut where the line ends.
    pub(crate) fn table(&self, titles: &[&str], rows: Vec<Vec<Cell>>) -> Result<(), Problem> {
        let columns = titles.len();
        let width_of = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.width()).chain([titles[column].width()]).max()
        };
        let widths: Vec<usize> = (0..columns).map(|column| width_of(column).unwrap_or(0)).collect();
        let heading = titles.iter().map(|title| Cell::new(*title).tone(Tone::Quiet)).collect();
        let mut out = String::new();
        for row in std::iter::once(heading).chain(rows) {
            let mut used = 0;
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let room = self.width.map(|width| width.saturating_sub(used));
                let text = match room {
                    Some(room) if column + 1 == columns => cut(&cell.text, room),
                    _ => cell.text.clone(),
                };
                line.push_str(&self.toned(&text, cell.tone));
                if column + 1 < columns {
                    let gap = widths[column] - cell.text.width() + 2;
                    line.push_str(&" ".repeat(gap));
                    used += widths[column] + 2;
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        write_out(&out)
    }

    /// One thing's fields, a line each: names on the left, aligned.
    pub(crate) fn fields(&self, fields: &[(&str, Cell)]) -> Result<(), Problem> {
        let width = fields.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
        let mut out = String::new();
        for (name, cell) in fields.iter().filter(|(_, cell)| !cell.text.is_empty()) {
            let gap = " ".repeat(width - name.width() + 2);
            out.push_str(&format!("{}{gap}{}\n", self.toned(name, Tone::Quiet), self.toned(&cell.text, cell.tone)));
        }
        write_out(&out)
    }

    /// Replaces the line the last call wrote, on a terminal; elsewhere writes nothing.
    pub(crate) fn transient(&self, text: &str) -> Result<(), Problem> {
        match self.width {
            Some(width) => write_out(&format!("\r\x1b[2K{}", cut(&printable(text), width.saturating_sub(1)))),
            None => Ok(()),
        }
    }

    fn toned(&self, text: &str, tone: Tone) -> String {
        let code = match tone {
            _ if !self.colour || text.is_empty() => return text.to_owned(),
            Tone::Plain => return text.to_owned(),
            Tone::Good => "32",
            Tone::Attention => "33",
            Tone::Bad => "31",
            Tone::Quiet => "2",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

impl Cell {
    /// Text on one line, made harmless for a terminal.
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self { text: printable(text.as_ref()), tone: Tone::Plain }
    }

    /// The same in a tone.
    #[must_use]
    pub(crate) fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }
}

/// A problem, on standard error: in words, or as one line of JSON.
pub(crate) fn report(problem: &Problem, json: bool) {
    if json && let Ok(line) = serde_json::to_string(problem) {
        return note(&format!("{line}\n"));
    }
    let mut text = format!("error: {}\n", printable(&problem.what));
    if let Some(place) = &problem.at {
        text.push_str(&format!("  at: {}\n", printable(place)));
    }
    text.push_str(&format!("  next: {}\n", printable(&problem.next)));
    note(&text);
}

/// A remark, on standard error, where no program reads it as the answer.
pub(crate) fn note(text: &str) {
    // Nobody is left to tell if standard error is gone.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Without what could move the cursor or reverse the line: names and records come from elsewhere.
pub(crate) fn printable(text: &str) -> String {
    let is_harmful =
        |c: char| c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .map(|c| {
            if c == '\t' || c == '\n' {
                ' '
            } else if is_harmful(c) {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

fn cut(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let mut used = 0;
    let kept = text.chars().take_while(|c| {
        used += unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
        used < room
    });
    kept.chain(['…']).collect()
}

fn write_out(text: &str) -> Result<(), Problem> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // The reader has seen enough (`freehold records | head`): nothing went wrong, and nothing is left to do.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Problem::new(
            ProblemCode::Internal,
            format!("The output could not be written: {error}."),
            "Check where it goes.",
        )),
        Ok(()) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_cannot_drive_the_terminal() {
        assert_eq!(printable("a\x1b[31mb\u{9b}c\u{202e}d\ne\tf"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}d e f");
    }

    #[test]
    fn a_line_is_cut_by_what_it_shows() {
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("plain", 4), "pla…");
    }
}
