//! Whatever a value is written as, and wherever in a file: it is found. Each plant is written by other code than the search's own.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

use data_encoding::{BASE64, BASE64_MIME, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use freehold_proof::{Canary, Leak, Search, Surface};
use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};
use proptest::collection::vec;
use proptest::prelude::*;
use ruzstd::encoding::{CompressionLevel, compress_to_vec as zstd};

/// How a file is read at a time; borders between windows are multiples of it.
const WINDOW: usize = 4 << 20;

const VALUE: &str = "Qw7kPz3mTb&\"<Xv5nRc9sLd/+%Hj2fGy8wKe";

fn search() -> Search {
    Search::new(&[Canary::known("the password", VALUE)])
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    // The flags say that there are an extra field, a name, a comment and a checksum of the header.
    [b"\x1f\x8b\x08\x1e\0\0\0\0\0\x03\x02\0xxname\0comment\0cc", &compress_to_vec(bytes, 6)[..], &[0; 8]].concat()
}

fn zip(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut archive = b"PK\x03\x04\x14\0\0\0\x08\0".to_vec();
    archive.extend([0; 16]);
    archive.extend([name.len() as u8, 0, 0, 0]);
    [&archive, name.as_bytes(), &compress_to_vec(bytes, 6)].concat()
}

fn utf_16(text: &str, to: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to).collect()
}

fn percent(value: &str, spelled: fn(u8) -> bool) -> Vec<u8> {
    value
        .bytes()
        .map(|byte| if spelled(byte) { format!("%{byte:02X}") } else { char::from(byte).to_string() })
        .collect::<String>()
        .into()
}

/// Every way of writing a value that has to be found.
fn written(value: &str) -> Vec<(&'static str, Vec<u8>)> {
    let json = serde_json::to_string(value).expect("JSON");
    let text = format!("{{\"user\": \"maria\", \"password\": {json}, \"kept\": false, \"more\": \"and some more words\"}}");
    let html = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let mut all: Vec<(&str, Vec<u8>)> = vec![
        ("raw", value.into()),
        ("json", json.clone().into()),
        ("json in json", serde_json::to_vec(&json).expect("JSON")),
        ("json for a page", json.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e").into()),
        ("hex", HEXLOWER.encode(value.as_bytes()).into()),
        ("hex", HEXUPPER.encode(value.as_bytes()).into()),
        ("html", html.clone().into()),
        (
            "html, decimal",
            value.replace('&', "&#38;").replace('<', "&#60;").replace('>', "&#62;").replace('"', "&#34;").into(),
        ),
        ("every character percent-encoded", percent(value, |_| true)),
        ("a component", percent(value, |byte| !byte.is_ascii_alphanumeric())),
        ("a query", percent(value, |byte| matches!(byte, b' ' | b'"' | b'#' | b'<' | b'>'))),
        ("utf-16", utf_16(value, u16::to_le_bytes)),
        ("utf-16, big end first", utf_16(value, u16::to_be_bytes)),
        ("html in utf-16", utf_16(&html, u16::to_le_bytes)),
        ("base64 in utf-16", utf_16(&BASE64.encode(text.as_bytes()), u16::to_le_bytes)),
        ("utf-16 in base64", BASE64.encode(&utf_16(value, u16::to_le_bytes)).into()),
        ("base64 in base64", BASE64.encode(BASE64.encode(text.as_bytes()).as_bytes()).into()),
        ("base64 in lines", BASE64_MIME.encode(zip("mail", text.as_bytes()).as_slice()).into()),
        ("gzip", gzip(text.as_bytes())),
        ("gzip in base64", BASE64.encode(&gzip(text.as_bytes())).into()),
        ("gzip in base64 in utf-16", utf_16(&BASE64.encode(&gzip(text.as_bytes())), u16::to_le_bytes)),
        ("gzip in hex", HEXLOWER.encode(&gzip(text.as_bytes())).into()),
        ("utf-16 in gzip", gzip(&utf_16(&text, u16::to_be_bytes))),
        ("zip", zip("password.txt", text.as_bytes())),
        ("zlib", compress_to_vec_zlib(text.as_bytes(), 6)),
        ("zlib, fast", compress_to_vec_zlib(text.as_bytes(), 1)),
        ("zstd", zstd(text.as_bytes(), CompressionLevel::Fastest)),
        ("zstd in gzip in zlib", compress_to_vec_zlib(&gzip(&zstd(text.as_bytes(), CompressionLevel::Fastest)), 9)),
    ];
    for before in ["", "u", "us"] {
        all.push(("base64", BASE64.encode(format!("{before}{value}").as_bytes()).into()));
        all.push(("base64, for addresses", BASE64URL_NOPAD.encode(format!("{before}{value}:rest").as_bytes()).into()));
    }
    all
}

#[test]
fn every_way_of_writing_a_value_is_found_and_cut_ones_too() {
    for (encoding, bytes) in written(VALUE) {
        let leaks = search().in_bytes("a log", &[b"2026-01-01 INFO \"", &bytes[..], b"\" done\n"].concat()).leaks;
        assert!(!leaks.is_empty(), "{encoding} was not found");
        for leak in leaks {
            assert_eq!(leak.what, "the password");
            assert!(leak.place.starts_with("a log at byte ") && !leak.to_string().contains(&VALUE[..8]), "{leak}");
        }
    }
    for cut in [&VALUE[..20], &VALUE[VALUE.len() - 17..]] {
        let leaks = search().in_bytes("a log", format!("tail {cut}\n").as_bytes()).leaks;
        assert_eq!(
            leaks,
            [Leak {
                what: "the password".into(),
                encoding: "raw".into(),
                place: "a log at byte ".to_owned() + if cut.len() == 20 { "5" } else { "6" }
            }]
        );
    }
    assert_eq!(search().in_bytes("a log", format!("{} {}", &VALUE[..15], &VALUE[21..]).as_bytes()).leaks, []);
}

#[test]
fn a_deflate_stream_that_is_a_whole_file_and_one_cut_off_are_read() {
    let lines: String = (0..40_000).map(|number| format!("line {number} of a page\n")).collect();
    let text = [lines.as_bytes(), VALUE.as_bytes(), lines.as_bytes()].concat();
    let whole = compress_to_vec(&text, 6);
    let leaks = search().in_bytes("a body", &whole).leaks;
    assert_eq!(leaks.iter().map(|leak| leak.encoding.as_str()).collect::<Vec<_>>(), ["raw in deflate"]);
    let cut = &gzip(&text)[..whole.len() * 2 / 3];
    assert_eq!(search().in_bytes("a body", cut).leaks[0].encoding, "raw in gzip");
}

#[test]
fn of_tables_each_snappy_block_is_opened() {
    // A literal of three pieces in another order, and copies from within it that put them in the right one.
    let (head, middle, tail) = (&VALUE[..8], &VALUE[8..28], &VALUE[28..]);
    let mut block = vec![80];
    let literal = |block: &mut Vec<u8>, text: &str| {
        block.push((text.len() as u8 - 1) << 2);
        block.extend(text.bytes());
    };
    literal(&mut block, &format!("{tail}{middle}{head}"));
    for (piece, offset) in [(head, 8_u8), (middle, 36), (tail, 64)] {
        block.extend([(piece.len() as u8 - 1) << 2 | 2, offset, 0]);
    }
    literal(&mut block, "the rest");
    assert_eq!(search().in_bytes("a block", &block).leaks, []);

    let mut table = [&block[..], &[1, 0, 0, 0, 0]].concat();
    let index = [&[0, 3, 2][..], b"key", &[0, block.len() as u8], &[0, 0, 0, 0, 1, 0, 0, 0]].concat();
    let mut footer = vec![0, 0, table.len() as u8, index.len() as u8];
    footer.resize(40, 0);
    table.extend([&index[..], &[0; 5], &footer, &0xdb47_7524_8b80_fb57_u64.to_le_bytes()].concat());
    let leaks = search().in_bytes("000005.ldb", &table).leaks;
    assert_eq!(leaks.iter().map(|leak| leak.encoding.as_str()).collect::<Vec<_>>(), ["raw in snappy"]);

    let wrapped = [b"\xff\x11\x02", &block[..], b"what follows"].concat();
    assert_eq!(search().in_bytes("a value", &wrapped).leaks[0].encoding, "raw in snappy");
}

#[test]
fn of_a_huge_file_the_written_parts_are_read_across_window_borders() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = File::create(folder.path().join("sparse")).expect("a file");
    file.set_len(1 << 40).expect("sparse");
    file.write_all_at(VALUE.as_bytes(), (3 << 38) + 5).expect("written");
    let report = search().in_directory(folder.path());
    assert_eq!(report.leaks.len(), 1, "{report:?}");
    assert!(report.leaks[0].place.ends_with(&format!("sparse at byte {}", (3_u64 << 38) + 5)), "{report:?}");
    assert!(report.looked[&Surface::Files].bytes < 8 << 20, "holes are passed over: {report:?}");

    let filler: Vec<u8> =
        (0..WINDOW as u32 / 2).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    for (encoding, bytes) in written(VALUE) {
        let mut file = tempfile::Builder::new().tempfile_in(folder.path()).expect("a file");
        file.write_all(&filler).expect("written");
        file.seek(SeekFrom::Start((WINDOW - bytes.len() / 2) as u64)).expect("in it");
        file.write_all(&[b" ", &bytes[..], b" "].concat()).expect("written");
        assert!(!search().in_directory(file.path()).leaks.is_empty(), "{encoding} over a border");
    }
}

