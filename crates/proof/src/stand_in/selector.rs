//! CSS selectors: reading them, making an element that one names, and finding what one names among the elements made.

use super::element::Element;

mod matching;
mod parse;

/// A selector: what any of its alternatives names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selector {
    alternatives: Vec<Complex>,
}

/// Compounds with what is between them, read from the left.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Complex {
    first: Compound,
    rest: Vec<(Combinator, Compound)>,
}

/// How an element stands to the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Combinator {
    Descendant,
    Child,
    Next,
    Later,
}

/// What is said of one element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Compound {
    /// `None` for any.
    tag: Option<String>,
    tests: Vec<Test>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Id(String),
    Class(String),
    Attribute { name: String, is: Is, value: String, any_case: bool },
    Has(Combinator, Selector),
    Not(Selector),
    Any(Selector),
    Place(Place),
}

/// How an attribute is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    There,
    Equal,
    Start,
    End,
    Within,
    Word,
    Prefix,
}

/// Where an element is among those beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Root,
    First,
    Last,
    Only,
    FirstOfType,
    LastOfType,
}

/// A selector of which no element can be made here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the part {0:?} of the selector is not one an element can be made of")]
pub(super) struct Unmade(pub(super) String);

impl Selector {
    pub(super) fn parse(text: &str) -> Result<Self, Unmade> {
        parse::Parser::new(text).whole()
    }

    /// Adds an element that it names to a page, in the body unless it says otherwise. What it says no tag of becomes a `tag`.
    pub(super) fn add_to(&self, page: &mut Element, tag: &str) -> Result<(), Unmade> {
        let complex = &self.alternatives[0];
        let mut compounds: Vec<_> = std::iter::once((Combinator::Descendant, &complex.first))
            .chain(complex.rest.iter().map(|(c, k)| (*c, k)))
            .collect();
        let mut at = page;
        // The page has one of each already.
        for place in ["html", "body"] {
            if place == "body" {
                at = at.children.iter_mut().find(|child| child.tag == "body").expect("a page has a body");
            }
            let is_this = |(combinator, compound): &&(Combinator, &Compound)| {
                let named = compound.tag.as_deref() == Some(place)
                    || place == "html" && compound.tests.contains(&Test::Place(Place::Root));
                named && matches!(combinator, Combinator::Descendant | Combinator::Child)
            };
            if let Some((_, compound)) = compounds.first().filter(is_this) {
                compound.apply(at)?;
                compounds.remove(0);
                if compounds.is_empty() {
                    return Ok(());
                }
            }
        }
        let is_direct = compounds[0].0 == Combinator::Child;
        let made = make(&compounds, tag)?;
        if is_direct {
            at.children.extend(made);
        } else {
            // Apart from the others, so that it is the first and the only one where it is.
            at.children.push(Element { children: made, ..Element::new("div") });
        }
        Ok(())
    }
}

/// Elements side by side: the first compound's, with what follows from the rest.
fn make(compounds: &[(Combinator, &Compound)], tag: &str) -> Result<Vec<Element>, Unmade> {
    let Some(((_, compound), rest)) = compounds.split_first() else { return Ok(Vec::new()) };
    let default = if rest.is_empty() { tag } else { "div" };
    let mut element = Element::new(compound.tag.as_deref().unwrap_or(default));
    compound.apply(&mut element)?;
    let after = make(rest, tag)?;
    Ok(match rest.first() {
        Some((Combinator::Next | Combinator::Later, _)) => std::iter::once(element).chain(after).collect(),
        _ => {
            element.children.extend(after);
            vec![element]
        }
    })
}

impl Compound {
    /// Makes an element what is said here.
    fn apply(&self, element: &mut Element) -> Result<(), Unmade> {
        for test in &self.tests {
            match test {
                Test::Id(id) => element.set("id", id),
                Test::Class(class) => {
                    let classes = element.attribute("class").map_or_else(|| class.clone(), |all| format!("{all} {class}"));
                    element.set("class", &classes);
                }
                Test::Attribute { name, value, is, .. } => {
                    let before = element.attribute(name).unwrap_or_default();
                    let made = match is {
                        Is::There => before.to_owned(),
                        Is::Equal | Is::Prefix => value.clone(),
                        Is::Start => format!("{value}{before}"),
                        Is::End | Is::Within => format!("{before}{value}"),
                        Is::Word => format!("{before} {value}").trim().to_owned(),
                    };
                    element.set(name, &made);
                }
                Test::Has(combinator, selector) => {
                    if matches!(combinator, Combinator::Next | Combinator::Later) {
                        return Err(Unmade(":has() of what is beside".to_owned()));
                    }
                    let inner = &selector.alternatives[0];
                    let compounds: Vec<_> = std::iter::once((*combinator, &inner.first))
                        .chain(inner.rest.iter().map(|(combinator, compound)| (*combinator, compound)))
                        .collect();
                    element.children.extend(make(&compounds, "span")?);
                }
                Test::Any(selector) => {
                    let Complex { first, rest } = &selector.alternatives[0];
                    if !rest.is_empty() {
                        return Err(Unmade(":is() of several elements".to_owned()));
                    }
                    if let Some(tag) = &first.tag {
                        tag.clone_into(&mut element.tag);
                    }
                    first.apply(element)?;
                }
                // Whether it holds is looked at when the page is whole.
                Test::Not(_) | Test::Place(_) => {}
            }
        }
        Ok(())
    }
}
