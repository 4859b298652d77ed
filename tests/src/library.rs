//! The library that `tests/connectors/unseen` collects from: a site of another kind than everything else here, with a door whose code
//! page has the address of its first page, paper codes, and a desk that people are sent to.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::source::root;

/// Books on one page of the list.
const PER_PAGE: usize = 4;
/// Where the list is handed out as a file.
const STATEMENT: &str = "/statement";
/// Wrong entries in a row after which one is sent to the desk.
const PATIENCE: u32 = 10;

/// A running library with one reader. It listens on loopback until the test ends.
pub struct Library {
    /// Where.
    pub port: u16,
    state: Arc<Mutex<State>>,
}

/// Says whether a code is right now.
pub type IsCode = Box<dyn Fn(&str) -> bool + Send>;

/// The one reader.
pub struct Reader {
    /// Their name.
    pub name: &'static str,
    /// As it is typed; the page shows it in groups.
    pub card: &'static str,
    /// Their PIN.
    pub pin: &'static str,
    /// What a code is compared with. Without it, none is asked for.
    pub is_code: Option<IsCode>,
    /// Paper codes that work, each once.
    pub paper_codes: BTreeSet<String>,
}

/// What was submitted at the door.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Entries {
    /// Cards with a PIN, whatever came of it.
    pub pins: u32,
    /// Codes, whatever came of it.
    pub codes: u32,
    /// Paper codes, whatever came of it.
    pub paper_codes: u32,
    /// Times the reader went in.
    pub inside: u32,
}

struct State {
    reader: Reader,
    loans: Vec<Loan>,
    sessions: BTreeMap<String, Session>,
    entries: Entries,
    wrong_in_a_row: u32,
    is_slow: bool,
    /// What happens at the second page of the list, once.
    at_page_two: Option<AtPageTwo>,
}

/// What the library does when the second page of the list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtPageTwo {
    /// It forgets who is inside.
    Forgets,
    /// It shows the door to one who is inside, until it is told otherwise.
    ShowsDoor,
}

struct Loan {
    title: &'static str,
    author: &'static str,
    out: String,
    back: Option<String>,
}

#[derive(Default)]
struct Session {
    step: Step,
    notice: Option<&'static str>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Step {
    #[default]
    Card,
    Code,
    Paper,
    Inside,
}

struct Request {
    method: String,
    target: String,
    session: String,
    form: BTreeMap<String, String>,
}

impl Library {
    /// A library whose reader has borrowed eleven books, the newest of them still out.
    pub fn open(reader: Reader) -> Self {
        const BOOKS: [(&str, &str); 11] = [
            ("The Tide Tables", "I. Marrow"),
            ("Bees in Winter", "Nia Pryce"),
            ("A Short Walk North", "Tom Ault"),
            ("Salt & Rope", "I. Marrow"),
            ("The Clockmaker's Map", "Edda Holm"),
            ("Nine Kinds of Rain", "Nia Pryce"),
            ("Letters to a Lighthouse", "O. Finn"),
            ("How Bridges Stand", "Ruth Calder"),
            ("The Quiet Orchard", "Edda Holm"),
            ("Small Engines", "Tom Ault"),
            ("Moss <and> Stone", "Ruth Calder"),
        ];
        let loans = BOOKS.iter().enumerate().map(|(at, (title, author))| Loan {
            title,
            author,
            out: format!("2025-{:02}-07", 11 - at),
            back: (at > 0).then(|| format!("2025-{:02}-28", 11 - at)),
        });
        let state = Arc::new(Mutex::new(State {
            reader,
            loans: loans.collect(),
            sessions: BTreeMap::new(),
            entries: Entries::default(),
            wrong_in_a_row: 0,
            is_slow: false,
            at_page_two: None,
        }));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                // A connection that breaks is the browser's end.
                std::thread::spawn(move || serve(stream, &shared).ok());
            }
        });
        Self { port, state }
    }

    /// What was submitted at the door so far.
    pub fn entries(&self) -> Entries {
        self.lock().entries
    }

    /// Forgets who is inside, as a site does whose sessions ran out.
    pub fn close_sessions(&self) {
        self.lock().sessions.clear();
    }

    /// What happens when the second page of the list is asked for.
    pub fn set_at_page_two(&self, what: Option<AtPageTwo>) {
        self.lock().at_page_two = what;
    }

    /// Changes the reader's PIN.
    pub fn set_pin(&self, pin: &'static str) {
        self.lock().reader.pin = pin;
    }

    /// Whether whoever submits something is told to slow down.
    pub fn set_slow(&self, is_slow: bool) {
        self.lock().is_slow = is_slow;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic in between")
    }
}

