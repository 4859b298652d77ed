//! What a live view and whoever watches it say to each other.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// One picture of the page.
pub struct Frame {
    /// The tab it shows.
    pub tab: u32,
    /// Its number: it grows by one with every frame of the view.
    pub number: u64,
    /// The page's viewport, in CSS pixels. Pointer positions are in these.
    pub width: f32,
    /// Its height.
    pub height: f32,
    /// How far the page itself is zoomed.
    pub zoom: f32,
    /// How far it is scrolled, in CSS pixels.
    pub scroll: (f32, f32),
    /// The picture, a JPEG.
    pub jpeg: Vec<u8>,
}

/// What the bytes of a frame begin with; the picture follows.
const HEADER: usize = 36;

impl Frame {
    /// The frame as one binary message: the tab (u32), the header's length (u32), the number (u64), then width, height, zoom and
    /// both scroll offsets (f32), all little-endian, and the JPEG.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.jpeg.len());
        bytes.extend(self.tab.to_le_bytes());
        bytes.extend((HEADER as u32).to_le_bytes());
        bytes.extend(self.number.to_le_bytes());
        for value in [self.width, self.height, self.zoom, self.scroll.0, self.scroll.1] {
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend(&self.jpeg);
        bytes
    }
}

/// What a viewer gets.
#[derive(Clone)]
pub enum ToClient {
    /// A picture.
    Frame(Arc<Frame>),
    /// Something else.
    Said(Said),
}

/// Everything a viewer is told that is not a picture. No `Debug`: a field's text is the owner's own.
#[derive(Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Said {
    /// Who drives, and whether anyone's input counts.
    State {
        /// Who drives.
        driver: Driver,
        /// How many watch.
        viewers: usize,
        /// Whether Freehold is filling in a page: no frame comes meanwhile, and no input counts.
        filling: bool,
    },
    /// The pages that are open, in the order they were opened.
    Tabs {
        /// The one that is shown.
        shown: u32,
        /// All of them.
        tabs: Vec<Tab>,
    },
    /// The text field that has the focus, if one has.
    Field {
        /// The number of the last input this already shows.
        after: u64,
        /// The field.
        field: Option<Box<Field>>,
    },
    /// A page waits for an answer to its dialog; `None` when it no longer does.
    Dialog {
        /// The dialog.
        dialog: Option<Dialog>,
    },
    /// A list to choose from was opened; `None` when it is gone.
    Choices {
        /// The list.
        choices: Option<Choices>,
    },
    /// The text that was selected when a copy was asked for. Empty if there was none.
    Copied {
        /// The input it answers.
        after: u64,
        /// The text.
        text: String,
    },
    /// A page waits to be given files; `None` when it no longer does.
    Chooser {
        /// What it asks for.
        chooser: Option<Chooser>,
    },
    /// The owner's files did not get to the page.
    NotGiven {
        /// Why not.
        why: NotGiven,
    },
    /// The files that pages have handed out since the view was opened, the oldest first.
    Downloads {
        /// All of them.
        downloads: Vec<Download>,
    },
    /// The view is over for this viewer; nothing follows.
    Closed {
        /// Why.
        why: End,
    },
}

/// Who drives, from a viewer's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// This viewer.
    You,
    /// Another.
    Other,
    /// No one.
    Nobody,
}

/// Why a view ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// What it was opened for is settled, or the run ended.
    Over,
    /// The browser is gone.
    BrowserGone,
}

/// A page's wish for files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chooser {
    /// Tells it from the wish before.
    pub id: u32,
    /// Whether it takes more than one.
    pub multiple: bool,
    /// The kinds it wants, in the words of an `accept` attribute; empty for any.
    pub accept: String,
    /// The origin of the page or frame that wants them.
    pub from: String,
    /// The largest file that is taken, in bytes.
    pub largest: u64,
}

/// Why files did not get to a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotGiven {
    /// One is larger than is taken, or there are more than are.
    TooLarge,
    /// Together with the files of this run there is no room for them.
    NoRoom,
    /// The page no longer wants them.
    Gone,
}

/// A file that a page hands out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Download {
    /// Its number in this view.
    pub id: u32,
    /// Its name, as the page gives it, without what is no part of a name.
    pub name: String,
    /// How it stands.
    pub state: DownloadState,
    /// The bytes that have come.
    pub received: u64,
    /// The bytes there will be, where that is known.
    pub size: Option<u64>,
}

/// How a download stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DownloadState {
    /// It is on its way.
    Coming,
    /// The owner can have it.
    Ready,
    /// It broke off.
    Lost,
    /// There is no room for it.
    NoRoom,
}

/// An open page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tab {
    /// Its number in this view.
    pub id: u32,
    /// Its title, as the page gives it.
    pub title: String,
    /// Its address, without query and fragment.
    pub address: String,
}

/// A dialog of the page's script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dialog {
    /// `alert`, `confirm`, `prompt` or `beforeunload`.
    pub form: String,
    /// What it says.
    pub message: String,
    /// The origin of the page that says it.
    pub from: String,
    /// What a prompt proposes.
    pub proposed: String,
}

