//! Pictures as people take them, made here: sharp and blurred, turned, noisy, in bad light; and everything that is no such picture.

use std::sync::LazyLock;

use freehold_core::SecretBytes;
use freehold_qr::{MAX_BYTES, QrError, is_picture, read};
use proptest::prelude::*;
use qrcodegen::{QrCode, QrCodeEcc};

const SEED: &str = "otpauth://totp/Shop:ada%40mail.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Shop";

/// A grey picture.
#[derive(Clone)]
struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

/// How a code is drawn.
#[derive(Clone, Copy)]
struct Drawn {
    /// Pixels of one module.
    module: f64,
    /// Degrees it is turned by.
    turned: f64,
    dark: f64,
    light: f64,
}

const SHARP: Drawn = Drawn { module: 6.0, turned: 0.0, dark: 0.0, light: 255.0 };

impl Canvas {
    fn white(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![255; width * height] }
    }

    /// A code with its middle there, and what is around it left as it is. Each pixel is the mean of a few points in it.
    fn code(mut self, text: &str, (x, y): (f64, f64), drawn: Drawn) -> Self {
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).expect("short enough");
        let middle = f64::from(code.size()) / 2.0;
        let (sin, cos) = drawn.turned.to_radians().sin_cos();
        for (at, pixel) in self.pixels.iter_mut().enumerate() {
            let shades = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)].map(|(right, down)| {
                let (right, down) = ((at % self.width) as f64 + right - x, (at / self.width) as f64 + down - y);
                let (column, row) =
                    ((right * cos + down * sin) / drawn.module + middle, (down * cos - right * sin) / drawn.module + middle);
                let quiet = -4.0..2.0 * middle + 4.0;
                match (
                    quiet.contains(&column) && quiet.contains(&row),
                    code.get_module(column.floor() as i32, row.floor() as i32),
                ) {
                    (false, _) => f64::from(*pixel),
                    (true, true) => drawn.dark,
                    (true, false) => drawn.light,
                }
            });
            *pixel = (shades.iter().sum::<f64>() / 4.0) as u8;
        }
        self
    }

    /// Light that falls off to one side, and grain.
    fn photographed(mut self, grain: i32) -> Self {
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        for (at, pixel) in self.pixels.iter_mut().enumerate() {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let light = 0.45 + 0.5 * (at % self.width) as f64 / self.width as f64;
            let grain = (random >> 33) as i32 % (2 * grain + 1) - grain;
            *pixel = (f64::from(*pixel) * light + 20.0) as u8;
            *pixel = (i32::from(*pixel) + grain).clamp(0, 255) as u8;
        }
        self
    }

    fn png(&self, color: png::ColorType) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, self.width as u32, self.height as u32);
        encoder.set_color(color);
        let samples: Vec<u8> = match color {
            png::ColorType::Grayscale => self.pixels.clone(),
            // Black that shows through where it is dark, on nothing.
            png::ColorType::Rgba => self.pixels.iter().flat_map(|grey| [0, 0, 0, 255 - grey]).collect(),
            _ => unreachable!("not drawn here"),
        };
        encoder.write_header().expect("a header").write_image_data(&samples).expect("pixels");
        out
    }

    fn jpeg(&self, progressive: bool) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut out, 70);
        encoder.set_progressive(progressive);
        let (width, height) = (self.width as u16, self.height as u16);
        let rgb: Vec<u8> = self.pixels.iter().flat_map(|grey| [*grey; 3]).collect();
        encoder.encode(&rgb, width, height, jpeg_encoder::ColorType::Rgb).expect("a picture");
        out
    }

    fn webp(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let encoder = image_webp::WebPEncoder::new(&mut out);
        encoder.encode(&self.pixels, self.width as u32, self.height as u32, image_webp::ColorType::L8).expect("a picture");
        out
    }
}

fn said(picture: &[u8]) -> Result<String, QrError> {
    #[expect(clippy::disallowed_methods, reason = "the test made it")]
    read(&SecretBytes::new(picture.to_vec())).map(|text| String::from_utf8_lossy(text.expose()).into_owned())
}

fn middle(canvas: &Canvas) -> (f64, f64) {
    (canvas.width as f64 / 2.0, canvas.height as f64 / 2.0)
}

fn alone(drawn: Drawn) -> Canvas {
    let canvas = Canvas::white(480, 480);
    let at = middle(&canvas);
    canvas.code(SEED, at, drawn)
}

#[test]
fn a_sharp_code_is_read_from_every_format() {
    let canvas = alone(SHARP);
    for picture in [
        canvas.png(png::ColorType::Grayscale),
        canvas.png(png::ColorType::Rgba),
        canvas.jpeg(false),
        canvas.jpeg(true),
        canvas.webp(),
    ] {
        assert!(is_picture(&picture));
        assert_eq!(said(&picture).as_deref(), Ok(SEED));
    }
}