impl State {
    /// What is shown, or where to go.
    fn answer(&mut self, request: &Request) -> Result<String, &'static str> {
        let path = request.target.split('?').next().unwrap_or_default();
        match (request.method.as_str(), path) {
            ("POST", "/enter") => return self.enter(request),
            ("POST", "/leave") => {
                self.session(request).step = Step::Card;
                return Err("/enter");
            }
            _ => {}
        }
        if request.target == "/borrowed?page=2" {
            match self.at_page_two {
                Some(AtPageTwo::Forgets) => {
                    self.at_page_two = None;
                    self.sessions.clear();
                }
                Some(AtPageTwo::ShowsDoor) => return Ok("<form class=door>Are you a reader?</form>".to_owned()),
                None => {}
            }
        }
        if request.target == "/enter?paper" && self.session(request).step == Step::Code {
            self.session(request).step = Step::Paper;
        }
        if self.session(request).step != Step::Inside {
            return Ok(self.door(request));
        }
        let menu = format!(
            "<nav class=reader><b>{}</b><form class=leave method=post action=/leave><button>Leave</button></form></nav>",
            self.reader.name
        );
        match path {
            STATEMENT => Ok(self.statement()),
            "/borrowed" => Ok(menu + &self.borrowed(&request.target)),
            "/reader" => {
                let card = self.reader.card;
                let shown = format!("{} {} {}", &card[..2], &card[2..6], &card[6..]);
                Ok(format!("{menu}<dl><dt>Card<dd class=card-number>{shown}</dl>"))
            }
            _ => Err("/borrowed"),
        }
    }

    fn enter(&mut self, request: &Request) -> Result<String, &'static str> {
        if self.is_slow {
            return Ok(
                "<p class=slow-down>Slow down, until <time datetime=2026-01-01T12:05:00Z>five past</time>.".to_owned()
            );
        }
        let step = self.session(request).step;
        let field = |name: &str| request.form.get(name).map(String::as_str).unwrap_or_default();
        let (is_right, next, notice) = match step {
            Step::Card => {
                self.entries.pins += 1;
                let next = if self.reader.is_code.is_some() { Step::Code } else { Step::Inside };
                let is_right = field("card") == self.reader.card && field("pin") == self.reader.pin;
                (is_right, next, "This card or PIN is not known.")
            }
            Step::Code => {
                self.entries.codes += 1;
                let is_right = self.reader.is_code.as_ref().is_some_and(|is_code| is_code(field("code")));
                (is_right, Step::Inside, "That code is not right.")
            }
            Step::Paper => {
                self.entries.paper_codes += 1;
                (self.reader.paper_codes.remove(field("paper")), Step::Inside, "That paper code was used before.")
            }
            Step::Inside => return Err("/borrowed"),
        };
        self.wrong_in_a_row = if is_right { 0 } else { self.wrong_in_a_row + 1 };
        let session = self.session(request);
        if is_right {
            session.step = next;
        } else {
            session.notice = Some(notice);
        }
        let is_inside = is_right && next == Step::Inside;
        self.entries.inside += u32::from(is_inside);
        Err(if is_inside { "/borrowed" } else { "/enter" })
    }

    fn door(&mut self, request: &Request) -> String {
        if self.wrong_in_a_row >= PATIENCE {
            return "<p>Please come to the desk with your card.".to_owned();
        }
        let session = self.session(request);
        let notice = session.notice.take().map(|notice| format!("<p class=wrong>{notice}</p>")).unwrap_or_default();
        let fields = match session.step {
            Step::Code => {
                "<label>Code <input name=code autocomplete=one-time-code></label><label><input type=checkbox name=known> My own computer</label>\
                 <button class=go>Enter</button><a class=paper href=/enter?paper>Use a paper code</a>"
            }
            Step::Paper => "<label>Paper code <input name=paper></label><button>Enter</button>",
            Step::Card | Step::Inside => {
                "<label>Card <input name=card></label><label>PIN <input name=pin type=password></label><button>Enter</button>"
            }
        };
        format!("<form class=door method=post action=/enter>{notice}{fields}</form>")
    }

    fn borrowed(&self, target: &str) -> String {
        let page: usize = target.split_once("page=").and_then(|(_, page)| page.parse().ok()).unwrap_or(1);
        let rows = self.loans.iter().enumerate().skip((page - 1) * PER_PAGE).take(PER_PAGE).map(|(at, loan)| {
            let back = loan.back.as_ref().map(|day| format!("<time class=back datetime={day}>{day}</time>"));
            let title = loan.title.replace('&', "&amp;").replace('<', "&lt;");
            format!(
                "<tr id=loan-{}><td><cite>{title}</cite> by <span class=by>{}</span><td><time class=out datetime={}>{}</time><td>{}",
                self.loans.len() - at,
                loan.author,
                loan.out,
                loan.out,
                back.unwrap_or_default()
            )
        });
        let rows: String = rows.collect();
        let is_more = page * PER_PAGE < self.loans.len();
        let next = if is_more { format!("<a rel=next href=/borrowed?page={}>Older</a>", page + 1) } else { String::new() };
        format!("<table class=borrowed><tbody>{rows}</table>{next}<a class=statement href={STATEMENT}>Statement</a>")
    }

    fn statement(&self) -> String {
        self.loans.iter().map(|loan| format!("{},{}\n", loan.out, loan.title)).collect()
    }

    fn session(&mut self, request: &Request) -> &mut Session {
        self.sessions.entry(request.session.clone()).or_default()
    }
}

