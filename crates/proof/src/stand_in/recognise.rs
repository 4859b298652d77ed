//! Which screen a page that was made shows, and what a selector names on it: what a browser would find, found without one.

use freehold_protocol::manifest::{Screen, When};

use super::address::has_part;
use super::element::Element;
use super::selector::Selector;

/// The first screen that a page at an address shows.
pub(super) fn recognise(screens: &[Screen], page: &Element, address: &str) -> Option<usize> {
    screens.iter().position(|screen| shows(&screen.when, page, address))
}

/// How many visible elements a selector names.
pub(super) fn count(page: &Element, selector: &str) -> usize {
    shown(page, selector).len()
}

/// The place of the first element that a selector names; a `tag` more on the page, where there is none yet.
pub(super) fn first_place(page: &mut Element, selector: &str, tag: &str) -> Result<usize, String> {
    if let Some(place) = shown(page, selector).first() {
        return Ok(*place);
    }
    let parsed = Selector::parse(selector).map_err(|unmade| unmade.to_string())?;
    parsed.add_to(page, tag).map_err(|unmade| unmade.to_string())?;
    shown(page, selector).first().copied().ok_or_else(|| "no visible element can be made that it names".to_owned())
}

fn shows(when: &When, page: &Element, address: &str) -> bool {
    if when.url.as_ref().is_some_and(|part| !has_part(address, part)) {
        return false;
    }
    if when.hidden.as_ref().is_some_and(|selector| count(page, selector) > 0) {
        return false;
    }
    let said: Vec<String> = match &when.visible {
        None => vec![page.all_text()],
        Some(selector) => {
            let mut page = page.clone();
            let places = shown(&page, selector);
            places.into_iter().filter_map(|place| page.nth_mut(place).map(|element| element.says())).collect()
        }
    };
    let says = |wording: &str| said.iter().any(|said| plain(said).contains(&plain(wording)));
    !said.is_empty() && when.text.as_ref().is_none_or(|text| text.wordings().any(says))
}

/// The places of the visible elements a selector names. One that cannot be read here names nothing that was made here.
fn shown(page: &Element, selector: &str) -> Vec<usize> {
    let Ok(selector) = Selector::parse(selector) else { return Vec::new() };
    let mut page = page.clone();
    let places = selector.find(&page);
    places.into_iter().filter(|place| page.nth_mut(*place).is_some_and(|element| element.is_shown())).collect()
}

/// Words as they are compared.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}