#[test]
fn the_end_of_looking_is_said_and_nothing_is_clean_that_was_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = search().in_directory(&folder.path().join("missing"));
    assert_eq!(missing.could_not_look.len(), 1);
    assert!(missing.complete().is_err());
    assert!(search().in_directory("/proc".as_ref()).complete().is_err());
    // A name that leaks is not repeated, not even where the file below it is what leaks.
    let named = folder.path().join(format!("a {} b", VALUE.replace('/', "-")));
    std::fs::create_dir(&named).expect("a directory");
    std::fs::write(named.join("f"), VALUE).expect("a file");
    let leaks = search().in_directory(folder.path()).complete().expect("readable");
    assert_eq!(leaks.len(), 2, "{leaks:?}");
    assert!(leaks.iter().all(|leak| !leak.place.contains(&VALUE[..8]) && leak.place.contains("[…]")), "{leaks:?}");
}

fn canary() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[ -~]{16,48}").expect("a pattern")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_value_is_found_anywhere(value in canary(), before in vec(any::<u8>(), 0..600), after in vec(any::<u8>(), 0..300)) {
        let search = Search::new(&[Canary::known("it", &value)]);
        for (encoding, bytes) in written(&value) {
            let leaks = search.in_bytes("noise", &[&before, &bytes, &after[..]].concat()).leaks;
            prop_assert!(!leaks.is_empty(), "{encoding}");
        }
    }

    #[test]
    fn nothing_is_found_where_nothing_is(value in canary(), noise in vec(any::<u8>(), 0..4000)) {
        prop_assert_eq!(Search::new(&[Canary::known("it", &value)]).in_bytes("noise", &noise).leaks, vec![]);
    }
}
