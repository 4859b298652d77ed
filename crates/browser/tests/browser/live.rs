//! The live view of a real Chromium: what is seen, and what the owner's hands do.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use freehold_browser::cdp::Event;
use freehold_browser::live::message::{
    Button, Download, DownloadState, Driver, End, Field, Frame, FromClient, GivenFile, NotGiven, Point, Press, Said,
    ToClient,
};
use freehold_browser::live::{LiveView, Viewer};
use freehold_browser::{Page, Reach, Windows};

use crate::support::{Browser, site};

const LIMIT: Duration = Duration::from_secs(20);
/// How long nothing has to happen to be believed.
const QUIET: Duration = Duration::from_millis(400);

const HOME: &str = "<!doctype html><body style='margin:0; background:white'>
<style>* { position: absolute; box-sizing: border-box; }</style>
<button style='left:0; top:0; width:100px; height:40px' onclick='document.body.style.background = `black`'>dark</button>
<input id=name style='left:20px; top:60px; width:200px; height:30px; font-size:16px' autocomplete=username>
<input id=pass type=password style='left:20px; top:100px; width:200px; height:30px'>
<button style='left:120px; top:0; width:100px; height:40px' onclick='window.open(`/two`)'>open</button>
<button style='left:240px; top:0; width:100px; height:40px' onclick='document.title = `said ` + confirm(`Really?`)'>ask</button>
<select id=list style='left:20px; top:140px; width:200px; height:30px' onchange='document.title = this.value'>
<option>one</option><optgroup label=more><option>two</option><option disabled>three</option></optgroup></select>
<a style='left:360px; top:0; width:100px; height:40px' href='data:application/zip,x' download='orders.zip'>take</a>
<input type=file accept='.txt,image/*' style='left:480px; top:0; width:100px; height:40px' oncancel='document.title = `none`'
onchange='this.files[0].text().then((text) => document.title = [this.files.length, this.files[0].name, text])'>
<p id=wide style='left:20px; top:400px'></p></body>";

/// A browser at a page, its view, and what is typed into it by Freehold.
struct Stage {
    view: Option<Arc<LiveView>>,
    page: Page,
    typing: Arc<AtomicBool>,
    browser: Browser,
}

impl Stage {
    fn at(address: &str) -> Self {
        Self::on(Browser::start(), address)
    }

    fn on(browser: Browser, address: &str) -> Self {
        let page = browser.chromium.first_page().unwrap();
        page.goto(address, LIMIT).unwrap();
        let typing = Arc::new(AtomicBool::new(false));
        let scratch = browser.folder.path().join("run");
        let view =
            LiveView::new(browser.chromium.client(), page.target(), Reach::All, &scratch, Arc::clone(&typing)).unwrap();
        Self { view: Some(view), page, typing, browser }
    }

    fn home() -> Self {
        Self::at(&site(|path| if path == "/two" { "<title>second</title>two".into() } else { HOME.into() }))
    }

    fn join(&self) -> Client {
        Client { viewer: self.view.as_ref().unwrap().join(), number: 0, seen: 0, tab: None }
    }

    fn ask(&self, function: &str) -> serde_json::Value {
        self.page.main_frame().unwrap().run(function, &[]).unwrap()
    }
}

/// A viewer as a console is one: it draws every frame at once.
struct Client {
    viewer: Viewer,
    number: u64,
    seen: u64,
    /// The tab of the last frame.
    tab: Option<u32>,
}

impl Client {
    fn next(&mut self, patience: Duration) -> Option<ToClient> {
        let next = self.viewer.next(patience)?;
        if let ToClient::Frame(frame) = &next {
            self.seen = frame.number;
            self.tab = Some(frame.tab);
            self.viewer.input(FromClient::Drawn { frame: frame.number });
        }
        Some(next)
    }

