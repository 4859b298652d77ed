//! The pages of the stand-in: given by the connector's author, or made from the manifest's screens.

use std::path::Path;

use freehold_core::SecretKind;
use freehold_protocol::manifest::{Capture, Fill, IdentityRule, IdentitySource, Manifest, Means, Screen, SignIn, SignOut};

use super::NoStandIn;
use super::address::{asked, has_part, is_at, with_parameter, with_part};
use super::element::Element;
use super::recognise::{count, first_place, recognise};

/// The parameter that says which page an address is of; many are at the same address otherwise.
pub(super) const AT: &str = "at";
/// Where pages are whose screens name no address. The second is for a manifest to which the first means something.
const PLACES: [&str; 2] = ["/sign-in", "/stand-in"];
/// The account that is read where a page is made.
pub(super) const ACCOUNT: (&str, &str) = ("stand-in@example.test", "Stand-in");

/// A page, and what its script sends when it is submitted.
pub(super) struct Page {
    /// The screen it is of.
    pub(super) name: String,
    pub(super) address: String,
    pub(super) body: Body,
    /// Selectors of what is sent.
    pub(super) fields: Vec<String>,
    /// Selector of what is pressed to send it.
    pub(super) submit: Option<String>,
}

/// What a page shows.
pub(super) enum Body {
    Made(Element),
    /// HTML of the author's.
    Given(String),
}

/// All of them.
pub(super) struct Pages {
    /// In the order in which they are shown.
    pub(super) sign_in: Vec<Page>,
    pub(super) signed_in: Page,
    pub(super) identity: Option<Page>,
    pub(super) sign_out: Vec<Page>,
    pub(super) signed_out: Option<Page>,
}

/// What pages are made from.
pub(super) struct Maker<'m> {
    pub(super) manifest: &'m Manifest,
    /// With its settings filled in, as the others are.
    pub(super) sign_in: &'m SignIn,
    pub(super) sign_out: Option<&'m SignOut>,
    pub(super) identity: Option<&'m IdentityRule>,
    /// The folder with the author's pages.
    pub(super) given: Option<&'m Path>,
}

/// A descriptor, as a page is made from one of its screens.
#[derive(Clone, Copy)]
struct Descriptor<'m> {
    screens: &'m [Screen],
    /// Its JSON pointer.
    at: &'static str,
}

