//! Freehold's own source, read as text, for the invariants that are something's deliberate absence.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// One Rust file.
pub struct SourceFile {
    /// Where it is, from the repository's root, with `/`.
    pub path: String,
    /// All of it but its test module: what ships.
    pub shipped: String,
    /// The same with comments, strings and characters blanked, so that a word in a sentence is no use of it.
    pub code: String,
}

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the repository").to_owned()
}

/// Every file under `folder` whose name ends in one of `extensions`, in order; build output and packages of others left out.
pub fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(folder, &mut |path| {
        if path.extension().is_some_and(|extension| extensions.iter().any(|wanted| extension == *wanted)) {
            found.push(path.to_owned());
        }
    })
    .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    found.sort();
    found
}

/// Every Rust file that ships from under `folder` (`crates`): no `tests/`, no `examples/`, no `benches/`.
pub fn shipped(folder: &str) -> Vec<SourceFile> {
    let root = root();
    let files: Vec<_> = files(&root.join(folder), &["rs"])
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let path = path.strip_prefix(&root).expect("under the root").to_string_lossy().replace('\\', "/");
            (path, text)
        })
        .filter(|(path, _)| !["/tests/", "/examples/", "/benches/"].iter().any(|part| path.contains(part)))
        .map(|(path, text)| {
            let shipped = without_tests(&text).to_owned();
            let code = blanked(&shipped);
            SourceFile { path, shipped, code }
        })
        .collect();
    assert!(!files.is_empty(), "no source under {folder}: this scan would pass whatever the source says");
    files
}

/// The lines on which `word` stands in `code`, from 1, where nothing that could be part of a longer name is beside it.
pub fn lines_with(code: &str, word: &str) -> Vec<usize> {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    let (first, last) = (word.starts_with(part_of_name), word.ends_with(part_of_name));
    code.lines()
        .enumerate()
        .filter(|(_, line)| {
            line.match_indices(word).any(|(at, _)| {
                let before = line[..at].chars().next_back().is_some_and(part_of_name);
                let after = line[at + word.len()..].chars().next().is_some_and(part_of_name);
                !(first && before || last && after)
            })
        })
        .map(|(index, _)| index + 1)
        .collect()
}

fn walk(folder: &Path, each: &mut dyn FnMut(&Path)) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if name != "target" && name != "node_modules" && !name.starts_with('.') {
                walk(&path, each)?;
            }
        } else {
            each(&path);
        }
    }
    Ok(())
}

/// The test module is last in a file, so what ships ends where it begins.
fn without_tests(text: &str) -> &str {
    text.find("\n#[cfg(test)]\nmod ").map_or(text, |at| &text[..=at])
}

/// Replaces the inside of comments, strings and character literals by spaces; line breaks stay.
fn blanked(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_or_comment(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// Where the comment or literal that begins at `at` ends; `at` itself if none begins there.
fn literal_or_comment(chars: &[char], at: usize) -> usize {
    let rest = &chars[at..];
    let name_before = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match rest {
        ['/', '/', ..] => at + rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => at + block_comment(rest),
        ['r', '"' | '#', ..] if !name_before => at + raw_string(rest).unwrap_or(0),
        ['"', ..] => at + quoted(rest, '"'),
        // A lifetime has no closing quote right after its first character.
        ['\'', '\\', ..] => at + quoted(rest, '\''),
        ['\'', _, '\'', ..] => at + 3,
        _ => at,
    }
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut index) = (0usize, 0usize);
    while index < rest.len() {
        match &rest[index..] {
            ['/', '*', ..] => (depth, index) = (depth + 1, index + 2),
            ['*', '/', ..] => (depth, index) = (depth - 1, index + 2),
            _ => index += 1,
        }
        if depth == 0 {
            break;
        }
    }
    index
}

fn raw_string(rest: &[char]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return None;
    }
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = 2 + hashes;
    let end = rest[body..].windows(closing.len()).position(|window| window == closing)?;
    Some(body + end + closing.len())
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut index = 1;
    while index < rest.len() {
        match rest[index] {
            '\\' => index += 2,
            c if c == quote => return index + 1,
            _ => index += 1,
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_counts_in_code_and_nowhere_else() {
        let text = concat!(
            "// env::var\nlet a = \"env::var \\\" env::var\"; let q = '\"'; /* env::var /* */ env::var */\n",
            "let b = r#\"env::var \" env::var\"#; fn f<'a>(x: &'a str) {}\nenv::var(\"X\"); env::vars();\n"
        );
        let code = blanked(text);
        assert_eq!(code.lines().count(), text.lines().count());
        assert_eq!(lines_with(&code, "env::var"), [4], "in: {code}");
        assert_eq!(lines_with(&code, "env::vars"), [4]);
        assert_eq!(lines_with(&code, "env::va"), [0usize; 0]);
    }

    #[test]
    fn the_test_module_does_not_ship() {
        assert_eq!(without_tests("fn a() {}\n\n#[cfg(test)]\nmod tests {}\n"), "fn a() {}\n\n");
    }
}
