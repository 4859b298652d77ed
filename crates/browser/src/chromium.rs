//! Starting Chromium, confined to one directory, and ending it.

mod flags;
mod policy;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

use freehold_sandbox::{Child, ChildSpec, Display, Host, Kind, Layers, Limits, Strength, spawn};
use serde::Deserialize;
use serde_json::json;

use crate::cdp::Client;
use crate::{BrowserError, Page};

/// Where distributions put the program itself; `/usr/bin/chromium` is a script that reads the environment.
const PLACES: [&str; 3] = [
    "/usr/lib/chromium/chromium",
    "/usr/lib/chromium-browser/chromium-browser",
    "/usr/lib64/chromium-browser/chromium-browser",
];

/// Bytes of the path to a browser's directory. Below it Chromium makes a socket, and the kernel takes 107 bytes for that path.
const LONGEST_SCRATCH: usize = 107 - "/tmp/.org.chromium.Chromium.XXXXXX/SingletonSocket".len();

/// How long it may take to end when asked to; it writes its profile meanwhile.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// Where they put the X server that needs no screen.
const DISPLAY_SERVER: &str = "/usr/bin/Xvfb";

/// The size of a private display: larger than a browser's window, which would else be one pixel smaller than it was to be.
const SCREEN: (u32, u32) = (1920, 1080);

/// A Chromium that is installed.
#[derive(Clone, Debug)]
pub struct Installed {
    program: PathBuf,
    display_server: Option<PathBuf>,
}

/// How one browser is started.
pub struct Options {
    /// A directory of this run's alone, on tmpfs: the profile is `profile` in it, and nothing is written anywhere else.
    pub scratch: PathBuf,
    /// A directory for the managed policies, shared by all browsers and written only by this crate.
    pub policies: PathBuf,
    /// The window, in CSS pixels.
    pub window: (u32, u32),
    /// Hosts that are answered by another address: for trying a connector without its provider.
    pub stand_ins: Vec<StandIn>,
    /// Whether it has windows.
    pub windows: Windows,
    /// What to do where the machine cannot confine it.
    pub strength: Strength,
}

/// Whether a browser has windows. Some sites turn away one that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Windows {
    /// On a display of its own that nobody sees, where [`Installed::has_display`] says so; elsewhere none.
    Private,
    /// None.
    None,
}

/// A host that is answered by a stand-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandIn {
    /// The host, as in `www.example.com`.
    pub host: String,
    /// Where it really is: address and port.
    pub address: String,
    /// The SHA-256 of its certificate's public key (SPKI), in base64: the only certificate that is trusted without an authority.
    pub key: Option<String>,
}

/// A running browser. Dropping it kills everything it started.
pub struct Chromium {
    child: Child,
    client: Client,
    version: String,
}

impl Installed {
    /// Looks for it.
    pub fn find() -> Result<Self, BrowserError> {
        let there = |path: &PathBuf| path.is_file();
        let program = PLACES.iter().map(PathBuf::from).find(there).ok_or(BrowserError::NotInstalled)?;
        Ok(Self { program, display_server: Some(PathBuf::from(DISPLAY_SERVER)).filter(there) })
    }

    /// The program.
    pub fn path(&self) -> &Path {
        &self.program
    }

    /// Whether its windows can be on a private display: that takes Xvfb, and mounts of its own.
    pub fn has_display(&self, host: &Host) -> bool {
        self.display_server.is_some() && host.has_own_mounts()
    }

