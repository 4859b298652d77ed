//! Telling the owner what they are needed for, while servers die in the middle of it, start with a locked vault, or are to be quiet.
//!
//! Half a minute and a day pass by moving what is written down into the past, while no server runs.

use std::time::Duration;

use freehold_tests::mail::Smtp;
use freehold_tests::ntfy::Ntfy;
use freehold_tests::server::Server;
use serde_json::Value;

/// Longer than a need has to last before it is told of. Milliseconds.
const A_MINUTE: u64 = 60_000;
const A_DAY: u64 = 25 * 60 * 60_000;
/// How long after it was started a server dies: from before it looked what is needed to when all is sent.
const MOMENTS_MS: [u64; 6] = [0, 5, 20, 60, 220, 400];

#[test]
fn a_message_that_was_cut_off_is_not_sent_again_and_its_need_is_reminded_of() {
    let ntfy = Ntfy::start();
    let mut server = Server::new(&[]);
    server.start();
    reach(&server, "ntfy", &ntfy.settings(""));
    need(&server, "a");
    // Before anything was sent.
    server.kill();
    pass(&server, A_MINUTE);
    assert!(ntfy.taken().is_empty(), "an owner who is there answers first");

    // Between the provider's taking it over and our noting that.
    ntfy.be_silent(true);
    server.start();
    ntfy.wait_for(1);
    server.kill();
    for _ in 0..3 {
        server.start();
        assert_eq!(states(&server), ["unknown"]);
        server.kill();
    }
    ntfy.be_silent(false);

    // What comes next shows that nothing came in between.
    server.start();
    need(&server, "b");
    server.stop();
    pass(&server, A_MINUTE);
    server.start();
    let taken = ntfy.wait_for(2);
    until(&server, "it to be noted", |facts| all_states(facts) == ["sent", "unknown"]);
    server.stop();

    pass(&server, A_DAY);
    server.start();
    let reminded = ntfy.wait_for(4);
    let texts: Vec<&str> = reminded.iter().map(|taken| taken.text.as_str()).collect();
    assert_eq!(texts[..2], [taken[0].text.as_str(), taken[1].text.as_str()]);
    assert!(texts[2..].iter().all(|text| text.contains(": Reminder: ")), "{texts:?}");
    until(&server, "them to be noted", |facts| all_states(facts) == ["sent", "sent", "sent", "unknown"]);
    assert_eq!(server.cli(&["audit", "verify"], "").code, 0);
}

#[test]
fn a_server_killed_at_any_moment_tells_of_many_needs_once() {
    let ntfy = Ntfy::start();
    let mut server = Server::new(&[]);
    server.start();
    reach(&server, "ntfy", &ntfy.settings(""));
    for name in ["a", "b", "c", "d", "e"] {
        need(&server, name);
    }
    server.kill();
    pass(&server, A_MINUTE);
    for moment in MOMENTS_MS {
        server.start();
        std::thread::park_timeout(Duration::from_millis(moment));
        server.kill();
    }
    server.start();
    until(&server, "the message to be over", |facts| {
        matches!(all_states(facts)[..], ["sent" | "unknown"])
            && facts["needs"].as_array().is_some_and(|needs| needs.len() == 5)
    });
    let sent: Vec<String> = ntfy.taken().into_iter().map(|taken| taken.text).collect();
    assert!(sent.len() <= 1 && sent.iter().all(|text| text == "Freehold: 5 things need you."), "{sent:?}");
    server.stop();
    pass(&server, A_DAY);
    server.start();
    let sent = ntfy.wait_for(sent.len() + 1);
    assert_eq!(sent.last().map(|taken| taken.text.as_str()), Some("Freehold: 5 things need you."));
    until(&server, "the reminder to be noted", |facts| {
        all_states(facts).len() == 2
            && facts["needs"].as_array().is_some_and(|needs| needs.iter().all(|need| !need["reminded_at"].is_null()))
    });
}

#[test]
fn what_waits_for_the_vault_goes_out_when_it_is_unlocked() {
    let (ntfy, open, smtp) = (Ntfy::start(), Ntfy::start(), Smtp::start());
    let mut server = Server::new(&[]);
    server.start();
    reach(&server, "ntfy", &ntfy.settings("tk_canary"));
    reach(&server, "ntfy", &open.settings(""));
    reach(&server, "email", &smtp.settings());
    let passphrase = server.write("vault-passphrase", "amber meadow thimble four").display().to_string();
    for arguments in
        [&["vault", "set-passphrase", "--vault-passphrase-file", &passphrase][..], &["vault", "remove-key-file"]]
    {
        let said = server.cli(arguments, "");
        assert_eq!(said.code, 0, "{said:?}");
    }
    need(&server, "a");
    server.stop();
    pass(&server, A_MINUTE);
    server.start();

    let told = open.wait_for(1);
    until(&server, "the others to wait", |facts| {
        let mut states = all_states(facts);
        states.sort_unstable();
        let notes: Vec<&str> = deliveries(facts).filter_map(|delivery| delivery["note"].as_str()).collect();
        let waits = |secret: &str| notes.contains(&&*format!("The vault is locked. This channel's {secret} is in it."));
        states == ["sent", "waiting", "waiting"] && waits("token") && waits("password")
    });
    assert!(ntfy.taken().is_empty() && smtp.took_none(), "sent without what it needs");
    let status = server.cli(&["notify", "status"], "");
    assert!(status.out.contains("The vault is locked."), "{status:?}");

    let said = server.cli(&["vault", "unlock", "--vault-passphrase-file", &passphrase], "");
    assert_eq!(said.code, 0, "{said:?}");
    let taken = ntfy.wait_for(1);
    assert_eq!((&*taken[0].authorization, &taken[0].text), ("Bearer tk_canary", &told[0].text));
    let mail = smtp.taken();
    assert_eq!(mail["authenticated"], true);
    // A long header goes on in the next line, which begins with a space.
    let text = mail["text"].as_str().expect("its text").replace("\r\n", "\n").replace("\n ", " ");
    assert!(text.contains(&format!("Subject: {}", told[0].text.split('.').next().expect("a sentence"))), "{text}");
    until(&server, "all to be noted", |facts| all_states(facts) == ["sent", "sent", "sent"]);
    assert_eq!((ntfy.taken().len(), open.taken().len(), smtp.took_none()), (1, 1, true), "once each");
    assert!(!server.log().contains("canary"), "{}", server.log());
}

