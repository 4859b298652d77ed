//! What a connector's pages download. The browser writes into its own directory, which the connector cannot see; a file that is complete
//! is moved from there into the connector's, and only then is the connector told.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, ResolveFlags, Uid, fchown, openat, openat2, unlinkat};
use serde::Deserialize;
use serde_json::{Value, json};

use super::held::Kind;
use super::hosts::Place;
use super::relay::{Caller, Relay, Waiting};
use crate::cdp::Event;

/// The most one file may be, in bytes: it is in memory twice while it is moved.
const LIMIT: u64 = 512 << 20;

/// Where files are while they come, below the browser's own directory.
const FOLDER: &str = "downloads";

/// Where a browser and its connector have files.
pub struct Directories {
    /// The browser's own, which it can write to.
    pub browser: PathBuf,
    /// The connector's temporary one, which may be made later. What is downloaded ends up in it, and files put into pages come from
    /// there.
    pub connector: PathBuf,
}

/// The downloads of one connector's browser.
#[derive(Default)]
pub(super) struct Downloads {
    /// Where the connector wants them, below its directory. `None`: it wants none.
    into: Option<PathBuf>,
    /// The ones it was told of, and where each goes. Removed at their end.
    begun: HashMap<String, PathBuf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Begins {
    frame_id: String,
    guid: String,
    url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    guid: String,
    total_bytes: f64,
    received_bytes: f64,
    state: String,
}

impl Relay {
    /// Takes downloads on or refuses them from now on, as a connector asks. It is asked for in our own session: all of them hear of it.
    pub(super) fn set_downloads(&mut self, caller: Caller, params: &Value) {
        if let Some(held) = self.held.get_mut(&caller.held)
            && let Kind::Root { hears_downloads, .. } = &mut held.kind
        {
            *hears_downloads = params["eventsEnabled"].as_bool().unwrap_or_default();
        }
        // Both kinds get the name the browser gives them, which no page chooses.
        let wanted = matches!(params["behavior"].as_str(), Some("allow" | "allowAndName"));
        let asked = Path::new(params["downloadPath"].as_str().unwrap_or_default());
        let below = asked.strip_prefix(&self.shared.directories().connector).ok();
        let below = below.filter(|below| below.components().all(|part| matches!(part, Component::Normal(_))));
        self.downloads.into = wanted.then(|| below.unwrap_or(Path::new("")).to_owned());
        self.ask_for_downloads(Waiting::Plain(caller));
    }

    /// The same once more, after somebody else had it otherwise.
    pub(super) fn ask_for_downloads(&mut self, waiting: Waiting) {
        let folder = self.shared.directories().browser.join(FOLDER).display().to_string();
        let params = match self.downloads.into {
            Some(_) => json!({ "behavior": "allowAndName", "downloadPath": folder, "eventsEnabled": true }),
            None => json!({ "behavior": "deny", "eventsEnabled": true }),
        };
        let root = self.watch.root.clone();
        self.ask(Some(&root), "Browser.setDownloadBehavior", &params, waiting);
    }

    /// A download begins: the connector's if it is from its hosts, in a frame of its own.
    pub(super) fn download_begins(&mut self, event: &Event) {
        let Some(begins) = event.params::<Begins>() else { return };
        let inside = begins.url.starts_with("data:") || self.shared.hosts().place(&begins.url) == Place::Inside;
        match &self.downloads.into {
            Some(into) if inside && self.watch.is_inside(&begins.frame_id) => {
                self.downloads.begun.insert(begins.guid, into.clone());
                self.tell_of_download("Browser.downloadWillBegin", event.params.get());
            }
            // Another page's is nothing of ours.
            _ if !self.watch.has_frame(&begins.frame_id) => {}
            wanted => {
                if wanted.is_some() {
                    self.shared.note("a download from outside the connector's hosts was refused".to_owned());
                }
                self.ask_root("Browser.cancelDownload", &json!({ "guid": begins.guid }));
            }
        }
    }

    /// A download gets on, or ends. One that cannot be handed over was cancelled, as far as the connector is told.
    pub(super) fn download_gets_on(&mut self, event: &Event) {
        let (Some(progress), Some(mut told)) = (event.params::<Progress>(), event.params::<Value>()) else { return };
        let Directories { browser, connector } = self.shared.directories();
        let Some(into) = self.downloads.begun.get(&progress.guid) else {
            if progress.state == "completed" {
                // It was faster than our refusal. What cannot be removed goes with the browser's directory.
                let _ = folder(browser).and_then(|folder| Ok(unlinkat(folder, &progress.guid, AtFlags::empty())?));
            }
            return;
        };
        match progress.state.as_str() {
            "completed" => match hand_over(browser, &progress.guid, connector, into) {
                Ok(path) => told["filePath"] = path.display().to_string().into(),
                Err(error) => {
                    tracing::info!(%error, "a download was not handed over");
                    self.shared.note(format!("a download was not handed over: {error}"));
                    told["state"] = "canceled".into();
                    told.as_object_mut().map(|told| told.remove("filePath"));
                }
            },
            "inProgress" if progress.total_bytes.max(progress.received_bytes) > LIMIT as f64 => {
                self.shared.note(format!("a download was cancelled: {} MiB are the most", LIMIT >> 20));
                self.ask_root("Browser.cancelDownload", &json!({ "guid": progress.guid }));
            }
            _ => {}
        }
        if progress.state != "inProgress" {
            self.downloads.begun.remove(&progress.guid);
        }
        self.tell_of_download("Browser.downloadProgress", &told.to_string());
    }

