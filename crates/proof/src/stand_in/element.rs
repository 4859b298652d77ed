//! The elements of a page that is made from a manifest's screens.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeTuple, Serializer};

/// An element, and what is in it. A browser is given it as it is, so that no parser moves it elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) tag: String,
    pub(super) attributes: BTreeMap<String, String>,
    /// It comes before the children.
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    pub(super) fn new(tag: &str) -> Self {
        Self { tag: tag.to_owned(), ..Self::default() }
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.attributes.insert(name.to_owned(), value.to_owned());
    }

    /// Whether a browser would show it. The page's style makes everything else visible.
    pub(super) fn is_shown(&self) -> bool {
        !(self.tag == "input" && self.attribute("type") == Some("hidden"))
    }

    /// Whether it is a button by itself.
    pub(super) fn is_button(&self) -> bool {
        self.tag == "input" && matches!(self.attribute("type"), Some("submit" | "button" | "image" | "reset"))
    }

    /// Makes it say something, where a person and the sign-in machine read it.
    pub(super) fn say(&mut self, words: &str) {
        let attribute = match self.tag.as_str() {
            "meta" => "content",
            "input" if self.is_button() => "value",
            "input" | "textarea" => "placeholder",
            _ => {
                let gap = if self.text.is_empty() { "" } else { " " };
                self.text = format!("{}{gap}{words}", self.text);
                return;
            }
        };
        let said = self.attribute(attribute).map_or_else(|| words.to_owned(), |said| format!("{said} {words}"));
        self.set(attribute, &said);
    }

    /// Gives it the value that an account is read by.
    pub(super) fn hold(&mut self, value: &str) {
        match self.tag.as_str() {
            "meta" => self.set("content", value),
            "input" => self.set("value", value),
            _ => value.clone_into(&mut self.text),
        }
    }

    /// The text of it and of all within.
    pub(super) fn all_text(&self) -> String {
        let within = self.children.iter().map(Self::all_text);
        std::iter::once(self.text.clone()).chain(within).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// What it says: its text, or what stands in a field.
    pub(super) fn says(&self) -> String {
        let attributes = ["value", "aria-label", "placeholder"].into_iter().filter_map(|name| self.attribute(name));
        std::iter::once(self.all_text()).chain(attributes.map(str::to_owned)).collect::<Vec<_>>().join(" ")
    }

    /// The element at a place in document order, itself being 0.
    pub(super) fn nth_mut(&mut self, place: usize) -> Option<&mut Self> {
        fn find<'e>(element: &'e mut Element, left: &mut usize) -> Option<&'e mut Element> {
            if *left == 0 {
                return Some(element);
            }
            *left -= 1;
            element.children.iter_mut().find_map(|child| find(child, left))
        }
        let mut left = place;
        find(self, &mut left)
    }
}

/// As the page's script takes it: tag, attributes, text, children.
impl Serialize for Element {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(4)?;
        tuple.serialize_element(&self.tag)?;
        tuple.serialize_element(&self.attributes)?;
        tuple.serialize_element(&self.text)?;
        tuple.serialize_element(&self.children)?;
        tuple.end()
    }
}
