//! What the machine may keep of what was removed: on a disk that was not memory, and in swap.

use std::path::Path;

/// What removing and looking cannot show of a directory's contents here.
pub(super) fn cannot_show(directory: &Path, keys_may_swap: bool) -> Vec<String> {
    let mut said = Vec::new();
    if !is_in_memory(directory) {
        said.push(
            "The scratch directory is on a disk, which may keep removed blocks until they are written over, an SSD longer."
                .to_owned(),
        );
    }
    let swaps = std::fs::read_to_string("/proc/swaps").unwrap_or_default();
    let plain: Vec<_> = plain_swaps(&swaps).collect();
    if !plain.is_empty() {
        said.push(format!("Memory may have been written to swap that is not known to be encrypted ({}).", plain.join(", ")));
        if keys_may_swap {
            said.push("The system did not let Freehold lock the memory of the details given for this run.".to_owned());
        }
    }
    said
}

/// Whether what is written there stays in memory, as far as the nearest existing parent tells.
fn is_in_memory(directory: &Path) -> bool {
    const TMPFS: u64 = 0x0102_1994;
    const RAMFS: u64 = 0x8584_58f6;
    let existing = directory.ancestors().find(|path| path.exists());
    let kind = existing.and_then(|path| rustix::fs::statfs(path).ok()).map(|stat| stat.f_type as u64);
    matches!(kind, Some(TMPFS | RAMFS))
}

/// Swap by the kernel's list, but for memory that is compressed in place and for devices of the device mapper, where encryption is.
fn plain_swaps(list: &str) -> impl Iterator<Item = &str> {
    let names = list.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| !name.starts_with("/dev/zram") && !name.starts_with("/dev/dm-") && !name.starts_with("/dev/mapper/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swap_on_a_bare_device_is_named_and_compressed_memory_is_not() {
        let list = "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n/dev/zram0 partition 1 0 100\n/dev/dm-1 partition 1 0 -3\n/swapfile file 1 0 -4\n";
        assert_eq!(plain_swaps(list).collect::<Vec<_>>(), ["/dev/sda2", "/swapfile"]);
        assert_eq!(plain_swaps("Filename Type Size Used Priority\n").count(), 0);
    }
}
