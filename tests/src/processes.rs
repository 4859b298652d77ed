//! Processes that a test left running, or did not.

use std::fs;
use std::path::Path;

/// Processes that have this path in their environment or their command line, once the kernel has had time to end those it is ending.
pub fn processes_that_name(path: &Path) -> Vec<u32> {
    let path = path.as_os_str().as_encoded_bytes();
    let names = |pid: &u32| {
        let has = |file: &str| {
            let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            bytes.windows(path.len()).any(|part| part == path)
        };
        has("environ") || has("cmdline")
    };
    let running = || -> Vec<u32> {
        let all = fs::read_dir("/proc").expect("/proc").filter_map(Result::ok);
        all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(names).collect()
    };
    for _ in 0..100 {
        if running().is_empty() {
            break;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
    running()
}
