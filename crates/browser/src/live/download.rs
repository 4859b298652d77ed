//! Files that pages hand out, kept for the owner to save while the view is open.

use std::fs::File;

use serde::Deserialize;
use serde_json::json;

use super::folder::plain;
use super::message::{Download, DownloadState, Said};
use super::{LiveView, Shared, State};
use crate::BrowserError;
use crate::cdp::{Client, Event};

/// Files that are told of; a page that hands out more is not listened to.
const MOST: usize = 20;

/// What pages have handed out.
#[derive(Default)]
pub(super) struct Downloads {
    all: Vec<(Guid, Download)>,
    counted: u32,
    /// Whether the browser keeps what pages hand out.
    pub(super) are_kept: bool,
}

/// What the browser calls a download: its file's name.
#[derive(Clone, PartialEq, Eq, Deserialize)]
struct Guid(String);

/// A file for the owner to save.
pub struct SavedFile {
    /// Its name, as the page gave it, without what is no part of a name.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// It, open at its start.
    pub file: File,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Begun {
    guid: Guid,
    suggested_filename: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    guid: Guid,
    total_bytes: f64,
    received_bytes: f64,
    state: String,
}

impl LiveView {
    /// A file that a page has handed out, by the number it was told with. `None` if it is not there, or no longer.
    pub fn download(&self, id: u32) -> Option<SavedFile> {
        let state = self.0.state();
        let (guid, download) = state.downloads.all.iter().find(|(_, download)| download.id == id)?;
        let file = state.folder.read(&guid.0).ok().filter(|_| download.state == DownloadState::Ready)?;
        Some(SavedFile { name: download.name.clone(), size: file.metadata().ok()?.len(), file })
    }
}

impl Shared {
    pub(super) fn download_begins(&self, event: &Event) {
        let Some(begun) = event.params::<Begun>() else { return };
        let mut state = self.state();
        if !state.downloads.are_kept {
            return;
        }
        if state.downloads.all.len() >= MOST || !begun.guid.is_name() {
            return begun.guid.cancel(&self.client);
        }
        state.downloads.counted += 1;
        let name = plain(&begun.suggested_filename);
        let id = state.downloads.counted;
        let download = Download { id, name, state: DownloadState::Coming, received: 0, size: None };
        state.downloads.all.push((begun.guid, download));
        state.tell_downloads();
    }

    pub(super) fn download_goes_on(&self, event: &Event) {
        let Some(progress) = event.params::<Progress>() else { return };
        let (received, total) = (bytes(progress.received_bytes), bytes(progress.total_bytes));
        let mut state = self.state();
        let room = state.room();
        let State { folder, downloads, .. } = &mut *state;
        let coming =
            |(guid, download): &&mut (Guid, Download)| *guid == progress.guid && download.state == DownloadState::Coming;
        let Some((guid, download)) = downloads.all.iter_mut().find(coming) else { return };
        let before = download.clone();
        let room = room + download.received;
        download.size = (total > 0).then_some(total);
        download.received = received;
        match progress.state.as_str() {
            "completed" => match folder.read(&guid.0).and_then(|file| file.metadata()) {
                Ok(file) if file.len() <= room => {
                    (download.received, download.size) = (file.len(), Some(file.len()));
                    download.state = DownloadState::Ready;
                }
                Ok(_) => download.state = DownloadState::NoRoom,
                Err(_) => download.state = DownloadState::Lost,
            },
            "canceled" => download.state = DownloadState::Lost,
            _ if received.max(total) > room => {
                guid.cancel(&self.client);
                download.state = DownloadState::NoRoom;
            }
            _ => {}
        }
        if matches!(download.state, DownloadState::Lost | DownloadState::NoRoom) {
            download.received = 0;
            folder.remove(&guid.0);
        }
        if *download != before {
            state.tell_downloads();
        }
    }
}

impl State {
    /// From now on what pages hand out is kept for the owner.
    pub(super) fn keep_downloads(&mut self, client: &Client) -> Result<(), BrowserError> {
        self.folder.open()?;
        let path = self.folder.path();
        let keep = json!({ "behavior": "allowAndName", "downloadPath": path, "eventsEnabled": true });
        client.send(None, "Browser.setDownloadBehavior", &keep)?;
        self.downloads.are_kept = true;
        Ok(())
    }

    /// Nothing is kept any more, and what was is gone.
    pub(super) fn drop_downloads(&mut self, client: &Client) {
        if std::mem::take(&mut self.downloads.are_kept) {
            // The browser may be gone.
            let _ = client.send(None, "Browser.setDownloadBehavior", &json!({ "behavior": "deny" }));
            for (guid, download) in self.downloads.all.drain(..) {
                if download.state == DownloadState::Coming {
                    guid.cancel(client);
                }
                self.folder.remove(&guid.0);
            }
        }
    }

    /// The bytes that downloads take up.
    pub(super) fn downloaded(&self) -> u64 {
        self.downloads.all.iter().map(|(_, download)| download.received).sum()
    }

    /// What there is by now.
    pub(super) fn said_of_downloads(&self) -> Said {
        Said::Downloads { downloads: self.downloads.all.iter().map(|(_, download)| download.clone()).collect() }
    }

    fn tell_downloads(&self) {
        self.audience.say(&self.said_of_downloads());
    }
}

impl Guid {
    fn is_name(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    }

    fn cancel(&self, client: &Client) {
        // One that has ended meanwhile cannot be, and need not.
        let _ = client.send(None, "Browser.cancelDownload", &json!({ "guid": self.0 }));
    }
}

/// Chromium counts in floating point.
fn bytes(count: f64) -> u64 {
    count as u64
}
