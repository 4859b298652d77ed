//! A second try for what failed. A real Chromium on a busy machine does not always do in time what it is asked to, and a build that breaks
//! by chance teaches everybody to press "again" unread. What passes only then is told, never hidden.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::command::{cargo, shown, succeed};

/// More failures than this are no chance.
const MOST: usize = 3;

/// Runs all tests, and those that failed once more, alone. Returns their names if they pass then.
pub(crate) fn tests() -> anyhow::Result<Vec<String>> {
    const ALL: [&str; 4] = ["test", "--locked", "--workspace", "--no-fail-fast"];
    // The suites with a browser, a server or a connector wait for it half of their time, so one more test than there are cores keeps them busy.
    let at_once = 1 + std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let mut all = cargo(&ALL);
    all.env("RUST_TEST_THREADS", at_once.to_string());
    let mut process = all.stdout(Stdio::piped()).spawn().with_context(|| format!("`{}` did not start", shown(&all)))?;
    let mut failed = Vec::new();
    for line in BufReader::new(process.stdout.take().context("its output is not there")?).lines() {
        let line = line?;
        failed.extend(failed_test(&line));
        println!("{line}");
    }
    let status = process.wait()?;
    if status.success() {
        return Ok(Vec::new());
    }
    if failed.is_empty() || failed.len() > MOST {
        anyhow::bail!("`{}` ended with {status}; failed: {}", shown(&all), failed.join(", "));
    }
    println!("\n── once more, alone: {} ──", failed.join(", "));
    let mut again = cargo(&ALL);
    again.args(["--lib", "--bins", "--tests", "--", "--exact"]).args(&failed);
    succeed(&mut again)?;
    Ok(failed)
}

/// Runs a command, and once more if it fails. Returns it as a person would type it if it succeeds only then.
pub(crate) fn whole(command: &mut Command) -> anyhow::Result<Vec<String>> {
    if command.status().is_ok_and(|status| status.success()) {
        return Ok(Vec::new());
    }
    println!("\n── once more: {} ──", shown(command));
    succeed(command)?;
    Ok(vec![shown(command)])
}

/// The name in a line of a test that failed, as libtest writes it.
fn failed_test(line: &str) -> Option<String> {
    Some(line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::failed_test;

    #[test]
    fn a_test_that_failed_is_recognised() {
        assert_eq!(failed_test("test live::tabs ... FAILED").as_deref(), Some("live::tabs"));
        assert_eq!(failed_test("test live::tabs ... ok"), None);
        assert_eq!(failed_test("test result: FAILED. 100 passed; 1 failed"), None);
    }
}