    fn until<T>(&mut self, what: &str, wanted: impl Fn(&ToClient) -> Option<T>) -> T {
        let until = Instant::now() + LIMIT;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let next = self.next(left).unwrap_or_else(|| panic!("{what} did not come"));
            if let Some(found) = wanted(&next) {
                return found;
            }
        }
    }

    fn said<T>(&mut self, what: &str, wanted: impl Fn(&Said) -> Option<T>) -> T {
        self.until(what, |next| match next {
            ToClient::Said(said) => wanted(said),
            ToClient::Frame(_) => None,
        })
    }

    fn frame(&mut self) -> Arc<Frame> {
        self.until("a frame", |next| match next {
            ToClient::Frame(frame) => Some(Arc::clone(frame)),
            ToClient::Said(_) => None,
        })
    }

    /// Takes what comes until nothing comes for a while, and returns the last frame.
    fn settle(&mut self) -> Option<Arc<Frame>> {
        let mut last = None;
        while let Some(next) = self.next(QUIET) {
            if let ToClient::Frame(frame) = next {
                last = Some(frame);
            }
        }
        last
    }

    fn field(&mut self, what: &str, wanted: impl Fn(&Field) -> bool) -> Field {
        let number = self.number;
        self.said(what, |said| match said {
            Said::Field { after, field: Some(field) } if *after >= number && wanted(field) => Some(Field::clone(field)),
            _ => None,
        })
    }

    fn press(&mut self, action: Press, x: f64, y: f64, frame: u64) {
        self.number += 1;
        let (number, buttons) = (self.number, u8::from(action == Press::Down));
        let button = Button::Left;
        self.viewer.input(FromClient::Pointer { number, frame, action, x, y, button, buttons, clicks: 1, modifiers: 0 });
    }

    fn click(&mut self, x: f64, y: f64) {
        self.press(Press::Down, x, y, self.seen);
        self.press(Press::Up, x, y, self.seen);
    }

    fn key(&mut self, key: &str, code: &str, key_code: u32, modifiers: u8) {
        for down in [true, false] {
            self.number += 1;
            let (number, key, code) = (self.number, key.to_owned(), code.to_owned());
            self.viewer.input(FromClient::Key { number, down, key, code, key_code, location: 0, repeat: false, modifiers });
        }
    }

    fn text(&mut self, text: &str) {
        self.number += 1;
        self.viewer.input(FromClient::Text { number: self.number, text: text.to_owned() });
    }
}

#[test]
fn a_click_is_seen_and_whoever_comes_late_sees_it_at_once() {
    let stage = Stage::home();
    let mut client = stage.join();
    let before = client.frame();
    client.settle();
    client.click(50.0, 20.0);
    let after = client.frame();
    assert!(after.number > before.number && after.jpeg != before.jpeg);
    let last = client.settle().unwrap_or(after);
    let mut late = stage.join();
    assert!(late.frame().jpeg == last.jpeg);
    assert_eq!((late.viewer.next(Duration::ZERO).is_none(), stage.view.as_ref().unwrap().viewers()), (true, 2));
}

#[test]
fn a_page_that_does_not_change_sends_nothing() {
    let stage = Stage::home();
    let mut client = stage.join();
    client.frame();
    client.settle();
    assert!(client.next(Duration::from_secs(2)).is_none());
}

