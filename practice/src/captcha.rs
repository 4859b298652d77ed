//! The picture of a captcha.

use std::fmt::Write;

/// Letters that lean each its own way, on a line.
pub(crate) fn picture(letters: &str) -> String {
    let mut svg = String::from(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 220 70" width="220" height="70"><rect width="220" height="70" fill="#efe7d8"/>"##,
    );
    for (at, letter) in letters.chars().enumerate() {
        let (x, lean) = (24 + at * 38, [-14, 9, -6, 16, -11][at % 5]);
        let _ = write!(
            svg,
            r##"<text x="{x}" y="48" font-family="serif" font-size="38" fill="#4a3f35" transform="rotate({lean} {x} 40)">{letter}</text>"##
        );
    }
    svg.push_str(r##"<path d="M4 44C60 8 120 66 216 22" stroke="#8a6d4f" stroke-width="2" fill="none"/></svg>"##);
    svg
}
