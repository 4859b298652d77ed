//! The byte sequences that are looked for, each canary's two ends in every spelling, and how they are found in one pass.

use std::collections::{BTreeSet, HashMap};

use data_encoding::{BASE64, BASE64URL, Encoding, HEXLOWER, HEXUPPER};

use super::canary::{Canary, PART};

/// How many bytes are looked at to decide how far nothing can begin.
const BLOCK: usize = 3;

/// Bits of a block's hash.
const HASH: u32 = 17;

/// A part of a value in one spelling.
pub(super) struct Needle {
    /// Which canary.
    pub(super) what: String,
    /// In which spelling.
    pub(super) encoding: &'static str,
    /// At least [`PART`] of them.
    bytes: Vec<u8>,
}

/// All of them. Wu and Manber's way ("A fast algorithm for multi-pattern searching", 1994): the last bytes of a window as long as the
/// shortest needle say how far the window can be moved without passing over one, which is nearly its length.
pub(super) struct Needles {
    all: Vec<Needle>,
    /// By a block's hash, how far the window can move that ends with it. Nothing: here a needle may end its first [`PART`] bytes.
    moves: Vec<u8>,
    /// Those needles, by that block's hash.
    ending: HashMap<usize, Vec<usize>>,
}

impl Needles {
    pub(super) fn new(canaries: &[Canary]) -> Self {
        let mut needles = Self { all: Vec::new(), moves: vec![(PART - BLOCK + 1) as u8; 1 << HASH], ending: HashMap::new() };
        for Canary { what, value } in canaries {
            let value = value.as_bytes();
            assert!(value.is_ascii() && value.len() >= PART, "{what}: canaries are ASCII, and not short");
            for part in [&value[..PART], &value[value.len() - PART..]] {
                for (encoding, bytes) in spellings(part) {
                    needles.add(Needle { what: what.clone(), encoding, bytes });
                }
            }
        }
        needles
    }

    fn add(&mut self, needle: Needle) {
        for end in BLOCK..=PART {
            let hash = hash(&needle.bytes[end - BLOCK..end]);
            self.moves[hash] = self.moves[hash].min((PART - end) as u8);
            if end == PART {
                self.ending.entry(hash).or_default().push(self.all.len());
            }
        }
        self.all.push(needle);
    }

    /// Every needle in `bytes`, with where it begins.
    pub(super) fn find<'a>(&'a self, bytes: &[u8], mut found: impl FnMut(&'a Needle, usize)) {
        let mut end = PART;
        while end <= bytes.len() {
            let hash = hash(&bytes[end - BLOCK..end]);
            let far = self.moves[hash];
            if far == 0 {
                let start = end - PART;
                let ending = self.ending.get(&hash).into_iter().flatten().map(|index| &self.all[*index]);
                ending.filter(|needle| bytes[start..].starts_with(&needle.bytes)).for_each(|needle| found(needle, start));
            }
            end += usize::from(far.max(1));
        }
    }

    /// `text` without the values that are in it.
    pub(super) fn masked(&self, text: &str) -> String {
        let (mut start, mut end) = (text.len(), 0);
        self.find(text.as_bytes(), |needle, at| {
            start = start.min(at);
            end = end.max(at + needle.bytes.len());
        });
        if end == 0 {
            return text.to_owned();
        }
        // Of a value both ends are known and not what is between or beside them: the whole name goes.
        let start = text[..start].rfind('/').map_or(0, |slash| slash + 1);
        let end = text[end..].find('/').map_or(text.len(), |slash| end + slash);
        format!("{}[…]{}", &text[..start], &text[end..])
    }
}

fn hash(block: &[u8]) -> usize {
    let block = u32::from(block[0]) | u32::from(block[1]) << 8 | u32::from(block[2]) << 16;
    (block.wrapping_mul(0x9e37_79b1) >> (u32::BITS - HASH)) as usize
}