/// Makes what an author's folder of the connector has: the manifest, the program, and the library the program is written with.
pub fn drop_in(folder: &Path) {
    let packages = folder.join("node_modules/playwright-core");
    copy(&root().join("tests/console/node_modules/playwright-core"), &packages);
    for name in ["manifest.json", "connector.mjs"] {
        let text = std::fs::read_to_string(root().join("tests/connectors/unseen").join(name)).expect("the connector");
        std::fs::write(folder.join(name), text.replace("unseen\"", "otterburn\"")).expect("written");
    }
}

/// Copies a package without its own viewer and its types, which are half of it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in
        std::fs::read_dir(from).expect("`cargo xtask test` installs the npm packages").map(|entry| entry.expect("an entry"))
    {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if !from.is_dir() {
            std::fs::copy(from, to).expect("copied");
        } else if !from.ends_with("vite") && !from.ends_with("types") {
            copy(&from, &to);
        }
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let Some(mut request) = read(&stream)? else { return Ok(()) };
    let mut state = state.lock().expect("no panic in between");
    let mut cookie = String::new();
    if !state.sessions.contains_key(&request.session) {
        request.session = format!("s{}", state.sessions.len() + 1);
        while state.sessions.contains_key(&request.session) {
            request.session.push('x');
        }
        cookie = format!("Set-Cookie: library={}; Path=/; HttpOnly; Max-Age=86400\r\n", request.session);
    }
    const HTML: &str = "Content-Type: text/html; charset=utf-8\r\n";
    const FILE: &str = "Content-Type: text/csv\r\nContent-Disposition: attachment; filename=statement.csv\r\n";
    let (status, headers, body) = match state.answer(&request) {
        Ok(body) if request.target == STATEMENT && state.session(&request).step == Step::Inside => {
            ("200 OK", FILE.to_owned(), body)
        }
        Ok(body) => ("200 OK", HTML.to_owned(), format!("<!doctype html><title>Otterburn Lending Library</title>{body}")),
        Err(elsewhere) => ("303 See Other", format!("{HTML}Location: {elsewhere}\r\n"), String::new()),
    };
    write!(stream, "HTTP/1.1 {status}\r\n{headers}Connection: close\r\nContent-Length: {}\r\n{cookie}\r\n{body}", body.len())
}