    /// Starts one. Takes about half a second; returns when it answers.
    pub fn start(&self, host: &Host, options: &Options) -> Result<Chromium, BrowserError> {
        if options.scratch.as_os_str().len() > LONGEST_SCRATCH {
            let what = "its path is too long for the socket a browser makes there; set scratch_dir to a shorter one";
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, what).into());
        }
        policy::write(&options.policies)?;
        policy::write_preferences(&options.scratch.join("profile"))?;
        let has_display = options.windows == Windows::Private && self.has_display(host);
        let display = self.display_server.clone().filter(|_| has_display);
        let spec = ChildSpec {
            program: self.program.clone(),
            args: flags::all(options, has_display).into_iter().map(Into::into).collect(),
            folder: options.policies.clone(),
            env: flags::environment(&options.scratch),
            secret_env: Vec::new(),
            scratch: options.scratch.clone(),
            // Its pages are limited by itself; these only stop it from taking the machine down.
            limits: Limits {
                memory_bytes: 8 << 30,
                processes: 4096,
                open_files: 8192,
                file_bytes: 2 << 30,
                cpu_seconds: 6 * 3600,
            },
            network: true,
            strength: options.strength,
            kind: Kind::Browser {
                policies: options.policies.clone(),
                display: display.map(|server| Display { server, size: SCREEN }),
            },
            receives_secret: true,
        };
        let mut child = spawn(host, spec)?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else { return Err(BrowserError::Gone) };
        let (said, last_said) = channel();
        if let Some(stderr) = child.stderr.take() {
            std::thread::Builder::new().name("browser log".to_owned()).spawn(move || {
                let mut last = String::new();
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    tracing::trace!(line, "chromium");
                    last = line;
                }
                // Only a failed start wants to know.
                let _ = said.send(last);
            })?;
        }
        let client = Client::over(to, from)?;
        match client.call("Browser.getVersion", json!({})) {
            Ok(version) => {
                let version = version["product"].as_str().unwrap_or_default().to_owned();
                Ok(Chromium { child, client, version })
            }
            Err(_) => {
                child.kill_tree()?;
                Err(BrowserError::Ended { said: last_said.recv_timeout(CLOSE_LIMIT).unwrap_or_default() })
            }
        }
    }
}

impl Chromium {
    /// The connection to it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Its name and version, as in `Chrome/156.0.8078.79`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What confines it, beside its own sandbox.
    pub fn layers(&self) -> &Layers {
        self.child.layers()
    }

    /// Its first page, which a new browser has open.
    pub fn first_page(&self) -> Result<Page, BrowserError> {
        match self.page_targets()?.into_iter().next() {
            Some(target) => Page::attach(&self.client, &target),
            None => self.new_page(),
        }
    }

    /// Opens a page more.
    pub fn new_page(&self) -> Result<Page, BrowserError> {
        let made = self.client.call("Target.createTarget", json!({ "url": "about:blank" }))?;
        Page::attach(&self.client, made["targetId"].as_str().unwrap_or_default())
    }

    /// The ids of its pages: tabs and pop-ups, not frames or workers. Those that another page opened come last; Chromium tells no
    /// other order.
    pub fn page_targets(&self) -> Result<Vec<String>, BrowserError> {
        Ok(page_targets(&self.client)?.into_iter().map(|page| page.id).collect())
    }

    /// Asks it to end, so that it writes its profile, and kills what is left after a while. Nothing of it runs afterwards.
    pub fn close(self) -> Result<(), BrowserError> {
        // It may be gone already.
        let _ = self.client.send(None, "Browser.close", &json!({}));
        let events = self.client.events(None);
        let until = std::time::Instant::now() + CLOSE_LIMIT;
        while self.child.try_wait()?.is_none() && std::time::Instant::now() < until {
            if events.next(Duration::from_millis(20)).is_err() {
                break;
            }
        }
        let until = std::time::Instant::now() + CLOSE_LIMIT;
        while self.child.try_wait()?.is_none() && std::time::Instant::now() < until {
            std::thread::park_timeout(Duration::from_millis(10));
        }
        Ok(self.child.kill_tree()?)
    }
}

/// A page of a browser.
pub(crate) struct PageTarget {
    pub(crate) id: String,
    /// The page that opened it.
    pub(crate) opener: Option<String>,
}

/// A browser's pages, those that another opened last.
pub(crate) fn page_targets(client: &Client) -> Result<Vec<PageTarget>, BrowserError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Info {
        target_id: String,
        r#type: String,
        opener_id: Option<String>,
    }
    let method = "Target.getTargets";
    let all = client.call(method, json!({}))?["targetInfos"].take();
    let mut all: Vec<Info> = serde_json::from_value(all)
        .map_err(|error| BrowserError::Unexpected { method: method.to_owned(), detail: error.to_string() })?;
    all.sort_by_key(|info| info.opener_id.is_some());
    let pages = all.into_iter().filter(|info| info.r#type == "page");
    Ok(pages.map(|info| PageTarget { id: info.target_id, opener: info.opener_id }).collect())
}
