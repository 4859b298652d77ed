//! R12 for a seed that comes as a picture: neither what its code says nor its file is anywhere afterwards.

use freehold_proof::{Canary, Search};
use freehold_tests::provider::Provider;
use freehold_tests::random::TestRng;
use freehold_tests::server::{PASSPHRASE, Server};
use qrcodegen::{QrCode, QrCodeEcc};

use crate::whole::leaks;

/// A picture of a QR code, with a text beside the pixels, as cameras and programs put there.
fn picture(says: &[&str], beside: &Canary) -> Vec<u8> {
    const SCALE: usize = 4;
    let codes = says.iter().map(|text| QrCode::encode_text(text, QrCodeEcc::Medium).expect("short enough"));
    let codes: Vec<QrCode> = codes.collect();
    let modules = codes.iter().map(|code| code.size() as usize).max().expect("one at least") + 8;
    let (width, height) = (modules * SCALE * codes.len(), modules * SCALE);
    let is_dark = |at: usize| {
        let (x, y) = (at % width / SCALE, at / width / SCALE);
        codes[x / modules].get_module((x % modules) as i32 - 4, y as i32 - 4)
    };
    let pixels: Vec<u8> = (0..width * height).map(|at| if is_dark(at) { 0 } else { 255 }).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.add_text_chunk("Comment".to_owned(), beside.value.clone()).expect("a text");
    encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels)).expect("a picture");
    bytes
}

#[test]
fn a_seed_given_as_a_picture_leaves_no_copy() {
    let rng = TestRng::new(78);
    // Base32 has no 0, 1, 8 and 9.
    let base32 = |text: String| text.replace('0', "A").replace('1', "B").replace('8', "C").replace('9', "D");
    let seeds = ["the seed", "a seed in a picture with two"].map(|what| {
        let drawn = Canary::plain(what, 32, &rng);
        Canary { value: base32(drawn.value), ..drawn }
    });
    let beside = Canary::plain("a text in the picture's file", 40, &rng);
    let search = Search::new(&[seeds[0].clone(), seeds[1].clone(), beside.clone()]);
    let mut server = Server::new(&[]);
    server.write_seeded_connector();
    server.start();
    let provider = Provider::with("maria", "an-old-password", "maria", &[("1", "hello")]);
    let port = format!("port={}", provider.port);
    let add = ["source", "add", "seeded", "--name", "letters", "--setting", &port, "--agree", "--no-wait", "--secret-stdin"];
    let said = server.cli(&add, "username=maria\npassword=an-old-password");
    assert_eq!(said.code, 0, "{said:?}");

    let cookie = server.sign_in();
    let address =
        format!("/sources/{}/sign-in-details", server.json(&["source", "show", "letters"])["id"].as_str().expect("an id"));
    let uri = |seed: &Canary| format!("otpauth://totp/Letters:maria?secret={}&digits=8&period=60", seed.value);
    let fields = [("kind", "otp_seed"), ("consent", "true"), ("passphrase", PASSPHRASE), ("otp_seed.seed", "")];
    let two = picture(&[&uri(&seeds[1]), "https://shop.example/app"], &beside);
    let answer = server.upload(&cookie, &address, &fields, ("picture.otp_seed.seed", &two));
    assert!(answer.starts_with("HTTP/1.1 422") && answer.contains("more than one QR code"), "{answer}");
    assert_eq!(search.in_bytes("a refusal", answer.as_bytes()).complete().expect("looked at"), []);
    let answer = server.upload(&cookie, &address, &fields, ("picture.otp_seed.seed", &picture(&[&uri(&seeds[0])], &beside)));
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    let source = server.json(&["source", "show", "letters"]);
    let saved = source["credentials"].as_array().expect("a list").iter().find(|saved| saved["kind"] == "otp_seed");
    assert_eq!(saved.expect("one of each kind")["version"], 1, "{source}");

    // The same from a file, at the command line.
    std::fs::write(server.folder().join("qr.png"), picture(&[&uri(&seeds[0])], &beside)).expect("written");
    let path = server.folder().join("qr.png").display().to_string();
    let replace = ["credential", "replace", "letters", "--kind", "otp_seed", "--agree", "--no-wait", "--secret-file", &path];
    let said = server.cli(&replace, "");
    assert_eq!(said.code, 0, "{said:?}");
    std::fs::remove_file(&path).expect("put away");
    assert_eq!(leaks(&server, &search), []);
    server.stop();
    assert_eq!(
        search.in_directory(server.folder()).complete().expect("readable"),
        [],
        "what a backup of the stopped server would hold"
    );
}
