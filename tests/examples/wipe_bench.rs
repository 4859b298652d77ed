//! What wiping a profile of 100 MiB and looking afterwards costs beside removing the same, in turns: one JSON object. Run it with
//! `--release`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use freehold_core::CredentialMode;
use freehold_engine::Answer;
use freehold_tests::house::House;
use freehold_tests::shop;

const ROUNDS: usize = 7;
const BYTES: usize = 100 << 20;
/// As many as a profile of that size has, of every size.
const FILES: usize = 2_000;

#[expect(clippy::print_stdout, reason = "its output is for the bench to read")]
fn main() {
    let own = std::env::current_exe().expect("this program");
    let launcher = own.ancestors().nth(2).expect("the folder it was built in").join("launcher");
    let house = House::new(&launcher.to_string_lossy());
    house.take_as_proven("practice");
    let shop = shop::open(&house);
    let new = shop::source(&shop, "Shop", CredentialMode::EphemeralBrowser);
    let source = house.engine().add_source(&house.owner(), new).expect("a source").id;
    let (mut wiped, mut removed) = (Vec::new(), Vec::new());
    let mut first = true;
    while wiped.len() < ROUNDS {
        if !std::mem::take(&mut first) {
            house.engine().start_run(&house.owner(), source).expect("a run");
        }
        let asked = house.asked(source);
        let directory = directory(&house);
        // Somebody is there until the run is over, so that it waits to be wiped.
        let mut sleeper = sleeper_in(&directory);
        house.engine().answer(&house.owner(), asked.id, Answer::No).expect("declined");
        house.settled(source);
        let floor = house.scratch().join("floor");
        fill(&floor);
        let removal = timed(|| fs::remove_dir_all(&floor).expect("removed"));
        fill(&directory);
        sleeper.kill().and_then(|()| sleeper.wait()).expect("it ends");
        let mut receipt = None;
        let wipe = timed(|| receipt = house.engine().wipe_again(&house.owner(), source).ok());
        // The sweep goes by the clock and may have come first, to all of it or to a part: then this round is none.
        if let Some(receipt) = receipt.filter(|receipt| receipt.receipt.found.bytes >= BYTES as u64) {
            assert!(receipt.verified, "{:?}", receipt.receipt.left);
            wiped.push(wipe);
            removed.push(removal);
        }
    }
    let line = serde_json::json!({ "wipe_ms": median(&mut wiped), "remove_ms": median(&mut removed), "rounds": ROUNDS });
    println!("{line}");
}

fn directory(house: &House) -> PathBuf {
    fs::read_dir(house.scratch().join("r")).expect("readable").next().expect("the run's").expect("readable").path()
}

#[expect(clippy::disallowed_methods, reason = "a process of somebody else's, who happens to be there")]
fn sleeper_in(directory: &Path) -> std::process::Child {
    std::process::Command::new("sleep").arg("600").current_dir(directory).spawn().expect("a process")
}

fn fill(directory: &Path) {
    let content = vec![b'x'; 2 * BYTES / FILES];
    for number in 0..FILES {
        let folder = directory.join(format!("profile/{}", number % 40));
        fs::create_dir_all(&folder).expect("made");
        // From one byte to twice the mean.
        let length = (content.len() * (number + 1)).div_ceil(FILES);
        fs::write(folder.join(number.to_string()), &content[..length]).expect("written");
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1000.0
}