#[test]
fn what_is_typed_arrives_in_order_and_the_field_is_told_with_its_place() {
    let stage = Stage::home();
    let mut client = stage.join();
    client.frame();
    client.click(100.0, 75.0);
    let field = client.field("the field", |_| true);
    assert_eq!((field.at.x, field.at.y, field.at.width, field.at.height), (20.0, 60.0, 200.0, 30.0));
    assert_eq!((field.r#type.as_str(), field.look.font_size, field.one_time_code), ("text", 16.0, false));
    for letter in "maria@example.org".chars() {
        // The code of a letter's key is its capital's; those of others are never looked at.
        let key_code = if letter.is_ascii_alphabetic() { u32::from(letter.to_ascii_uppercase()) } else { 0 };
        client.key(&letter.to_string(), "", key_code, 0);
    }
    client.key("Backspace", "Backspace", 8, 0);
    client.text("g+");
    let field = client.field("the text", |field| field.value.as_deref() == Some("maria@example.org+"));
    assert_eq!(field.selection, Some((18, 18)));
    client.key("a", "KeyA", 65, 2);
    client.number += 1;
    let number = client.number;
    client.viewer.input(FromClient::Copy { number, cut: true });
    let copied = client.said("the copy", |said| match said {
        Said::Copied { after, text } => Some((*after, text.clone())),
        _ => None,
    });
    assert_eq!(copied, (number, "maria@example.org+".to_owned()));
    client.field("an empty field", |field| field.length == 0);
}

#[test]
fn a_passwords_text_is_never_told() {
    let stage = Stage::home();
    let mut client = stage.join();
    client.frame();
    client.click(100.0, 115.0);
    client.field("the field", |field| field.r#type == "password");
    client.text("hunter2-canary");
    let field = client.field("its length", |field| field.length == 14);
    assert_eq!(
        (field.value, stage.ask("() => document.querySelector('#pass').value").as_str()),
        (None, Some("hunter2-canary"))
    );
    client.key("a", "KeyA", 65, 2);
    client.number += 1;
    client.viewer.input(FromClient::Copy { number: client.number, cut: false });
    let copied = client.said("the copy", |said| match said {
        Said::Copied { text, .. } => Some(text.clone()),
        _ => None,
    });
    assert_eq!(copied, "");
}

#[test]
fn a_field_in_a_frame_of_another_site_is_where_it_is_seen() {
    let other = site(|_| {
        "<!doctype html><body style='margin:0'><input style='position:absolute; left:10px; top:15px; width:100px'>".into()
    });
    let other = other.replace("127.0.0.1", "localhost");
    let stage = Stage::at(&site(move |_| {
        format!(
            "<!doctype html><iframe src={other} style='position:absolute; left:50px; top:200px; width:300px; height:100px; border:3px solid'>"
        )
    }));
    let mut client = stage.join();
    client.frame();
    client.settle();
    client.click(100.0, 226.0);
    let field = client.field("the field", |_| true);
    assert_eq!((field.at.x, field.at.y), (63.0, 218.0));
    client.text("über");
    assert_eq!(client.field("the text", |field| field.length == 4).value.as_deref(), Some("über"));
}

#[test]
fn what_a_page_opens_becomes_a_tab_and_closing_it_leads_back() {
    let stage = Stage::home();
    let mut client = stage.join();
    client.frame();
    client.click(170.0, 20.0);
    let tabs = |said: &Said| match said {
        Said::Tabs { shown, tabs } => Some((*shown, tabs.clone())),
        _ => None,
    };
    let (first, second) = client.said("two tabs", |said| {
        tabs(said).filter(|(_, tabs)| tabs.len() == 2 && tabs[1].title == "second").map(|(shown, tabs)| {
            assert!(shown == tabs[1].id && tabs[1].address.ends_with("/two"));
            (tabs[0].id, tabs[1].id)
        })
    });
    // It may have come before the page had its title.
    if client.tab != Some(second) {
        client.until("a frame of it", |next| matches!(next, ToClient::Frame(frame) if frame.tab == second).then_some(()));
    }
    client.viewer.input(FromClient::Show { tab: first });
    client.until("a frame of the first", |next| matches!(next, ToClient::Frame(frame) if frame.tab == first).then_some(()));
    client.viewer.input(FromClient::Close { tab: second });
    client.said("one tab", |said| tabs(said).filter(|(shown, tabs)| tabs.len() == 1 && *shown == first));
    // The last one stays.
    client.viewer.input(FromClient::Close { tab: first });
    client.settle();
    client.click(50.0, 20.0);
    client.frame();
}

#[test]
fn a_dialog_is_told_and_answered_and_nobody_is_asked_when_nobody_watches() {
    let stage = Stage::home();
    let mut client = stage.join();
    client.frame();
    client.click(290.0, 20.0);
    let dialog = client.said("the dialog", |said| match said {
        Said::Dialog { dialog } => dialog.clone(),
        _ => None,
    });
    assert_eq!((dialog.form.as_str(), dialog.message.as_str()), ("confirm", "Really?"));
    assert!(dialog.from.starts_with("http://127.0.0.1:"), "{}", dialog.from);
    let mut late = stage.join();
    late.said("the dialog, late", |said| matches!(said, Said::Dialog { dialog: Some(_) }).then_some(()));
    client.viewer.input(FromClient::Answer { accept: true, text: String::new() });
    client.said("its end", |said| matches!(said, Said::Dialog { dialog: None }).then_some(()));
    assert_eq!(stage.ask("() => document.title"), "said true");
    drop((client, late));
    assert_eq!(stage.ask("() => { setTimeout(() => 0); return 1 }"), 1);
    let asked = "() => new Promise((done) => { document.querySelectorAll('button')[2].click(); done(document.title) })";
    assert_eq!(stage.ask(asked), "said false");
}

#[test]
fn one_drives_and_others_watch_until_they_take_over() {
    let stage = Stage::home();
    let (mut first, mut second) = (stage.join(), stage.join());
    let drives = |client: &mut Client, driver: Driver| {
        client.said("who drives", |said| matches!(said, Said::State { driver: told, .. } if *told == driver).then_some(()));
    };
    drives(&mut first, Driver::You);
    drives(&mut second, Driver::Other);
    second.frame();
    second.settle();
    second.click(50.0, 20.0);
    assert!(second.settle().is_none(), "a watcher's click does nothing");
    second.viewer.input(FromClient::TakeOver);
    drives(&mut second, Driver::You);
    drives(&mut first, Driver::Other);
    second.click(50.0, 20.0);
    second.frame();
    second.click(100.0, 75.0);
    second.field("the field", |_| true);
    // Whoever drives next is told where the focus is, without having done anything.
    first.settle();
    first.viewer.input(FromClient::TakeOver);
    first.field("the field", |_| true);
    second.viewer.input(FromClient::TakeOver);
    drives(&mut second, Driver::You);
    second.viewer.input(FromClient::HandBack);
    drives(&mut second, Driver::Nobody);
    drives(&mut first, Driver::Nobody);
}

#[test]
fn while_freehold_types_no_frame_comes_and_no_input_counts() {
    let stage = Stage::home();
    let mut client = stage.join();
    client.frame();
    client.settle();
    let filling = |client: &mut Client, wanted: bool| {
        client.said("the state", |said| matches!(said, Said::State { filling, .. } if *filling == wanted).then_some(()));
    };
    stage.typing.store(true, Ordering::Release);
    filling(&mut client, true);
    stage.ask("() => { document.querySelector('#name').value = 'typed-canary'; document.querySelector('#name').focus() }");
    client.click(50.0, 20.0);
    assert!(client.settle().is_none());
    stage.ask("() => { document.querySelector('#name').blur(); document.querySelector('#name').value = '' }");
    stage.typing.store(false, Ordering::Release);
    filling(&mut client, false);
    client.frame();
    assert_eq!(stage.ask("() => document.body.style.background"), "white", "the click came to nothing");
}

#[test]
fn a_list_is_shown_by_whoever_watches() {
    let stage = Stage::home();
    let mut client = stage.join();
    client.frame();
    client.click(100.0, 155.0);
    let choices = client.said("the list", |said| match said {
        Said::Choices { choices } => choices.clone(),
        _ => None,
    });
    let told: Vec<_> = choices.options.iter().map(|one| (one.label.as_str(), one.group.as_str(), one.enabled)).collect();
    assert_eq!(told, [("one", "", true), ("two", "more", true), ("three", "more", false)]);
    assert_eq!((choices.at.x, choices.at.y), (20.0, 140.0));
    client.viewer.input(FromClient::Choose { index: Some(1) });
    client.said("its end", |said| matches!(said, Said::Choices { choices: None }).then_some(()));
    assert_eq!(stage.ask("() => document.title"), "two");
}

#[test]
fn the_page_takes_the_owners_size_and_a_press_on_the_old_one_does_not_count() {
    let stage = Stage::home();
    let mut client = stage.join();
    let old = client.frame().number;
    client.settle();
    client.viewer.input(FromClient::Resize { width: 390, height: 700, scale: 2.0, touch: true });
    client.press(Press::Down, 50.0, 20.0, old);
    client.press(Press::Up, 50.0, 20.0, old);
    client.until("a frame of that size", |next| {
        matches!(next, ToClient::Frame(frame) if frame.width == 390.0 && frame.height == 700.0).then_some(())
    });
    client.settle();
    assert_eq!(stage.ask("() => [document.body.style.background, devicePixelRatio]"), serde_json::json!(["white", 2]));
    // A page made for no phone is zoomed out; a finger's place is what the owner saw.
    let frame = client.seen;
    let finger = |action, points| FromClient::Touch { number: 1_000, frame, action, points };
    client.viewer.input(finger(Press::Down, vec![Point { id: 0, x: 20.0, y: 8.0 }]));
    client.viewer.input(finger(Press::Up, Vec::new()));
    client.frame();
    client.settle();
    assert_eq!(stage.ask("() => document.body.style.background"), "black");
}

#[test]
fn a_browser_with_windows_is_shown_and_driven_alike() {
    let address = site(|path| if path == "/two" { "<title>second</title>two".into() } else { HOME.into() });
    let browser = Browser::start_with(tempfile::tempdir_in("/dev/shm").unwrap(), Windows::Private);
    let stage = Stage::on(browser, &address);
    assert!(!stage.ask("() => navigator.userAgent").to_string().contains("Headless"));
    // Questions in windows that nobody sees would hold a page up.
    stage.ask("() => window.print()");
    let mut client = stage.join();
    client.frame();
    client.click(100.0, 75.0);
    client.field("the field", |_| true);
    client.text("maria");
    client.field("the text", |field| field.value.as_deref() == Some("maria"));
    // Larger than its window, and than its display.
    for (width, height) in [(390, 700), (2200, 1300)] {
        client.viewer.input(FromClient::Resize { width, height, scale: 1.0, touch: false });
        client.until("a frame of that size", |next| {
            let of_size = |frame: &Frame| frame.width == width as f32 && frame.height == height as f32;
            matches!(next, ToClient::Frame(frame) if of_size(frame)).then_some(())
        });
    }
    client.settle();
    client.click(50.0, 20.0);
    client.frame();
    assert_eq!(stage.ask("() => document.body.style.background"), "black");
    client.click(170.0, 20.0);
    let second = client.said("the page that opened", |said| match said {
        Said::Tabs { tabs, .. } if tabs.len() == 2 => Some(tabs[1].id),
        _ => None,
    });
    if client.tab != Some(second) {
        client.until("a frame of it", |next| matches!(next, ToClient::Frame(frame) if frame.tab == second).then_some(()));
    }
}

#[test]
fn a_file_of_the_owners_is_given_to_the_page_that_asks_for_it() {
    let stage = Stage::home();
    let (mut client, other) = (stage.join(), stage.join());
    client.frame();
    let chooser = |said: &Said| match said {
        Said::Chooser { chooser } => Some(chooser.clone()),
        _ => None,
    };
    let ask = |client: &mut Client| {
        client.click(500.0, 20.0);
        client.said("the wish", |said| chooser(said).flatten())
    };
    let give = |client: &Client, chooser, files: &[(&str, u64)]| {
        let files = files.iter().map(|(name, size)| GivenFile { name: (*name).to_owned(), size: *size }).collect();
        client.viewer.input(FromClient::Give { chooser, files });
    };
    let refused = |client: &mut Client| {
        client.said("why not", |said| if let Said::NotGiven { why } = said { Some(*why) } else { None })
    };

    let wish = ask(&mut client);
    assert_eq!((wish.multiple, wish.accept.as_str()), (false, ".txt,image/*"));
    assert!(wish.from.starts_with("http://127.0.0.1:"), "{}", wish.from);
    // Whoever comes late is asked as well, and whoever only watches gives nothing.
    stage.join().said("the wish, late", |said| chooser(said).flatten());
    give(&other, wish.id, &[("theirs.txt", 1)]);
    other.viewer.bytes(b"x");
    give(&client, wish.id, &[("large.bin", wish.largest + 1)]);
    assert_eq!(refused(&mut client), NotGiven::TooLarge);
    give(&client, wish.id, &[("one.txt", 1), ("two.txt", 1)]);
    assert_eq!(refused(&mut client), NotGiven::TooLarge, "one is wanted");
    let folder = stage.browser.folder.path().join("run/files");
    give(&client, wish.id, &[("half.txt", 9)]);
    client.viewer.bytes(b"half");
    give(&client, wish.id, &[("../my\n statement.txt", 9)]);
    assert!(!folder.join("1/half.txt").exists(), "what was begun anew is not kept");
    client.viewer.bytes(b"in two ");
    other.viewer.bytes(b"x");
    client.viewer.bytes(b"pa");
    client.said("its end", |said| chooser(said).filter(Option::is_none));
    let title = "() => new Promise((done) => { const look = () => document.title ? done(document.title) : setTimeout(look); look() })";
    assert_eq!(stage.ask(title), "1,my statement.txt,in two pa");
    stage.ask("() => document.title = ''");

    let wish = ask(&mut client);
    give(&client, wish.id, &[]);
    assert_eq!(stage.ask(title), "none");
    // A wish that was not met is gone with its page.
    let lost = ask(&mut client);
    stage.page.goto("about:blank", LIMIT).unwrap();
    client.said("its end", |said| chooser(said).filter(Option::is_none));
    give(&client, lost.id, &[("late.txt", 1)]);
    assert!(!folder.join("3").exists(), "only what is wanted is taken");
}

#[test]
fn what_a_page_hands_out_is_kept_for_the_owner_while_the_view_is_open() {
    let stage = Stage::home();
    let mut client = stage.join();
    client.frame();
    client.click(380.0, 10.0);
    let ready = |said: &Said| match said {
        Said::Downloads { downloads } => downloads.iter().find(|file| file.state == DownloadState::Ready).cloned(),
        _ => None,
    };
    let Download { id, name, size, .. } = client.said("the download", ready);
    assert_eq!((name.as_str(), size), ("orders.zip", Some(1)));
    stage.join().said("the download, late", ready);
    let view = stage.view.as_ref().unwrap();
    let saved = view.download(id).expect("it is there");
    assert_eq!(
        (std::io::read_to_string(saved.file).unwrap().as_str(), saved.name.as_str(), saved.size),
        ("x", "orders.zip", 1)
    );
    assert!(view.download(id + 1).is_none());
    let folder = stage.browser.folder.path().join("run/files");
    let count = || std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(count(), 1);
    view.dismiss();
    assert!(view.download(id).is_none() && count() == 0);
    // Nobody is there to have it, and then one is too large to be kept.
    let events = stage.page.session().events();
    stage.ask("() => document.querySelector('a').click()");
    let refused = |event: &Event| event.method == "Page.downloadProgress" && event.params.get().contains("canceled");
    while !refused(&events.next(LIMIT).unwrap().expect("the end of a download")) {}
    let mut again = stage.join();
    again.frame();
    again.click(380.0, 10.0);
    let next = again.said("the next", ready);
    assert_eq!((next.id, count()), (id + 1, 1), "the one nobody was there for was not kept");
    stage.ask(&format!("() => {{ location.href = '{}' }}", huge()));
    let refused = |said: &Said| match said {
        Said::Downloads { downloads } => {
            downloads.iter().find(|file| file.state == DownloadState::NoRoom).map(|file| file.name.clone())
        }
        _ => None,
    };
    assert_eq!(again.said("the refusal", refused), "huge.zip");
}

/// Serves one download that says how large it is, and never ends. Returns its address.
fn huge() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\nContent-Disposition: attachment; filename=huge.zip\r\n\
                    Content-Length: 209715200\r\n\r\n";
        // Until it is hung up on.
        let _ = stream.write_all(head.as_bytes());
        while stream.write_all(&[0; 4096]).is_ok() {
            std::thread::park_timeout(Duration::from_millis(1));
        }
    });
    address
}