    fn tell_of_download(&self, method: &str, params: &str) {
        for (session, held) in &self.held {
            if matches!(held.kind, Kind::Root { hears_downloads: true, .. }) {
                self.tell(session, method, params);
            }
        }
    }
}

/// The directory files come into. Whoever has the browser's uid may have put a link in its place, or in a file's.
fn folder(browser: &Path) -> io::Result<File> {
    let directory = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let browser = openat(CWD, browser, directory, Mode::empty())?;
    Ok(openat2(browser, FOLDER, directory, Mode::empty(), WITHIN)?.into())
}

/// Nothing may lead out of a directory that is somebody else's.
const WITHIN: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// Moves a file from the browser's directory into `into` below the connector's; returns where it is now. It is the content that is moved:
/// the file itself may have other names, and be open in the browser.
fn hand_over(browser: &Path, guid: &str, connector: &Path, into: &Path) -> io::Result<PathBuf> {
    let refuse = |what: &'static str| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    if !guid.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
        return refuse("its name is not one the browser gives");
    }
    let from = folder(browser)?;
    // A pipe that nobody writes to must not hold us up.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(openat2(&from, guid, flags, Mode::empty(), WITHIN)?);
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.nlink() != 1 {
        return refuse("it is no plain file");
    }
    let directory = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut to = File::from(openat(CWD, connector, directory, Mode::empty())?);
    if into != Path::new("") {
        to = openat2(&to, into, directory, Mode::empty(), WITHIN)?.into();
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut copy = File::from(openat(&to, guid, flags, Mode::RUSR | Mode::WUSR)?);
    let owner = to.metadata()?;
    fchown(&copy, Some(Uid::from_raw(owner.uid())), Some(Gid::from_raw(owner.gid())))?;
    let copied = io::copy(&mut file.take(LIMIT + 1), &mut copy);
    // Whatever came of it, the room it took is free again.
    let _ = unlinkat(&from, guid, AtFlags::empty());
    match copied {
        Ok(bytes) if bytes <= LIMIT => Ok(connector.join(into).join(guid)),
        copied => {
            let _ = unlinkat(&to, guid, AtFlags::empty());
            copied.and_then(|_| refuse("it is too large"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, hard_link};
    use std::os::unix::fs::symlink;

    use super::*;

    const GUID: &str = "0d3f1c52-77aa-4b1e-9c3e-2f6f0a9b8c7d";

    struct Scene {
        folder: tempfile::TempDir,
        browser: PathBuf,
        connector: PathBuf,
    }

    impl Scene {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let at = |name: &str| folder.path().join(name);
            fs::create_dir_all(at("browser/downloads")).unwrap();
            fs::create_dir_all(at("connector/tmp/artifacts")).unwrap();
            fs::write(at("secret"), "secret").unwrap();
            Self { browser: at("browser"), connector: at("connector/tmp"), folder }
        }

        fn arrived(&self) -> PathBuf {
            self.browser.join(FOLDER).join(GUID)
        }

        fn hand_over(&self, into: &str) -> io::Result<PathBuf> {
            hand_over(&self.browser, GUID, &self.connector, Path::new(into))
        }
    }

    #[test]
    fn a_file_is_moved_to_where_the_connector_asked_and_belongs_to_whom_that_belongs() {
        let scene = Scene::new();
        let uid = rustix::process::getuid().is_root().then_some(12345);
        std::os::unix::fs::chown(scene.connector.join("artifacts"), uid, uid).unwrap();
        for into in ["artifacts", ""] {
            fs::write(scene.arrived(), "contents").unwrap();
            let path = scene.hand_over(into).unwrap();
            assert_eq!(path, scene.connector.join(into).join(GUID));
            assert_eq!(fs::read_to_string(&path).unwrap(), "contents");
            let (file, directory) = (path.metadata().unwrap(), scene.connector.join(into).metadata().unwrap());
            assert_eq!((file.uid(), file.mode() & 0o777), (directory.uid(), 0o600));
            assert!(!scene.arrived().exists());
        }
        fs::write(scene.arrived(), "other").unwrap();
        assert_eq!(scene.hand_over("").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn no_link_in_the_browsers_directory_leads_out_of_it() {
        let scene = Scene::new();
        let secret = scene.folder.path().join("secret");
        symlink(&secret, scene.arrived()).unwrap();
        assert!(scene.hand_over("").is_err(), "a link");
        fs::remove_file(scene.arrived()).unwrap();
        hard_link(&secret, scene.arrived()).unwrap();
        assert!(scene.hand_over("").is_err(), "a second name");
        fs::remove_dir_all(scene.browser.join(FOLDER)).unwrap();
        fs::rename(&secret, scene.folder.path().join(GUID)).unwrap();
        symlink(scene.folder.path(), scene.browser.join(FOLDER)).unwrap();
        assert!(scene.hand_over("").is_err(), "a directory that is a link");
        assert!(hand_over(&scene.browser, "../secret", &scene.connector, Path::new("")).is_err());
        assert_eq!(fs::read_dir(&scene.connector).unwrap().count(), 1, "nothing arrived");
    }

    #[test]
    fn no_link_in_the_connectors_directory_has_a_file_written_elsewhere() {
        let scene = Scene::new();
        fs::write(scene.arrived(), "contents").unwrap();
        let elsewhere = scene.folder.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        symlink(&elsewhere, scene.connector.join("link")).unwrap();
        assert!(scene.hand_over("link").is_err());
        symlink(elsewhere.join("file"), scene.connector.join(GUID)).unwrap();
        assert!(scene.hand_over("").is_err());
        fs::remove_dir_all(&scene.connector).unwrap();
        symlink(&elsewhere, &scene.connector).unwrap();
        assert!(scene.hand_over("").is_err(), "the directory itself");
        assert_eq!(fs::read_dir(elsewhere).unwrap().count(), 0);
    }
}