impl Maker<'_> {
    pub(super) fn make(&self) -> Result<Pages, NoStandIn> {
        let signed_in = self.signed_in()?;
        Ok(Pages {
            sign_in: self.steps()?,
            identity: self.account(&signed_in)?,
            sign_out: self.ways_out(&signed_in)?,
            signed_out: self.signed_out()?,
            signed_in,
        })
    }

    fn descriptor(&self) -> Descriptor<'_> {
        Descriptor { screens: &self.sign_in.screens, at: "/sign_in/screens" }
    }

    /// The page that every address shows once somebody is signed in.
    fn signed_in(&self) -> Result<Page, NoStandIn> {
        let all = self.descriptor();
        let made = |index: usize| {
            let part = all.screens[index].when.url.as_deref();
            let start = self.sign_in.start.clone();
            let address = match part.filter(|part| !has_part(&start, part)) {
                None => start,
                Some(part) => self.with_part(part, &all.pointer(index, "when/url"))?,
            };
            let mut tree = empty_page();
            // What is typed on a page stays with it.
            body(&mut tree).children.push(note());
            self.page(all, index, address, tree, Vec::new())
        };
        first_made(all.meaning(Means::SignedIn).map(made), || NoStandIn::NoSignIn)
    }

    /// The pages that lead through every field of one form once: names before secrets, codes last.
    fn steps(&self) -> Result<Vec<Page>, NoStandIn> {
        let all = self.descriptor();
        let mut chosen: Vec<usize> = Vec::new();
        let mut pages = Vec::new();
        for wanted in self.wanted() {
            let fills = |index: usize, wanted: &Fill| all.screens[index].fill.values().any(|fill| fill == wanted);
            if chosen.iter().any(|index| fills(*index, &wanted)) {
                continue;
            }
            let known = |fill: &Fill| chosen.iter().any(|index| fills(*index, fill));
            let again = |index: &usize| all.screens[*index].fill.values().filter(|fill| known(fill)).count();
            let mut candidates: Vec<usize> = (0..all.screens.len()).filter(|index| fills(*index, &wanted)).collect();
            candidates.sort_by_key(again);
            let made = |index: usize| Ok((index, self.step(all, index, pages.len().to_string())?));
            let (index, page) = first_made(candidates.into_iter().map(made), || NoStandIn::NoSignIn)?;
            chosen.push(index);
            pages.push(page);
        }
        if pages.is_empty() {
            // A manifest that says of nothing how it is filled leaves signing in to a person: a button for one.
            let mut tree = empty_page();
            let mut button = Element::new("button");
            button.set("id", "stand-in-sign-in");
            button.say("Sign in");
            body(&mut tree).children.push(button);
            let submit = Some("#stand-in-sign-in".to_owned());
            let address = with_parameter(&format!("{}{}", self.home(), PLACES[0]), AT, "0");
            pages.push(Page { name: "sign in".to_owned(), address, body: Body::Made(tree), fields: Vec::new(), submit });
        }
        Ok(pages)
    }

    /// What is filled: the fields of the first form that any screen fills, and a code where it can be made.
    fn wanted(&self) -> Vec<Fill> {
        let screens = &self.sign_in.screens;
        let is_filled = |fill: &Fill| screens.iter().any(|screen| screen.fill.values().any(|one| one == fill));
        let of = |form: &Capture, secret: bool| -> Vec<Fill> {
            let fields = form.fields.iter().filter(|field| field.secret == secret);
            fields.map(|field| Fill::Field(field.name.clone())).filter(|fill| is_filled(fill)).collect()
        };
        let forms = self.manifest.captures().map(|form| [of(form, false), of(form, true)].concat());
        let mut wanted = forms.into_iter().find(|fields| !fields.is_empty()).unwrap_or_default();
        if self.manifest.capture(SecretKind::OtpSeed).is_some() && is_filled(&Fill::Otp) {
            wanted.push(Fill::Otp);
        }
        wanted
    }

    /// The page of a screen that is filled or pressed.
    fn step(&self, all: Descriptor<'_>, index: usize, at: String) -> Result<Page, NoStandIn> {
        let addresses = match &all.screens[index].when.url {
            Some(part) => vec![self.with_part(part, &all.pointer(index, "when/url"))?],
            None => PLACES.map(|place| format!("{}{place}", self.home())).into(),
        };
        let made = |address: String| {
            let address = with_parameter(&address, AT, &at);
            self.page(all, index, address, empty_page(), Vec::new())
        };
        first_made(addresses.into_iter().map(made), || NoStandIn::NoSignIn)
    }

    /// The page at the identity's address: the one for those who are signed in, with the account on it.
    fn account(&self, signed_in: &Page) -> Result<Option<Page>, NoStandIn> {
        let Some(IdentityRule { source: IdentitySource::Page { page, key, display }, .. }) = self.identity else {
            return Ok(None);
        };
        let name = "identity".to_owned();
        let body = match (self.given(&name)?, &signed_in.body) {
            (Some(given), _) => Body::Given(given),
            (None, Body::Given(_)) => {
                let why = "the page for those who are signed in is given, and this one is not".to_owned();
                return Err(NoStandIn::Unmade { pointer: "/identity".to_owned(), why, page: name });
            }
            (None, Body::Made(tree)) => {
                let mut tree = tree.clone();
                let values = [("/identity/key", Some(key), ACCOUNT.0), ("/identity/display", display.as_ref(), ACCOUNT.1)];
                for (pointer, selector, value) in values {
                    let Some(selector) = selector.filter(|selector| pointer == "/identity/key" || *selector != key) else {
                        continue;
                    };
                    let unmade = |why: String| NoStandIn::Unmade { pointer: pointer.to_owned(), why, page: name.clone() };
                    let place = first_place(&mut tree, selector, "span").map_err(unmade)?;
                    if let Some(element) = tree.nth_mut(place) {
                        element.hold(value);
                    }
                }
                // Where only the fragment tells it from the page for those who are signed in, it is that one too.
                if asked(page) == asked(&signed_in.address) {
                    Self::still_means(self.descriptor(), Means::SignedIn, &tree, &signed_in.address)
                        .map_err(|why| NoStandIn::Unmade { pointer: "/identity".to_owned(), why, page: name.clone() })?;
                }
                Body::Made(tree)
            }
        };
        Ok(Some(Page { name, address: page.clone(), body, fields: Vec::new(), submit: None }))
    }

    /// The pages between the address where signing out begins and its end.
    fn ways_out(&self, signed_in: &Page) -> Result<Vec<Page>, NoStandIn> {
        let Some(sign_out) = self.sign_out else { return Ok(Vec::new()) };
        let all = Descriptor { screens: &sign_out.screens, at: "/sign_out/screens" };
        // Where it begins on the page for those who are signed in, that shows both.
        let is_same = asked(&sign_out.start) == asked(&signed_in.address);
        let mut pages: Vec<Page> = Vec::new();
        for index in (0..all.screens.len()).filter(|index| all.screens[*index].means.is_none()) {
            let part = all.screens[index].when.url.as_deref();
            let address = match part.filter(|part| !has_part(&sign_out.start, part)) {
                None => sign_out.start.clone(),
                Some(part) => self.with_part(part, &all.pointer(index, "when/url"))?,
            };
            let address = with_parameter(&address, AT, &format!("out{}", pages.len()));
            let (tree, beside) = match &signed_in.body {
                Body::Made(tree) if is_same && pages.is_empty() => {
                    (tree.clone(), vec![(self.descriptor(), Means::SignedIn)])
                }
                _ => (empty_page(), Vec::new()),
            };
            pages.push(self.page(all, index, address, tree, beside)?);
        }
        Ok(pages)
    }

    fn signed_out(&self) -> Result<Option<Page>, NoStandIn> {
        let Some(sign_out) = self.sign_out else { return Ok(None) };
        let all = Descriptor { screens: &sign_out.screens, at: "/sign_out/screens" };
        let made = |index: usize| self.step(all, index, "out".to_owned());
        first_made(all.meaning(Means::SignedOut).map(made), || NoStandIn::NoSignIn).map(Some)
    }

    /// The page of one screen: the author's, or made, and then it shows that screen before any other. `beside` is what it has to mean
    /// to other descriptors.
    fn page(
        &self,
        all: Descriptor<'_>,
        index: usize,
        address: String,
        mut tree: Element,
        beside: Vec<(Descriptor<'_>, Means)>,
    ) -> Result<Page, NoStandIn> {
        let screen = &all.screens[index];
        let fields = screen.fill.keys().cloned().collect();
        let page =
            |body| Page { name: screen.name.clone(), address: address.clone(), body, fields, submit: screen.submit.clone() };
        if let Some(given) = self.given(&screen.name)? {
            return Ok(page(Body::Given(given)));
        }
        self.put(all, index, &mut tree)?;
        let unmade = |why: String| NoStandIn::Unmade { pointer: all.pointer(index, "when"), why, page: screen.name.clone() };
        match recognise(all.screens, &tree, &address) {
            Some(first) if first == index => {}
            Some(first) => return Err(unmade(format!("what is made of it shows {:?} first", all.screens[first].name))),
            None => return Err(unmade("what is made of it does not show it".to_owned())),
        }
        for (other, means) in beside {
            Self::still_means(other, means, &tree, &address).map_err(unmade)?;
        }
        Ok(page(Body::Made(tree)))
    }

    fn still_means(all: Descriptor<'_>, means: Means, tree: &Element, address: &str) -> Result<(), String> {
        match recognise(all.screens, tree, address).map(|first| &all.screens[first]) {
            Some(first) if first.means == Some(means) => Ok(()),
            Some(first) => Err(format!("with it the page for those who are signed in shows {:?}", first.name)),
            None => Err("with it the page for those who are signed in shows no screen".to_owned()),
        }
    }

    /// Puts on a page what a screen names.
    fn put(&self, all: Descriptor<'_>, index: usize, tree: &mut Element) -> Result<(), NoStandIn> {
        let screen = &all.screens[index];
        let put =
            |tree: &mut Element, part: &str, selector: &str, tag: &str, change: &mut dyn FnMut(&mut Element) -> bool| {
                let unmade = |why| NoStandIn::Unmade { pointer: all.pointer(index, part), why, page: screen.name.clone() };
                let place = first_place(tree, selector, tag).map_err(unmade)?;
                match tree.nth_mut(place).map(change) {
                    Some(true) => Ok(()),
                    _ => Err(unmade("it names something that cannot be used so".to_owned())),
                }
            };
        for (selector, fill) in &screen.fill {
            let part = format!("fill/{}", selector.replace('~', "~0").replace('/', "~1"));
            let kind = if self.is_secret(fill) { "password" } else { "text" };
            put(tree, &part, selector, "input", &mut |field| {
                if field.tag == "input" && field.attribute("type").is_none() {
                    field.set("type", kind);
                }
                matches!(field.tag.as_str(), "input" | "textarea")
            })?;
            if count(tree, selector) != 1 {
                let why = "it names several fields, which cannot be made".to_owned();
                return Err(NoStandIn::Unmade { pointer: all.pointer(index, &part), why, page: screen.name.clone() });
            }
        }
        for (tick, selector) in screen.tick.iter().enumerate() {
            put(tree, &format!("tick/{tick}"), selector, "input", &mut |field| {
                if field.tag == "input" && field.attribute("type").is_none() {
                    field.set("type", "checkbox");
                }
                true
            })?;
        }
        if let Some(selector) = &screen.submit {
            put(tree, "submit", selector, "button", &mut |button| {
                let is_field = button.tag == "textarea" || button.tag == "input" && !button.is_button();
                // What has no kind of its own is a button now.
                !is_field
            })?;
        }
        let words = screen.when.text.as_ref().and_then(|text| text.wordings().next());
        let mut say = |element: &mut Element| {
            words.into_iter().for_each(|words| element.say(words));
            true
        };
        match (&screen.when.visible, words) {
            (Some(selector), _) => put(tree, "when/visible", selector, "div", &mut say)?,
            (None, Some(_)) => {
                let mut paragraph = Element::new("p");
                say(&mut paragraph);
                body(tree).children.push(paragraph);
            }
            (None, None) => {}
        }
        Ok(())
    }

    /// Whether what goes into a field is hidden there.
    fn is_secret(&self, fill: &Fill) -> bool {
        let Fill::Field(name) = fill else { return false };
        let mut fields = self.manifest.captures().flat_map(|form| &form.fields);
        fields.any(|field| field.name == *name && field.secret)
    }

    /// The author's page of that name, if there is one.
    fn given(&self, name: &str) -> Result<Option<String>, NoStandIn> {
        let Some(folder) = self.given.filter(|_| !name.contains('/')) else { return Ok(None) };
        let file = folder.join(format!("{name}.html"));
        match std::fs::read_to_string(&file) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(NoStandIn::Given { file, error }),
        }
    }

    /// The origin that signing in begins at.
    pub(super) fn home(&self) -> &str {
        let is_home = |origin: &&String| is_at(&self.sign_in.start, origin);
        self.sign_in.origins.iter().find(is_home).map_or("", String::as_str)
    }

    fn with_part(&self, part: &str, pointer: &str) -> Result<String, NoStandIn> {
        let others = self.sign_in.origins.iter().map(String::as_str).filter(|origin| *origin != self.home());
        let origins: Vec<&str> = std::iter::once(self.home()).chain(others).collect();
        let nowhere = || NoStandIn::Nowhere { pointer: pointer.to_owned() };
        with_part(part, &origins).ok_or_else(nowhere)
    }
}

impl<'m> Descriptor<'m> {
    fn meaning(self, means: Means) -> impl Iterator<Item = usize> + 'm {
        (0..self.screens.len()).filter(move |index| self.screens[*index].means == Some(means))
    }

    fn pointer(self, index: usize, part: &str) -> String {
        format!("{}/{index}/{part}", self.at)
    }
}

/// The first that can be made; why not the first of all, where none can.
fn first_made<T>(all: impl Iterator<Item = Result<T, NoStandIn>>, none: impl FnOnce() -> NoStandIn) -> Result<T, NoStandIn> {
    let mut why = None;
    for made in all {
        match made {
            Ok(made) => return Ok(made),
            Err(error) => why = why.or(Some(error)),
        }
    }
    Err(why.unwrap_or_else(none))
}

fn empty_page() -> Element {
    Element { children: vec![Element::new("body")], ..Element::new("html") }
}

/// The field that something is left in.
fn note() -> Element {
    let mut note = Element::new("textarea");
    note.set("name", "stand-in-note");
    note
}

fn body(page: &mut Element) -> &mut Element {
    &mut page.children[0]
}