fn read(stream: &TcpStream) -> std::io::Result<Option<Request>> {
    let mut input = BufReader::new(stream);
    let mut line = String::new();
    input.read_line(&mut line)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
    let (mut length, mut session) = (0, String::new());
    loop {
        let mut header = String::new();
        if input.read_line(&mut header)? == 0 || header.trim().is_empty() {
            break;
        }
        let (name, value) = header.trim().split_once(':').unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "cookie" => {
                let own = value.split(';').find_map(|pair| pair.trim().strip_prefix("library="));
                session = own.unwrap_or_default().to_owned();
            }
            _ => {}
        }
    }
    let mut body = String::new();
    input.take(length).read_to_string(&mut body)?;
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    let form = pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect();
    Ok(Some(Request { method, target, session, form }))
}

/// A value of a form, as a browser encodes it.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits =
                    [rest.next(), rest.next()].map(|digit| char::from(digit.unwrap_or(b'0')).to_digit(16).unwrap_or(0));
                u8::try_from(digits[0] * 16 + digits[1]).unwrap_or_default()
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends a request with a cookie and returns the answer's head and body, after one redirect.
    fn ask(library: &Library, method: &str, target: &str, body: &str, cookie: &mut String) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, library.port)).unwrap();
        let length = body.len();
        write!(stream, "{method} {target} HTTP/1.1\r\nCookie: library={cookie}\r\nContent-Length: {length}\r\n\r\n{body}")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let header = |name: &str| answer.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        if let Some(set) = header("Set-Cookie: library=") {
            *cookie = set.split(';').next().unwrap().to_owned();
        }
        match header("Location: ") {
            Some(elsewhere) => ask(library, "GET", &elsewhere, "", cookie),
            None => answer,
        }
    }

    #[test]
    fn the_door_opens_by_card_pin_and_code_or_paper_code() {
        let library = Library::open(Reader {
            name: "Gwen",
            card: "OB441720",
            pin: "a+b c",
            is_code: Some(Box::new(|code| code == "123456")),
            paper_codes: BTreeSet::from(["one-two".to_owned()]),
        });
        let mut cookie = String::new();
        assert!(ask(&library, "GET", "/borrowed", "", &mut cookie).contains("name=pin"));
        let wrong = ask(&library, "POST", "/enter", "card=OB441720&pin=x", &mut cookie);
        assert!(wrong.contains("card or PIN") && wrong.contains("name=pin"));
        assert!(ask(&library, "POST", "/enter", "card=OB441720&pin=a%2Bb+c", &mut cookie).contains("name=code"));
        assert!(ask(&library, "POST", "/enter", "code=1", &mut cookie).contains("That code"));
        assert!(ask(&library, "GET", "/enter?paper", "", &mut cookie).contains("name=paper"));
        let inside = ask(&library, "POST", "/enter", "paper=one-two", &mut cookie);
        assert!(inside.contains("nav class=reader") && inside.contains("id=loan-11") && inside.contains("page=2"));
        let last = ask(&library, "GET", "/borrowed?page=3", "", &mut cookie);
        assert!(last.contains("Moss &lt;and> Stone") && !last.contains("rel=next"));
        assert!(ask(&library, "GET", "/reader", "", &mut cookie).contains("OB 4417 20"));
        assert_eq!(library.entries(), Entries { pins: 2, codes: 1, paper_codes: 1, inside: 1 });
        assert!(ask(&library, "POST", "/leave", "", &mut cookie).contains("name=pin"));
        for _ in 0..PATIENCE {
            ask(&library, "POST", "/enter", "card=x&pin=x", &mut cookie);
        }
        assert!(ask(&library, "GET", "/enter", "", &mut cookie).contains("come to the desk"));
        library.set_slow(true);
        assert!(ask(&library, "POST", "/enter", "card=x&pin=x", &mut cookie).contains("class=slow-down"));
    }
}