#[test]
fn in_quiet_hours_nothing_goes_out_until_they_are_over() {
    let ntfy = Ntfy::start();
    let mut server = Server::new(&[]);
    server.start();
    reach(&server, "ntfy", &ntfy.settings(""));
    // Now is always within one half of the day or the other.
    let hour: u32 = hour_of(&server);
    let now = [format!("{:02}:00", (hour + 20) % 24), format!("{:02}:00", (hour + 4) % 24)];
    let later = [format!("{:02}:00", (hour + 4) % 24), format!("{:02}:00", (hour + 20) % 24)];
    quiet(&server, &now);
    need(&server, "a");
    server.stop();
    pass(&server, A_MINUTE);
    server.start();
    until(&server, "it to be held back", |facts| !facts["needs"][0]["held_until"].is_null());
    // Noted in a look of its own, after which the one before is over.
    need(&server, "b");
    assert!(ntfy.taken().is_empty() && states(&server).is_empty());
    quiet(&server, &later);
    ntfy.wait_for(1);
    until(&server, "it to be noted", |facts| all_states(facts) == ["sent"]);
    let needs = server.json(&["notify", "status"])["needs"].clone();
    let is_told: Vec<bool> = needs.as_array().expect("a list").iter().map(|need| !need["told_at"].is_null()).collect();
    assert_eq!(is_told, [true, false], "the second has not lasted half a minute: {needs:#}");
}

/// Has the owner be reached by another channel.
fn reach(server: &Server, kind: &str, settings: &str) {
    let said = server.cli(&["notify", "add", kind, "--secret-stdin"], settings);
    assert_eq!(said.code, 0, "{said:?}");
}

/// A source that needs the owner, and that is noted.
fn need(server: &Server, name: &str) {
    let before = server.json(&["notify", "status"])["needs"].as_array().map_or(0, Vec::len);
    let arguments = ["source", "add", "spec_only", "--name", name, "--agree", "--secret-stdin", "--no-wait"];
    let said = server.cli(&arguments, "username=ada\npassword=wrong\n");
    assert_eq!(said.code, 0, "{said:?}");
    until(server, "the need to be noted", |facts| facts["needs"].as_array().is_some_and(|needs| needs.len() == before + 1));
}

fn quiet(server: &Server, [start, end]: &[String; 2]) {
    let said = server.cli(&["notify", "quiet", start, end, "--zone", "UTC"], "");
    assert_eq!(said.code, 0, "{said:?}");
}

/// Moves what is written down of needs and messages into the past, so many milliseconds.
fn pass(server: &Server, millis: u64) {
    let data = rusqlite::Connection::open(server.folder().join("data/data.db")).expect("data.db");
    data.busy_timeout(Duration::from_secs(5)).expect("patient");
    for column in [
        "needs SET arose_at = arose_at",
        "needs SET told_at = told_at",
        "messages SET made_at = made_at",
        "deliveries SET next_at = next_at",
    ] {
        data.execute(&format!("UPDATE {column} - ?1"), [millis]).expect("moved");
    }
}

/// Of the server's clock, in UTC.
fn hour_of(server: &Server) -> u32 {
    let at = server.json(&["audit", "show", "--limit", "1"])[0]["at"].as_str().expect("a time").to_owned();
    at.get(11..13).and_then(|hour| hour.parse().ok()).expect("an hour")
}

fn deliveries(facts: &Value) -> impl Iterator<Item = &Value> {
    facts["messages"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|message| message["deliveries"].as_array().into_iter().flatten())
}

/// The states of all deliveries, the newest message's first.
fn all_states(facts: &Value) -> Vec<&str> {
    deliveries(facts).filter_map(|delivery| delivery["state"].as_str()).collect()
}

fn states(server: &Server) -> Vec<String> {
    all_states(&server.json(&["notify", "status"])).into_iter().map(str::to_owned).collect()
}

fn until(server: &Server, what: &str, is_so: impl Fn(&Value) -> bool) {
    let mut facts = Value::Null;
    for _ in 0..600 {
        facts = server.json(&["notify", "status"]);
        if is_so(&facts) {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    panic!("never {what}: {facts:#}\n{}", server.log());
}
