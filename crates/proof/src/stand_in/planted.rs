//! The marked values that the stand-in's pages leave in a browser.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A place where a web page can leave something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plant {
    /// A cookie that outlives the browser.
    Cookie,
    /// The cookie that is the session itself.
    SessionCookie,
    /// `localStorage`.
    LocalStorage,
    /// `sessionStorage`.
    SessionStorage,
    /// A record in an IndexedDB database.
    IndexedDb,
    /// A response in Cache Storage.
    CacheStorage,
    /// The body of a response that the browser's own cache may keep.
    HttpCache,
    /// The source of a service worker.
    ServiceWorker,
    /// The content of a downloaded file.
    Download,
    /// Its name.
    DownloadName,
    /// The address of a page in the history.
    Address,
    /// A page's title.
    Title,
    /// A page's icon: its address and its content.
    Icon,
    /// What stands in a form's field.
    FormInput,
}

impl Plant {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Cookie,
        Self::SessionCookie,
        Self::LocalStorage,
        Self::SessionStorage,
        Self::IndexedDb,
        Self::CacheStorage,
        Self::HttpCache,
        Self::ServiceWorker,
        Self::Download,
        Self::DownloadName,
        Self::Address,
        Self::Title,
        Self::Icon,
        Self::FormInput,
    ];

    /// Its name, as a report has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::SessionCookie => "session cookie",
            Self::LocalStorage => "local storage",
            Self::SessionStorage => "session storage",
            Self::IndexedDb => "IndexedDB",
            Self::CacheStorage => "Cache Storage",
            Self::HttpCache => "HTTP cache",
            Self::ServiceWorker => "service worker",
            Self::Download => "download",
            Self::DownloadName => "download's name",
            Self::Address => "address in the history",
            Self::Title => "title in the history",
            Self::Icon => "icon",
            Self::FormInput => "form input",
        }
    }

    /// Whether a sign-in page leaves it too, before anybody is signed in: what takes no time and shows nothing.
    pub(super) fn is_early(self) -> bool {
        matches!(self, Self::LocalStorage | Self::SessionStorage | Self::Title)
    }
}

/// A value for every place: letters, digits, `-` and `_`, so that it is the same in an address, a cookie and a file's name.
#[derive(Clone)]
pub struct Planted(BTreeMap<Plant, String>);

impl Planted {
    /// With the value that `value` gives for each place.
    pub fn with(value: impl FnMut(Plant) -> String) -> Self {
        Self(Plant::ALL.into_iter().zip(Plant::ALL.map(value)).collect())
    }

    /// The value for a place.
    pub fn of(&self, plant: Plant) -> &str {
        self.0.get(&plant).map_or("", String::as_str)
    }

    /// Every place and its value.
    pub fn all(&self) -> impl Iterator<Item = (Plant, &str)> {
        self.0.iter().map(|(plant, value)| (*plant, value.as_str()))
    }

    /// The first place whose value would not stay the same everywhere.
    pub(super) fn unfit(&self) -> Option<Plant> {
        let is_fit = |value: &str| {
            (8..=128).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        self.all().find(|(_, value)| !is_fit(value)).map(|(plant, _)| plant)
    }
}