#[test]
fn a_code_is_read_however_it_was_taken() {
    let png = |canvas: Canvas| said(&canvas.png(png::ColorType::Grayscale));
    let turned = |turned| alone(Drawn { turned, ..SHARP });
    for degrees in [3.0, 17.0, 45.0, 90.0, 180.0, 200.0] {
        assert_eq!(png(turned(degrees)).as_deref(), Ok(SEED), "{degrees} degrees");
    }
    for module in [2.0, 2.7, 3.3, 8.9] {
        assert_eq!(png(alone(Drawn { module, ..SHARP })).as_deref(), Ok(SEED), "{module} pixels a module");
    }
    let dim = alone(Drawn { turned: 8.0, dark: 60.0, light: 200.0, ..SHARP });
    assert_eq!(png(dim.clone().photographed(25)).as_deref(), Ok(SEED), "bad light and grain");
    assert_eq!(said(&dim.photographed(12).jpeg(false)).as_deref(), Ok(SEED), "the same as a camera keeps it");
    let night = Canvas { pixels: vec![20; 480 * 480], ..Canvas::white(480, 480) };
    let night = night.code(SEED, (240.0, 240.0), Drawn { dark: 235.0, light: 20.0, ..SHARP });
    assert_eq!(png(night).as_deref(), Ok(SEED), "light on dark");
    let large = Canvas::white(2000, 1500).code(SEED, (900.0, 700.0), Drawn { module: 25.0, turned: 5.0, ..SHARP });
    assert_eq!(png(large.photographed(60)).as_deref(), Ok(SEED), "a large one with much grain");
    let small = Canvas::white(1920, 1080).code(SEED, (1500.0, 300.0), Drawn { module: 3.0, ..SHARP });
    assert_eq!(png(small).as_deref(), Ok(SEED), "a small one on a whole screen");
}

#[test]
fn what_is_wrong_is_said() {
    let png = |canvas: Canvas| canvas.png(png::ColorType::Grayscale);
    assert_eq!(said(&png(Canvas::white(300, 300))), Err(QrError::NoCode));
    assert_eq!(said(&png(Canvas::white(1, 1))), Err(QrError::NoCode));
    let two = |other| {
        let first = Canvas::white(700, 350).code(SEED, (170.0, 170.0), SHARP);
        said(&png(first.code(other, (520.0, 170.0), SHARP)))
    };
    assert_eq!(two("https://shop.example/get-the-app"), Err(QrError::Several));
    assert_eq!(two(SEED).as_deref(), Ok(SEED), "the same one twice");

    let mut spoilt = alone(SHARP);
    // The corners by which it is found stay; what it says does not.
    for y in 150..400 {
        spoilt.pixels[y * 480 + 215..y * 480 + 330].fill(if y % 24 < 12 { 0 } else { 255 });
    }
    assert_eq!(said(&png(spoilt)), Err(QrError::Unreadable));

    let whole = png(alone(SHARP));
    assert_eq!(said(&whole[..whole.len() / 2]), Err(QrError::Damaged));
    assert_eq!(said(&whole[..9]), Err(QrError::Damaged));
    for other in [&b""[..], b"GIF89a", b"%PDF-1.7", b"<svg/>", SEED.as_bytes(), b"RIFFABCDWEBPGEZDGNBV"] {
        assert!(!is_picture(other));
        assert_eq!(said(other), Err(QrError::UnknownFormat));
    }
    assert_eq!(said(&[whole, vec![0; MAX_BYTES]].concat()), Err(QrError::TooManyBytes));
}

/// A few bytes may claim any size: nothing is unpacked, and no memory taken, before that was looked at.
#[test]
fn a_picture_that_unpacks_to_very_much_is_not_unpacked() {
    let mut bomb = Vec::new();
    let mut encoder = png::Encoder::new(&mut bomb, 60_000, 60_000);
    encoder.set_color(png::ColorType::Grayscale);
    drop(encoder.write_header().expect("a header"));
    assert_eq!(said(&bomb), Err(QrError::TooManyPixels));

    let mut jpeg = alone(SHARP).jpeg(false);
    let frame = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).expect("a frame");
    jpeg[frame + 5..frame + 9].fill(0xff);
    assert_eq!(said(&jpeg), Err(QrError::TooManyPixels));

    // VP8L: 14 bits each for width and height, less one, behind the signature.
    let mut webp = alone(SHARP).webp();
    webp[21..25].fill(0xff);
    assert!(matches!(said(&webp), Err(QrError::TooManyPixels | QrError::Damaged)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever else is in them, a picture ends as a text or as an error.
    #[test]
    fn spoilt_bytes_end_as_an_error_or_a_text(kind in 0..4_usize, spoilt in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        static PICTURES: LazyLock<[Vec<u8>; 4]> = LazyLock::new(|| {
            let canvas = Canvas::white(150, 150).code("otpauth", (75.0, 75.0), Drawn { module: 4.0, ..SHARP });
            [canvas.png(png::ColorType::Grayscale), canvas.webp(), canvas.jpeg(false), canvas.jpeg(true)]
        });
        let mut picture = PICTURES[kind].clone();
        for (at, byte) in spoilt {
            let at = at.index(picture.len());
            picture[at] = byte;
        }
        let _ = said(&picture);
    }

    /// A code's modules may be anything once it is found.
    #[test]
    fn spoilt_modules_end_as_an_error_or_a_text(spoilt in prop::collection::vec((0..33_usize, 0..33_usize), 0..200)) {
        static SHARP_ONE: LazyLock<Canvas> = LazyLock::new(|| alone(SHARP));
        let mut canvas = SHARP_ONE.clone();
        for (column, row) in spoilt {
            for y in 0..6 {
                let start = (row * 6 + y + 141) * 480 + column * 6 + 141;
                canvas.pixels[start..start + 6].iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
            }
        }
        let _ = said(&canvas.png(png::ColorType::Grayscale));
    }
}
