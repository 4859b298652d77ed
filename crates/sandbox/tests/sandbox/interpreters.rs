//! The runtimes connectors are written for, under every stack.

use std::path::Path;

use freehold_sandbox::spawn;

use crate::support::{Place, finish, host, stacks};

/// Everything a connector leans on: modules, threads, WebAssembly (the HTTP client is made of it), a child process with a
/// socketpair, name look-up, a temporary file, standard input opened by name.
const NODE: &str = r#"
const fs = require("fs"), os = require("os"), path = require("path"), crypto = require("crypto");
const { Worker } = require("worker_threads");
const { spawnSync, fork } = require("child_process");
(async () => {
  const seen = {};
  seen.wasm = new WebAssembly.Memory({ initial: 1, maximum: 65536 }).buffer.byteLength;
  fs.writeFileSync(path.join(os.tmpdir(), "x"), "x");
  seen.stdin = fs.readFileSync("/dev/stdin").length;
  seen.child = spawnSync("/bin/echo", ["hi"]).stdout.toString().trim();
  seen.worker = await new Promise((resolve, reject) => {
    const worker = new Worker("require('worker_threads').parentPort.postMessage(42)", { eval: true });
    worker.on("message", resolve); worker.on("error", reject);
  });
  seen.lookup = (await require("dns").promises.lookup("localhost")).address.length > 0;
  seen.random = crypto.randomBytes(4).length;
  seen.home = os.homedir() === process.env.HOME;
  const server = require("http").createServer((request, response) => response.end("served"));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  seen.fetch = await (await fetch(`http://127.0.0.1:${server.address().port}/`)).text();
  server.close();
  console.log(JSON.stringify(seen));
})();
"#;

const PYTHON: &str = r#"
import hashlib, json, os, socket, ssl, subprocess, sys, tempfile, threading
seen = {}
with tempfile.NamedTemporaryFile() as file:
    seen["temporary"] = file.name.startswith(os.environ["TMPDIR"])
seen["child"] = subprocess.run(["echo", "hi"], capture_output=True, text=True).stdout.strip()
thread = threading.Thread(target=lambda: seen.update(thread=42)); thread.start(); thread.join()
seen["lookup"] = len(socket.getaddrinfo("localhost", 80)) > 0
seen["tls"] = ssl.create_default_context() is not None
seen["stdin"] = len(open("/dev/stdin").read())
print(json.dumps(seen))
"#;

#[test]
fn node_works() {
    let expected =
        r#"{"wasm":65536,"stdin":0,"child":"hi","worker":42,"lookup":true,"random":4,"home":true,"fetch":"served"}"#;
    runs("node", "main.js", NODE, expected);
}

#[test]
fn python_works() {
    // Freehold itself does not need Python.
    if Path::new("/usr/bin/python3").exists() {
        let expected = r#"{"temporary": true, "child": "hi", "thread": 42, "lookup": true, "tls": true, "stdin": 0}"#;
        runs("python3", "main.py", PYTHON, expected);
    }
}

fn runs(program: &str, file: &str, source: &str, expected: &str) {
    let place = Place::new();
    std::fs::write(place.path("folder").join(file), source).unwrap();
    for (name, mask) in stacks() {
        let mut spec = place.spec("", &[]);
        (spec.program, spec.args) = (program.into(), vec![file.into()]);
        assert_eq!(finish(spawn(&host(mask), spec).unwrap()), expected, "{name}");
    }
}
