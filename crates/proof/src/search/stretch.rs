//! Stretches of text in which something else is written: base64, hex, UTF-16.

use std::ops::Range;

use super::canary::PART;

/// Fewer characters of base64 or hex hold nothing that is not found as it is.
const SHORTEST: usize = 40;

/// From this length on a line may go on in the next one.
const LINE: usize = 60;

const NONE: u8 = 0xff;

/// What each character of base64 stands for, in both alphabets.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut index = 0;
    while index < 64 {
        values[alphabet[index] as usize] = index as u8;
        index += 1;
    }
    values[b'-' as usize] = 62;
    values[b'_' as usize] = 63;
    values
};

fn is_encoded(byte: u8) -> bool {
    VALUES[usize::from(byte)] != NONE
}

/// Where `bytes` could be base64 or hex, over the ends of long lines.
pub(super) fn encoded(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut all = Vec::new();
    // What is long enough has one of these in it.
    let mut probe = SHORTEST - 1;
    let mut after = 0;
    while probe < bytes.len() {
        if !is_encoded(bytes[probe]) {
            probe += SHORTEST;
            continue;
        }
        let start = bytes[after..probe].iter().rposition(|byte| !is_encoded(*byte)).map_or(after, |at| after + at + 1);
        after = end(bytes, start, probe);
        if after - start >= SHORTEST {
            all.push(start..after);
        }
        probe = after + SHORTEST - 1;
    }
    all
}

/// Where a stretch ends that has begun at `line` and is known to reach to `at`.
fn end(bytes: &[u8], mut line: usize, mut at: usize) -> usize {
    loop {
        at += bytes[at..].iter().take_while(|byte| is_encoded(**byte)).count();
        let next = at + bytes[at..].iter().take(2).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let goes_on = at - line >= LINE && next > at && bytes.get(next).is_some_and(|byte| is_encoded(*byte));
        if !goes_on {
            return at;
        }
        (line, at) = (next, next);
    }
}

/// How many of these are at the beginning of `bytes`: the rest of a stretch whose end was not seen.
pub(super) fn rest(bytes: &[u8]) -> usize {
    let belongs = |byte: &&u8| is_encoded(**byte) || matches!(**byte, b'\r' | b'\n');
    bytes.iter().take_while(belongs).count()
}

/// What a stretch says as base64, from each of the four characters a group could begin with.
pub(super) fn base64(stretch: &[u8]) -> Vec<Vec<u8>> {
    let values: Vec<u8> = stretch.iter().map(|byte| VALUES[usize::from(*byte)]).filter(|value| *value != NONE).collect();
    (0..values.len().min(4)).map(|skipped| joined(&values[skipped..])).collect()
}

fn joined(values: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(values.len() * 6 / 8 + 3);
    for group in values.chunks(4) {
        let bits = group.iter().fold(0_u32, |bits, value| bits << 6 | u32::from(*value)) << (6 * (4 - group.len()));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..]);
    }
    bytes.truncate(values.len() * 6 / 8);
    bytes
}

/// What a stretch, or part of it, says as hex, from each of the two digits a byte could begin with; and whether all of it is hex.
pub(super) fn hex(stretch: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let text: Vec<u8> = stretch.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let mut all = Vec::new();
    let mut longest = 0;
    for digits in text.split(|byte| !byte.is_ascii_hexdigit()).filter(|digits| digits.len() >= SHORTEST) {
        let value = |digit: u8| if digit.is_ascii_digit() { digit - b'0' } else { (digit | 0x20) - b'a' + 10 };
        let pairs =
            |skipped: usize| digits[skipped..].chunks_exact(2).map(|two| value(two[0]) << 4 | value(two[1])).collect();
        all.extend([0, 1].map(pairs));
        longest = digits.len();
    }
    (all, longest == text.len())
}

/// Texts in UTF-16 of either byte order, and where they are, as far as their characters are below U+0100.
pub(super) fn utf_16(bytes: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let is_pair = |at: usize| bytes[at] != 0 && bytes[at + 1] == 0;
    let mut all = Vec::new();
    let mut after = 0;
    // What is long enough has one of these in it, or beside it where the zeros come first.
    let mut probe = PART;
    while probe + 2 < bytes.len() {
        let Some(middle) = [probe, probe + 1].into_iter().find(|at| is_pair(*at)) else {
            probe += PART;
            continue;
        };
        let mut start = middle;
        while start >= after + 2 && is_pair(start - 2) {
            start -= 2;
        }
        let mut end = middle;
        while end + 1 < bytes.len() && is_pair(end) {
            end += 2;
        }
        // Of the bytes with a zero after them the last one has none where the zeros come first.
        let last = bytes.get(end).filter(|byte| **byte != 0);
        if (end - start) / 2 + usize::from(last.is_some()) >= PART {
            all.push((start, bytes[start..end].iter().step_by(2).chain(last).copied().collect()));
        }
        after = end;
        probe = end.max(probe + PART);
    }
    all
}
