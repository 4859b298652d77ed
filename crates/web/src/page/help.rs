//! Help, in the owner's words: how Freehold signs in, what it keeps, and what to do when something is wrong.

use askama::Template;

use super::{Frame, Page, Under, show};
use crate::admit::Visitor;

#[derive(Template)]
#[template(path = "help/index.html")]
pub(super) struct Index {
    pub(super) frame: Frame,
}

#[derive(Template)]
#[template(path = "help/signing_in.html")]
pub(super) struct SigningIn {
    pub(super) frame: Frame,
}

#[derive(Template)]
#[template(path = "help/what_is_kept.html")]
pub(super) struct WhatIsKept {
    pub(super) frame: Frame,
}

#[derive(Template)]
#[template(path = "help/trouble.html")]
pub(super) struct Trouble {
    pub(super) frame: Frame,
}

pub(super) fn index() -> Index {
    Index { frame: Frame::new("Help", Under::Help) }
}

pub(super) fn signing_in() -> SigningIn {
    SigningIn { frame: Frame::new("How Freehold signs in", Under::Help) }
}

pub(super) fn what_is_kept() -> WhatIsKept {
    WhatIsKept { frame: Frame::new("What is kept, and who can see it", Under::Help) }
}

pub(super) fn trouble() -> Trouble {
    Trouble { frame: Frame::new("When something is wrong", Under::Help) }
}

pub(crate) async fn show_index(_: Visitor) -> Page {
    Ok(show(&index()))
}

pub(crate) async fn show_signing_in(_: Visitor) -> Page {
    Ok(show(&signing_in()))
}

pub(crate) async fn show_what_is_kept(_: Visitor) -> Page {
    Ok(show(&what_is_kept()))
}

pub(crate) async fn show_trouble(_: Visitor) -> Page {
    Ok(show(&trouble()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use axum::routing::MethodFilter;

    use super::*;

    fn help() -> BTreeMap<&'static str, String> {
        let html = |page: Result<String, _>| page.expect("a page");
        BTreeMap::from([
            ("/help", html(index().render())),
            ("/help/signing-in", html(signing_in().render())),
            ("/help/what-is-kept", html(what_is_kept().render())),
            ("/help/trouble", html(trouble().render())),
        ])
    }

    /// What stands in the attribute of that name, everywhere in the text.
    fn values<'a>(text: &'a str, attribute: &str) -> Vec<&'a str> {
        let start = format!(" {attribute}=\"");
        text.split(start.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    #[test]
    fn every_link_of_help_leads_somewhere() {
        let pages = help();
        let routes = crate::route::table();
        let is_page = |path: &str| routes.iter().any(|route| route.path == path && route.method == MethodFilter::GET);
        let mut links = 0;
        for (from, html) in &pages {
            let main = html.split_once("<main").expect("content").1;
            for link in values(main, "href") {
                links += 1;
                let (path, place) = link.split_once('#').unwrap_or((link, ""));
                let path = if path.is_empty() { from } else { path };
                assert!(is_page(path), "{from} links to {link}, and there is no such page");
                let there = |target: &String| place.is_empty() || values(target, "id").contains(&place);
                assert!(pages.get(path).is_none_or(there), "{from} links to {link}, and there is no such place");
            }
        }
        assert!(links > 20, "only {links} links were found");
    }

    #[test]
    fn every_place_of_help_that_other_pages_link_to_is_there() {
        let pages = help();
        let mut links = 0;
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("templates")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("templates").flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                    continue;
                }
                let text = std::fs::read_to_string(entry.path()).expect("a template");
                for link in values(&text, "href").into_iter().filter(|link| link.starts_with("/help")) {
                    links += 1;
                    let (path, place) = link.split_once('#').unwrap_or((link, ""));
                    let target = pages.get(path).unwrap_or_else(|| panic!("{}: {link}", entry.path().display()));
                    assert!(place.is_empty() || values(target, "id").contains(&place), "{}: {link}", entry.path().display());
                }
            }
        }
        assert!(links > 20, "only {links} links were found");
    }
}