#[test]
fn a_text_of_many_lines_and_one_in_a_closed_shadow_root_are_told_and_of_a_rich_one_its_place() {
    let stage = Stage::at(&site(|_| {
        "<!doctype html><style>* { position: absolute; margin: 0; padding: 0; border: 0 }</style>\
         <textarea style='left:20px; top:20px; width:300px; height:80px; line-height:20px'>one</textarea>\
         <div contenteditable style='left:20px; top:120px; width:300px; height:40px'>rich</div>\
         <div id=host style='left:20px; top:200px'></div><script>\
         const outer = host.attachShadow({ mode: 'closed' }); const inner = document.createElement('my-field'); outer.append(inner);\
         inner.attachShadow({ mode: 'closed' }).innerHTML = '<input style=\"position:absolute; left:0; top:0; width:150px; height:30px; padding:0; \
         border:0\">';</script>"
            .into()
    }));
    let mut client = stage.join();
    client.frame();
    client.settle();
    client.click(100.0, 30.0);
    let field = client.field("the text area", |field| field.r#type == "textarea");
    assert_eq!((field.value.as_deref(), field.look.line_height, field.at.height), (Some("one"), 20.0, 80.0));
    client.key("End", "End", 35, 2);
    client.key("Enter", "Enter", 13, 0);
    client.text("two");
    client.field("both lines", |field| field.value.as_deref() == Some("one\ntwo") && field.selection == Some((7, 7)));
    client.click(250.0, 130.0);
    let field = client.field("the rich text", |field| field.r#type == "rich");
    assert_eq!((field.value, field.at.y), (None, 120.0));
    client.text("!");
    assert_eq!(stage.ask("() => document.querySelector('[contenteditable]').textContent"), "rich!");
    client.click(60.0, 215.0);
    let field = client.field("the hidden field", |field| field.r#type == "text");
    assert_eq!((field.at.x, field.at.y, field.at.width), (20.0, 200.0, 150.0));
    client.text("deep");
    client.field("its text", |field| field.value.as_deref() == Some("deep"));
}

#[test]
fn when_it_is_over_everyone_is_told() {
    let mut stage = Stage::home();
    let mut client = stage.join();
    client.frame();
    stage.view.as_ref().unwrap().dismiss();
    let over = |said: &Said| matches!(said, Said::Closed { why: End::Over }).then_some(());
    client.said("the end", over);
    assert!(matches!(client.next(Duration::ZERO), Some(ToClient::Said(Said::Closed { .. }))), "it stays over");
    // It can be watched again, until the view itself goes.
    let mut again = stage.join();
    again.frame();
    stage.view = None;
    again.said("the end", over);
    stage.page.goto("about:blank", LIMIT).unwrap();
}