/// Where something is in the viewport, in CSS pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rectangle {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
}

/// A text field with the focus, with what is needed to lay one over it that looks the same.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Tells this field from the one that had the focus before.
    pub id: u32,
    /// Its place.
    #[serde(default)]
    pub at: Rectangle,
    /// Its `type`, one of the text ones; `textarea`; or `rich` for text of which only the place is told.
    pub r#type: String,
    /// Its `inputmode`, empty if it has none.
    pub inputmode: String,
    /// Whether it is for a one-time code.
    pub one_time_code: bool,
    /// Its most characters, or -1.
    pub max_length: i64,
    /// How many UTF-16 units are in it.
    pub length: usize,
    /// What is in it; `None` where it is for a password or a code.
    pub value: Option<String>,
    /// The selection's ends in UTF-16 units, where a field of its type has one.
    pub selection: Option<(u32, u32)>,
    /// How it looks.
    pub look: Look,
}

/// How a field looks: computed styles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// In CSS pixels.
    pub font_size: f64,
    /// A generic family: `serif`, `sans-serif` or `monospace`.
    pub family: String,
    /// As in `400`.
    pub weight: String,
    /// The text's colour.
    pub color: String,
    /// The first opaque background from the field upwards.
    pub background: String,
    /// From the outer edge to the text, in CSS pixels: top, right, bottom, left.
    pub inset: (f64, f64, f64, f64),
    /// From line to line, in CSS pixels; 0 where the font decides.
    pub line_height: f64,
    /// As in `left`.
    pub align: String,
    /// In CSS pixels.
    pub letter_spacing: f64,
}

/// An open list of a `select`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Choices {
    /// Where its field is.
    pub at: Rectangle,
    /// What there is to choose from, at most 1,000.
    pub options: Vec<Choice>,
}

/// One entry of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Its place among all of them.
    pub index: u32,
    /// Its text.
    pub label: String,
    /// Its group's text, empty if it is in none.
    pub group: String,
    /// Whether it can be chosen.
    pub enabled: bool,
    /// Whether it is chosen now.
    pub chosen: bool,
}

/// What a viewer sends. No `Debug`: it is what the owner types.
///
/// `number` counts a viewer's inputs; what is told afterwards names the last one it already shows. `frame` is the frame the owner saw
/// when pressing: a press that was meant for a page of another size does not count. `modifiers` are Alt 1, Ctrl 2, Meta 4, Shift 8.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[expect(missing_docs, reason = "each member is what its input's name says, or is in the text above")]
pub enum FromClient {
    /// A frame was drawn: room for one more.
    Drawn { frame: u64 },
    /// The owner's screen: CSS pixels, device pixels per CSS pixel, and whether it is touched.
    Resize { width: u32, height: u32, scale: f64, touch: bool },
    /// The mouse. `button` is `none`, `left`, `middle` or `right`; `buttons` is the set held, as in a browser's own event.
    Pointer {
        number: u64,
        frame: u64,
        action: Press,
        x: f64,
        y: f64,
        button: Button,
        buttons: u8,
        clicks: u8,
        modifiers: u8,
    },
    /// The wheel, in CSS pixels.
    Wheel { number: u64, x: f64, y: f64, dx: f64, dy: f64, modifiers: u8 },
    /// Fingers: all that are down after this.
    Touch { number: u64, frame: u64, action: Press, points: Vec<Point> },
    /// A key, in the words of a browser's own event.
    Key { number: u64, down: bool, key: String, code: String, key_code: u32, location: u8, repeat: bool, modifiers: u8 },
    /// Text as a whole: pasted, or composed by an input method.
    Text { number: u64, text: String },
    /// What is selected is wanted; with `cut`, and removed.
    Copy { number: u64, cut: bool },
    /// Another tab is to be shown.
    Show { tab: u32 },
    /// A tab is to be closed. The last one stays.
    Close { tab: u32 },
    /// One page back, or the same again.
    Go { way: Way },
    /// The answer to a dialog.
    Answer { accept: bool, text: String },
    /// An entry of the list that is open, or none.
    Choose { index: Option<u32> },
    /// The files the page asked for; none at all if it gets none. Their bytes follow, apart from this, one file after the other.
    Give { chooser: u32, files: Vec<GivenFile> },
    /// This viewer wants to drive.
    TakeOver,
    /// This viewer no longer does.
    HandBack,
}

/// A file of the owner's.
#[derive(Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct GivenFile {
    pub name: String,
    /// In bytes.
    pub size: u64,
}

/// What a pointer or a finger does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Press {
    Move,
    Down,
    Up,
    Cancel,
}

/// A button of the mouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Button {
    None,
    Left,
    Middle,
    Right,
}

/// Where to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Way {
    Back,
    Reload,
}

/// A finger.
#[derive(Clone, Copy, Debug, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Point {
    pub id: u32,
    pub x: f64,
    pub y: f64,
}
