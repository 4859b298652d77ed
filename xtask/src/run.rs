//! `cargo xtask run`: from a clean clone to a page to open, and a shop and a mailbox to connect.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use anyhow::{Context, bail};
use freehold_dovecot::{Dovecot, User, demo};
use freehold_practice::Practice;
use rustix::fs::FlockOperation;

use crate::command::{cargo, root, shown, succeed};
use crate::server::{Place, Server, free_address};
use crate::{needs, shop, stop};

const START_LIMIT: Duration = Duration::from_secs(30);
/// Between two looks whether there is an owner.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
const DEMO_USER: &str = "maria@example.test";
/// Printed on purpose: it opens nothing but the demo mailbox on this machine's loopback.
const DEMO_PASSWORD: &str = "demo-app-password";

/// What `run` can be told.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Install what is missing without asking
    #[arg(long)]
    yes: bool,
    /// Start over: remove the data of earlier runs in .freehold first
    #[arg(long)]
    fresh: bool,
    /// The console's port; another one is taken if it is in use
    #[arg(long, default_value_t = 7180)]
    port: u16,
}

enum Event {
    Stop,
    Said(String),
    ServerEnded,
}

/// Builds and starts everything, says where it is, and stops it on Ctrl-C.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    needs::for_running(arguments.yes)?;
    let folder = root().join(".freehold");
    let _only_one = only_one()?;
    if arguments.fresh && folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    println!("Building Freehold (a few minutes the first time, seconds after that)");
    // Not --release: the first build takes several times as long with it, for a server that is fast enough to try out either way;
    // and the tests share this build.
    succeed(&mut cargo(&["build", "--locked", "--package", "freehold"]))
        .context("Freehold was not built; the compiler's message above says why")?;

    let (events, happened) = channel();
    stop::on_request(Event::Stop, events.clone())?;
    println!("Starting the demo mailbox");
    let mail_folder = mail_folder(&folder)?;
    let mailbox = start_mailbox(&mail_folder)?;
    println!("Starting the practice shop");
    let shop = shop::start(&folder.join("practice"))?;
    let place = Place { address: free_address(arguments.port)?, binary: binary(), folder };
    place.prepare(None, &shop::stand_ins(&shop))?;
    println!("Starting Freehold\n");
    let mut server = place.serve(Stdio::piped(), Stdio::inherit())?;
    relay_output(&mut server, events)?;
    let is_set_up = server.wait_for("/api/v1/setup", START_LIMIT)?.contains("\"done\"");

    let mut greeting = Greeting { is_set_up, setup_code: None, is_over: false };
    loop {
        match happened.recv() {
            Ok(Event::Said(line)) if greeting.is_over => println!("{line}"),
            Ok(Event::Said(line)) => {
                greeting.hear(&line);
                if greeting.is_over {
                    prove_in_the_background(&place);
                    print_invitation(&place, &shop, &mailbox, &mail_folder, greeting.setup_code.as_deref());
                }
            }
            Ok(Event::ServerEnded) => {
                let status = server.stop()?;
                drop(mailbox);
                bail!("Freehold ended by itself with {status}; the lines above say why");
            }
            Ok(Event::Stop) | Err(_) => break,
        }
    }
    println!("\nStopping Freehold, the practice shop and the demo mailbox");
    server.stop()?;
    drop((mailbox, shop));
    println!("Stopped. What was collected stays in {}; `cargo xtask run --fresh` starts over.", place.folder.display());
    Ok(())
}

/// What the server says when it is ready, told again in the invitation with what belongs beside it.
struct Greeting {
    is_set_up: bool,
    setup_code: Option<String>,
    is_over: bool,
}

impl Greeting {
    fn hear(&mut self, line: &str) {
        if let Some(code) = line.strip_prefix("Setup code") {
            self.setup_code = Some(code.trim().to_owned());
        }
        let last = if self.is_set_up { "Console" } else { "Open the console" };
        self.is_over = line.starts_with(last);
    }
}

/// Holds a lock while this runs: a second one would take the data away from under the first.
fn only_one() -> anyhow::Result<File> {
    let path = root().join("target/run.lock");
    let file = File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        bail!("another `cargo xtask run` is under way here: stop it with Ctrl-C in its terminal first");
    }
    Ok(file)
}

/// Where the demo mailbox is: beside the data. A mail server started by root reads mail as another user, who cannot enter a clone
/// in root's own home; then it is in /run.
fn mail_folder(folder: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let is_open = |dir: &Path| dir.metadata().is_ok_and(|found| found.permissions().mode() & 0o001 != 0);
    let reachable = !rustix::process::geteuid().is_root() || folder.ancestors().all(is_open);
    Ok(if reachable { folder.join("mailbox") } else { PathBuf::from("/run/freehold-demo-mailbox") })
}

fn start_mailbox(folder: &Path) -> anyhow::Result<Dovecot> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let user = User { name: DEMO_USER.to_owned(), password: DEMO_PASSWORD.to_owned() };
    let mailbox = Dovecot::start(folder, &[user])?;
    if !mailbox.has_mail(DEMO_USER) {
        demo::fill(&mailbox, DEMO_USER)?;
    }
    Ok(mailbox)
}

/// Passes on what the server prints, and says when it is over.
fn relay_output(server: &mut Server, events: Sender<Event>) -> anyhow::Result<()> {
    let output = server.child.stdout.take().context("the server's output was not kept")?;
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = events.send(Event::Said(line));
        }
        let _ = events.send(Event::ServerEnded);
    });
    Ok(())
}

fn print_invitation(place: &Place, shop: &Practice, mailbox: &Dovecot, mail_folder: &Path, setup_code: Option<&str>) {
    println!("Open        http://{}", place.address);
    if let Some(code) = setup_code {
        println!("Setup code  {code}");
    }
    println!(
        "\n\
         {}\n\
         A demo mailbox to connect there (Add a source):\n\
         \x20 Mail server   127.0.0.1\n\
         \x20 Encryption    None (it is on this machine; anywhere else Freehold insists on TLS)\n\
         \x20 Port          {}\n\
         \x20 Username      {DEMO_USER}\n\
         \x20 App password  {DEMO_PASSWORD}\n\
         \n\
         The same over TLS: port {}, and as the extra certificate the text of\n\
         \x20 {}\n\
         \n\
         The command line talks to this server too:\n\
         \x20 {} source list\n\
         \n\
         Ctrl-C stops all of it.",
        shop::invitation(shop),
        mailbox.imap_port,
        mailbox.imaps_port,
        mail_folder.join("ca.pem").display(),
        shown(&place.freehold()),
    );
}

/// Once there is an owner, has it proven that runs of the connectors with a shop here can keep nothing, so that the choice is there to be
/// tried. Whatever comes of it, nothing else waits for it.
fn prove_in_the_background(place: &Place) {
    let quiet = |arguments: &[&str]| {
        let mut command = place.freehold();
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let mut list = quiet(&["source", "list"]);
    let proofs = ["practice", "amazon"].map(|name| (name, quiet(&["connector", "prove-ephemeral", name])));
    std::thread::spawn(move || {
        while !list.status().is_ok_and(|status| status.success()) {
            std::thread::park_timeout(LOOK_AGAIN);
        }
        for (name, mut prove) in proofs {
            println!("Proving that runs of the {name} connector can keep nothing: a minute or two, in the background.");
            match prove.status() {
                Ok(status) if status.success() => println!("Proven: {name} can be collected keeping nothing, too."),
                _ => println!("That could not be proven here; see `freehold connector prove-ephemeral {name}`."),
            }
        }
    });
}

fn binary() -> PathBuf {
    root().join("target/debug/freehold")
}
