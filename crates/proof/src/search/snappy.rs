//! Snappy blocks, which Chromium's databases are made of.

/// The most that is taken out of one block.
const LARGEST: usize = 64 << 20;

/// What `block` holds, as far as it is whole. It ends where its own length says, whatever follows.
pub(super) fn decompress(block: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let _ = fill(block, &mut out);
    out
}

/// Stops with `None` at what cannot be.
fn fill(block: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (length, mut at) = varint(block)?;
    let length = usize::try_from(length).ok()?.min(LARGEST);
    while out.len() < length {
        let tag = usize::from(*block.get(at)?);
        at += 1;
        // The lower two bits say what it is: a literal, or a copy with an offset of one, two or four bytes.
        let (count, offset) = match tag & 3 {
            0 => {
                let mut count = tag >> 2;
                if count >= 60 {
                    let bytes = count - 59;
                    count = number(block, at, bytes)?;
                    at += bytes;
                }
                let literal = block.get(at..)?;
                out.extend_from_slice(&literal[..literal.len().min(count + 1)]);
                at += count + 1;
                continue;
            }
            1 => (4 + (tag >> 2 & 7), (tag >> 5) << 8 | number(block, at, 1)?),
            kind => (1 + (tag >> 2), number(block, at, 2 * (kind - 1))?),
        };
        at += [1, 2, 4][(tag & 3) - 1];
        let from = out.len().checked_sub(offset).filter(|_| offset > 0)?;
        // A copy may reach into what it writes.
        for index in from..from + count {
            out.push(out[index]);
        }
    }
    Some(())
}

/// A number of up to four bytes, the lowest first.
fn number(block: &[u8], at: usize, bytes: usize) -> Option<usize> {
    Some(block.get(at..at + bytes)?.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
}

/// A number of seven bits a byte, the lowest first, and how many bytes it takes.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0;
    for (index, byte) in bytes.iter().take(9).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((number, index + 1));
        }
    }
    None
}