/// `part` in every spelling, each once.
fn spellings(part: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut all = vec![
        ("raw", part.to_vec()),
        ("hex", HEXLOWER.encode(part).into_bytes()),
        ("hex", HEXUPPER.encode(part).into_bytes()),
    ];
    for shift in 0..3 {
        all.push(("base64", base64_inside(part, shift, &BASE64)));
        all.push(("base64", base64_inside(part, shift, &BASE64URL)));
    }
    // A form's field, a component, a whole address, Chromium's two kinds of query, and everything.
    for kept in ["", "-_.!~*'()", "-_.!~*'();,/?:@&=+$#", "-_.!~*'();,/?:@&=+$%|\\^`{}[]", "-_.!~*();,/?:@&=+$%|\\^`{}[]"] {
        for hex in [&HEXUPPER, &HEXLOWER] {
            all.push(("url", percent(part, hex, |byte| byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte))));
        }
    }
    all.extend([&HEXUPPER, &HEXLOWER].map(|hex| ("url", percent(part, hex, |_| false))));
    // Those that write more than they have to are for text that may end up in a page.
    for (short, numbered, hex) in [
        ("\"\\", "", &HEXLOWER),
        ("\"\\/", "", &HEXLOWER),
        ("\"\\", "<>&", &HEXLOWER),
        ("\"\\", "<>&'", &HEXLOWER),
        ("\"\\", "<", &HEXUPPER),
        ("\"\\", "<>&'", &HEXUPPER),
        ("\\", "\"<>&'+`", &HEXUPPER),
    ] {
        let once = json(part, short, numbered, hex);
        all.push(("json", json(&once, short, numbered, hex)));
        all.push(("json", once));
    }
    // A text, an attribute, and what templates do.
    for escaped in ["&<>", "&\"", "&<>\"", "&<>\"'", "&<>\"'/"] {
        for spelling in [html_named, html_decimal, html_hex] {
            all.push(("html", replaced(part, |byte| escaped.as_bytes().contains(&byte).then(|| spelling(byte)))));
        }
    }
    let mut seen = BTreeSet::new();
    all.retain(|(_, bytes)| seen.insert(bytes.clone()));
    all
}

fn percent(part: &[u8], hex: &Encoding, keep: impl Fn(u8) -> bool) -> Vec<u8> {
    replaced(part, |byte| (!keep(byte)).then(|| format!("%{}", hex.encode(&[byte]))))
}

/// With a backslash before the characters in `short`, and those in `numbered` as their numbers.
fn json(part: &[u8], short: &str, numbered: &str, hex: &Encoding) -> Vec<u8> {
    replaced(part, |byte| match byte {
        _ if short.as_bytes().contains(&byte) => Some(format!("\\{}", char::from(byte))),
        _ if numbered.as_bytes().contains(&byte) => Some(format!("\\u00{}", hex.encode(&[byte]))),
        _ => None,
    })
}

fn html_named(byte: u8) -> String {
    match byte {
        b'"' => "&quot;".to_owned(),
        b'&' => "&amp;".to_owned(),
        b'<' => "&lt;".to_owned(),
        b'>' => "&gt;".to_owned(),
        _ => html_decimal(byte),
    }
}

fn html_decimal(byte: u8) -> String {
    format!("&#{byte};")
}

/// Where there is a name it is used, and hex for the others.
fn html_hex(byte: u8) -> String {
    if b"&<>".contains(&byte) { html_named(byte) } else { format!("&#x{byte:02X};") }
}

/// The characters of a base64 text that `part` alone decides when `shift` bytes (0 to 2) stand before it in its group of three.
fn base64_inside(part: &[u8], shift: usize, encoding: &Encoding) -> Vec<u8> {
    let text = encoding.encode(&[&vec![0; shift], part].concat());
    let first = (8 * shift).div_ceil(6);
    let last = 8 * (shift + part.len()) / 6;
    text.as_bytes()[first..last].to_vec()
}

fn replaced(part: &[u8], spelling: impl Fn(u8) -> Option<String>) -> Vec<u8> {
    let spelled = |byte: &u8| spelling(*byte).map_or_else(|| vec![*byte], String::into_bytes);
    part.iter().flat_map(spelled).collect()
}
