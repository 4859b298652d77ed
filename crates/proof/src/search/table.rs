//! LevelDB's tables, in which Chromium keeps IndexedDB and local storage: blocks that are mostly snappy.
//! (The format is described in the documentation of LevelDB, `table_format.md`.)

use super::content::Content;
use super::snappy::{decompress, varint};

/// The last bytes of each table.
const MAGIC: [u8; 8] = 0xdb47_7524_8b80_fb57_u64.to_le_bytes();
const FOOTER: usize = 48;

/// More than LevelDB would ever make one block of.
const LARGEST: usize = 64 << 20;

/// Each compressed block of a table with its offset, or nothing where `content` is no table.
pub(super) fn blocks(content: &dyn Content) -> Vec<(u64, Vec<u8>)> {
    index(content).unwrap_or_default()
}

fn index(content: &dyn Content) -> Option<Vec<(u64, Vec<u8>)>> {
    let mut footer = [0; FOOTER];
    let start = content.len().checked_sub(FOOTER as u64)?;
    if content.read_at(start, &mut footer).ok()? < FOOTER || !footer.ends_with(&MAGIC) {
        return None;
    }
    let (_, length) = handle(&footer)?;
    let (index_handle, _) = handle(&footer[length..])?;
    let mut all = Vec::new();
    let (index, compressed) = block(content, index_handle)?;
    if compressed {
        all.push((index_handle.0, index.clone()));
    }
    // Entries up to the restart points, whose number the last four bytes are.
    let restarts = u32::from_le_bytes(*index.last_chunk()?) as usize;
    let mut entries = index.get(..index.len().checked_sub(restarts.checked_add(1)?.checked_mul(4)?)?)?;
    while !entries.is_empty() {
        let mut lengths = [0; 3];
        for length in &mut lengths {
            let (value, took) = varint(entries)?;
            (*length, entries) = (usize::try_from(value).ok()?, &entries[took..]);
        }
        let [_, key, value] = lengths;
        let (place, _) = handle(entries.get(key..)?)?;
        if let Some((bytes, true)) = block(content, place) {
            all.push((place.0, bytes));
        }
        entries = entries.get(key.checked_add(value)?..)?;
    }
    Some(all)
}

/// An offset and a size, and how many bytes they take.
fn handle(bytes: &[u8]) -> Option<((u64, u64), usize)> {
    let (offset, first) = varint(bytes)?;
    let (size, second) = varint(&bytes[first..])?;
    Some(((offset, size), first + second))
}

/// A block without its trailer, and whether it was compressed.
fn block(content: &dyn Content, (offset, size): (u64, u64)) -> Option<(Vec<u8>, bool)> {
    let size = usize::try_from(size).ok().filter(|size| *size < LARGEST)?;
    let mut bytes = vec![0; size + 1];
    if content.read_at(offset, &mut bytes).ok()? < bytes.len() {
        return None;
    }
    match bytes.pop()? {
        0 => Some((bytes, false)),
        1 => Some((decompress(&bytes), true)),
        _ => None,
    }
}
