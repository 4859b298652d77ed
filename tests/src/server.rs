//! The real `freehold`: a server process of a test's own, and its command line.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::source::root;

/// The owner's passphrase on every server of a test.
pub const PASSPHRASE: &str = "a passphrase for tests alone";

/// A server process and everything it wrote, in one folder: `data`, `config`, `run`, `scratch`, `log` and what the tests put beside.
pub struct Server {
    folder: tempfile::TempDir,
    environment: Vec<(OsString, OsString)>,
    port: u16,
    child: Option<Child>,
}

/// What one use of the command line came to.
#[derive(Debug)]
pub struct Said {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Server {
    /// Set up by `freehold init`, and not started yet. These variables are in the environment of the server and of every command.
    pub fn new(environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr()).expect("a port").port();
        let environment = environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let server = Self { folder, environment, port, child: None };
        for name in ["config", "data", "run", "scratch"] {
            fs::create_dir_all(server.folder().join(name)).expect("a folder");
        }
        server.configure("");
        server.write("passphrase", PASSPHRASE);
        let key = server.folder().join("recovery-key");
        let said = server.cli(&["init", "--recovery-key-file", &key.to_string_lossy()], "");
        assert_eq!(said.code, 0, "{said:?}");
        server
    }

    /// Writes the configuration, with these lines at its end.
    pub fn configure(&self, more: &str) {
        let at = |name: &str| self.folder().join(name).display().to_string();
        let text = format!(
            "listen = \"127.0.0.1:{}\"\ndata_dir = \"{}\"\nkey_file = \"{}\"\nruntime_dir = \"{}\"\nscratch_dir = \"{}\"\n\
             connector_dirs = [\"{}\"]\n{more}",
            self.port,
            at("data"),
            at("config/vault.key"),
            at("run"),
            at("scratch"),
            root().join("tests/connectors").display(),
        );
        self.write("config/config.toml", &text);
    }

    /// Starts it, and returns when it listens.
    pub fn start(&mut self) {
        let serve = self.command(&["serve"]);
        self.start_by(serve);
    }

    /// The same with the data directory on a disk of that many bytes: a copy of it, gone when the server ends.
    pub fn start_on_a_disk_of(&mut self, bytes: u64) {
        let serve = self.command(&["serve"]);
        let data = self.folder().join("data");
        let original = self.folder().join("data.original");
        fs::rename(&data, &original).and_then(|()| fs::create_dir(&data)).expect("moved");
        #[expect(clippy::disallowed_methods, reason = "the process under test")]
        let mut small = Command::new("bwrap");
        small.args(["--die-with-parent", "--dev-bind", "/", "/", "--size", &bytes.to_string(), "--tmpfs"]).arg(&data);
        small.args(["sh", "-c", "cp -a \"$1\"/. \"$2\" && shift 2 && exec \"$@\"", "sh"]).arg(&original).arg(&data);
        small.arg(serve.get_program()).args(serve.get_args());
        small.envs(self.environment.iter().cloned()).current_dir(self.folder()).stdin(Stdio::piped());
        self.start_by(small);
    }

