//! Being reached, set up and looked at from the terminal.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::harness::{Deployment, PASSPHRASE};

/// A server that answers each request with this status, and takes no message over that it does not want.
fn answering(status: &'static str) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"}") {
                let mut chunk = [0; 4096];
                let read = stream.read(&mut chunk).unwrap();
                request.extend_from_slice(&chunk[..read]);
                if read == 0 {
                    break;
                }
            }
            // Whoever asked may be gone.
            let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 12\r\n\r\n{{\"id\":\"abc\"}}");
        }
    });
    port
}

/// With `TIME` in the place of each time to the minute.
fn without_times(text: &str) -> String {
    let shape = |piece: &str| piece.replace(|letter: char| letter.is_ascii_digit(), "0") == "0000-00-00 00:00";
    let mut plain = text.to_owned();
    while let Some(at) = (0..plain.len()).find(|at| plain.get(*at..at + 16).is_some_and(shape)) {
        plain.replace_range(at..at + 16, "TIME");
    }
    plain
}

#[test]
fn a_channel_is_added_tried_changed_and_removed() {
    let deployment = Deployment::new();
    deployment.set_up();
    let passphrase = deployment.secret_file("passphrase", PASSPHRASE);
    let server = deployment.serve();
    let (_, address) = server.announced.split_once("http://").unwrap();
    let address = address.split_whitespace().next().unwrap().trim_end_matches('/');
    let run = |arguments: &[&str]| deployment.run(&[&["--passphrase-file", &passphrase], arguments].concat());
    let (good, bad) = (answering("200 OK"), answering("403 Forbidden"));
    let settings = |name: &str, port: u16, more: &str| {
        deployment.secret_file(name, &format!("server=http://127.0.0.1:{port}\ntopic=freehold-x\n{more}"))
    };
    // What differs from run to run, by name.
    let plain = |text: &str, id: &str| {
        let text = text.replace(&good.to_string(), "GOOD").replace(&bad.to_string(), "BAD").replace(address, "ADDRESS");
        without_times(&if id.is_empty() { text } else { text.replace(id, "ID") })
    };
    insta::assert_snapshot!(run(&["notify", "status"]).succeeded().out, @"You are reached nowhere yet. Add a channel: freehold notify add ntfy");
    let added =
        run(&["notify", "add", "ntfy", "--secret-file", &settings("first", good, "token=tk_canary\n")]).succeeded().out;
    let channels = run(&["--json", "notify", "status"]).succeeded().json()["channels"].clone();
    let id = channels[0]["id"].as_str().unwrap().to_owned();
    insta::assert_snapshot!(plain(&added, &id), @r"
    You are reached by ntfy: freehold-x at 127.0.0.1:GOOD.
    Try it: freehold notify test ID
    ");
    insta::assert_snapshot!(plain(&run(&["notify", "test", &id]).succeeded().out, &id), @r"
    The server took the message over. See whether it arrives.
    The server said: 200 OK, message abc
    ");
    insta::assert_snapshot!(run(&["notify", "quiet", "22:00", "07:00", "--zone", "Europe/Berlin"]).succeeded().out, @"Nothing is sent from 22:00 to 07:00, Europe/Berlin.");
    insta::assert_snapshot!(plain(&run(&["notify", "status"]).succeeded().out, &id), @r"
    Channel  Id                              Reaches                        Last
    ntfy     ID  freehold-x at 127.0.0.1:GOOD  Sent

    Quiet hours       22:00 to 07:00, Europe/Berlin
    Messages link to  http://ADDRESS, which only this machine can open

    Sent                                                                     When              State  By
    Freehold: This is a test. You are reached here when Freehold needs you.  TIME  Sent   freehold-x at 127.0.0.1:GOOD; 200 OK, message abc
    ");

    // Another server does not get the token that was for the first.
    let refused = run(&["notify", "replace", &id, "--secret-file", &settings("second", bad, "")]);
    assert_ne!(refused.code, 0);
    insta::assert_snapshot!(plain(&refused.err, &id), @r"
    error: The token was given for other settings, and is not sent with these.
      at: token
      next: Give it again.
    ");
    let replaced = run(&["notify", "replace", &id, "--secret-file", &settings("third", bad, "token=tk_other\n")]);
    insta::assert_snapshot!(plain(&replaced.succeeded().out, &id), @r"
    You are reached by ntfy: freehold-x at 127.0.0.1:BAD.
    Try it: freehold notify test ID
    ");
    let failed = run(&["notify", "test", &id]);
    assert_eq!(failed.code, 1, "a test that did not go out is no success: {failed:?}");
    insta::assert_snapshot!(plain(&failed.out, &id), @r#"
    The server does not let Freehold write to this topic. Give an access token that may, or choose another topic.
    The server said: 403 Forbidden: {"id":"abc"}
    "#);

    insta::assert_snapshot!(run(&["notify", "quiet", "25:00", "07:00"]).err, @r"
    error: This is not a time of day.
      at: start
      next: Write it like 22:00.
    ");
    insta::assert_snapshot!(run(&["notify", "quiet", "--off"]).succeeded().out, @"There are no quiet hours any more.");
    insta::assert_snapshot!(run(&["notify", "add", "pigeon"]).err, @r"
    error: invalid value 'pigeon' for '<KIND>': use ntfy or email

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(run(&["notify", "remove", &id]).succeeded().out, @"You are no longer reached that way.");
    let again = run(&["notify", "remove", &id]);
    assert_eq!(again.code, 3);
    insta::assert_snapshot!(plain(&again.err, &id), @r"
    error: There is no such channel.
      next: Look at the list of them.
    ");
    let all = run(&["--json", "notify", "status"]).succeeded().out;
    assert!(!all.contains("tk_") && !run(&["audit", "show"]).succeeded().out.contains("tk_"), "{all}");
}