    fn start_by(&mut self, mut command: Command) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder().join("log")).expect("a log");
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("a process");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let address = format!("127.0.0.1:{}", self.port);
        let listens = lines.by_ref().any(|line| line.contains(&address));
        assert!(listens, "the server did not start: {}", self.log());
        // Read on, so that the server never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        self.child = Some(child);
    }

    /// Stops it by SIGTERM and waits.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let pid = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("its own child");
            child.wait().expect("ended");
        }
    }

    /// Ends it as power loss would, and waits.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("its own child");
            child.wait().expect("ended");
        }
    }

    /// The command line, with `input` on its standard input and the owner's passphrase in a file.
    pub fn cli(&self, arguments: &[&str], input: &str) -> Said {
        let passphrase = self.folder().join("passphrase");
        let mut command = self.command(&["--passphrase-file", &passphrase.to_string_lossy()]);
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a process");
        child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads or has ended");
        let output = child.wait_with_output().expect("ended");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Said { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The same, which must succeed; its JSON.
    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let said = self.cli(&[&["--json"], arguments].concat(), "");
        assert_eq!(said.code, 0, "freehold {arguments:?}: {said:?}");
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.out))
    }

    /// One request over TCP, as a browser or a program would send it; the whole answer.
    pub fn http(&self, request: &str, headers: &[(&str, &str)], body: &str) -> String {
        self.send(request, headers, body.as_bytes())
    }

    fn send(&self, request: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("it listens");
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n",
            self.port
        )
        .and_then(|()| stream.write_all(body))
        .expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Signs in to the console as a browser does, and returns the cookie it then sends.
    pub fn sign_in(&self) -> String {
        let form = format!("passphrase={}", PASSPHRASE.replace(' ', "+"));
        let origin = self.origin();
        let headers = [("Origin", origin.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
        let answer = self.http("POST /sign-in", &headers, &form);
        let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
        cookie.unwrap_or_else(|| panic!("not signed in: {answer}")).to_owned()
    }

    /// What the API has at an address, for the session of this cookie.
    pub fn read(&self, cookie: &str, address: &str) -> serde_json::Value {
        let answer = self.http(&format!("GET /api/v1{address}"), &[("Cookie", cookie)], "");
        let (_, body) = answer.split_once("\r\n\r\n").expect("an answer");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    /// Sends a form of the console, as a browser does; the whole answer.
    pub fn submit(&self, cookie: &str, address: &str, fields: &[(&str, &str)]) -> String {
        let encoded = |text: &str| -> String {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            text.bytes()
                .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
                .collect()
        };
        let form: Vec<_> = fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        let origin = self.origin();
        let kind = ("Content-Type", "application/x-www-form-urlencoded");
        self.http(&format!("POST {address}"), &[("Cookie", cookie), ("Origin", &origin), kind], &form.join("&"))
    }

    /// The same with a file among the fields, as a browser sends it then.
    pub fn upload(&self, cookie: &str, address: &str, fields: &[(&str, &str)], (name, file): (&str, &[u8])) -> String {
        let mut body = Vec::new();
        for (name, value) in fields {
            let part = format!("--b0undary\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend(part.into_bytes());
        }
        let head = format!("--b0undary\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"qr.png\"\r\n\r\n");
        body.extend(head.into_bytes());
        body.extend(file);
        body.extend(b"\r\n--b0undary--\r\n");
        let origin = self.origin();
        let kind = ("Content-Type", "multipart/form-data; boundary=b0undary");
        self.send(&format!("POST {address}"), &[("Cookie", cookie), ("Origin", &origin), kind], &body)
    }

    /// Puts beside the tests' connectors one that is as `stand_in`, and also takes a seed of one-time codes.
    pub fn write_seeded_connector(&self) {
        let original = root().join("tests/connectors/stand_in");
        let own = self.folder().join("connectors/seeded");
        fs::create_dir_all(&own).expect("a folder");
        fs::copy(original.join("stand_in.py"), own.join("stand_in.py")).expect("copied");
        let manifest = fs::read_to_string(original.join("manifest.json")).expect("a manifest");
        let mut manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
        manifest["connector_key"] = "seeded".into();
        manifest["setup"]["extra_captures"] = serde_json::json!([{
            "kind": "otp_seed",
            "label": "Authenticator key",
            "fields": [{"name": "seed", "label": "Key", "type": "password", "secret": true, "required": true, "autocomplete": "off"}],
        }]);
        self.write("connectors/seeded/manifest.json", &manifest.to_string());
        let config = self.folder().join("config/config.toml");
        let text = fs::read_to_string(&config).expect("a configuration");
        let more = format!("connector_dirs = [\"{}\", ", self.folder().join("connectors").display());
        self.write("config/config.toml", &text.replace("connector_dirs = [", &more));
    }

    /// The origin its pages have in a browser.
    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder().join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("private");
        path
    }

    /// What the server logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder().join("log")).unwrap_or_default()
    }

    /// Everything of this server is below here.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server's process.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("started").id()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        #[expect(clippy::disallowed_methods, reason = "the process under test")]
        let mut command = Command::new(binary());
        command.arg("--config").arg(self.folder().join("config/config.toml")).args(arguments);
        command.envs(self.environment.iter().cloned()).current_dir(self.folder()).stdin(Stdio::piped());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The program, built from what is in the tree now: a test of yesterday's binary would be worth nothing. What measures with
/// `--release` is started by `cargo xtask bench`, which has just built both.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if cfg!(debug_assertions) {
            #[expect(clippy::disallowed_methods, reason = "a test builds what it tests")]
            let mut cargo = Command::new(env!("CARGO"));
            let built =
                cargo.args(["build", "--quiet", "--package", "freehold"]).current_dir(root()).status().expect("cargo runs");
            assert!(built.success(), "freehold does not build");
        }
        // Beside the tests' own binaries, whatever the target directory is.
        let own = std::env::current_exe().expect("this test's own file");
        own.ancestors().nth(2).expect("target/debug").join("freehold")
    })
}
