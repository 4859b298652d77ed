//! Which elements of a page a selector names.

use super::{Combinator, Complex, Compound, Is, Place, Selector, Test};
use crate::stand_in::element::Element;

/// A page's elements in document order, each knowing where it is.
struct Tree<'e> {
    nodes: Vec<Node<'e>>,
}

struct Node<'e> {
    element: &'e Element,
    parent: Option<usize>,
    /// Those beside it, itself among them.
    beside: Vec<usize>,
}

impl Selector {
    /// The places, in document order, of the elements it names; the page itself is 0.
    pub(in crate::stand_in) fn find(&self, page: &Element) -> Vec<usize> {
        let tree = Tree::of(page);
        (0..tree.nodes.len()).filter(|place| self.names(&tree, *place)).collect()
    }

    fn names(&self, tree: &Tree<'_>, place: usize) -> bool {
        self.alternatives.iter().any(|complex| complex.names(tree, place, None))
    }
}

impl Complex {
    /// Whether it names that element; relative to `scope`, where its first compound stands to that as given.
    fn names(&self, tree: &Tree<'_>, place: usize, scope: Option<(Combinator, usize)>) -> bool {
        let compounds: Vec<_> = std::iter::once((scope.map(|(combinator, _)| combinator), &self.first))
            .chain(self.rest.iter().map(|(combinator, compound)| (Some(*combinator), compound)))
            .collect();
        backwards(tree, &compounds, place, scope.map(|(_, place)| place))
    }
}

/// Whether the last compound is that element's, and those before it have theirs.
fn backwards(tree: &Tree<'_>, compounds: &[(Option<Combinator>, &Compound)], place: usize, scope: Option<usize>) -> bool {
    let Some(((combinator, compound), before)) = compounds.split_last() else { return scope == Some(place) };
    if !compound.is(tree, place) {
        return false;
    }
    let Some(combinator) = combinator else { return true };
    let mut candidates = tree.before(*combinator, place).into_iter();
    candidates.any(|candidate| backwards(tree, before, candidate, scope))
}

impl<'e> Tree<'e> {
    fn of(page: &'e Element) -> Self {
        let mut tree = Self { nodes: Vec::new() };
        tree.add(page, None);
        tree
    }

    fn add(&mut self, element: &'e Element, parent: Option<usize>) -> usize {
        let place = self.nodes.len();
        self.nodes.push(Node { element, parent, beside: vec![place] });
        let children: Vec<_> = element.children.iter().map(|child| self.add(child, Some(place))).collect();
        for child in &children {
            self.nodes[*child].beside.clone_from(&children);
        }
        place
    }

    /// The elements that stand so before one.
    fn before(&self, combinator: Combinator, place: usize) -> Vec<usize> {
        let node = &self.nodes[place];
        let earlier = node.beside.iter().copied().take_while(|other| *other != place);
        match combinator {
            Combinator::Child => node.parent.into_iter().collect(),
            Combinator::Descendant => std::iter::successors(node.parent, |above| self.nodes[*above].parent).collect(),
            Combinator::Next => earlier.last().into_iter().collect(),
            Combinator::Later => earlier.collect(),
        }
    }
}

impl Compound {
    fn is(&self, tree: &Tree<'_>, place: usize) -> bool {
        let element = tree.nodes[place].element;
        self.tag.as_ref().is_none_or(|tag| *tag == element.tag) && self.tests.iter().all(|test| test.holds(tree, place))
    }
}

impl Test {
    fn holds(&self, tree: &Tree<'_>, place: usize) -> bool {
        let element = tree.nodes[place].element;
        match self {
            Self::Id(id) => element.attribute("id") == Some(id),
            Self::Class(class) => {
                element.attribute("class").is_some_and(|all| all.split_whitespace().any(|one| one == class))
            }
            Self::Attribute { name, is, value, any_case } => element.attribute(name).is_some_and(|there| {
                if *any_case { is.holds(&there.to_lowercase(), &value.to_lowercase()) } else { is.holds(there, value) }
            }),
            Self::Has(combinator, selector) => (0..tree.nodes.len()).any(|other| {
                let relative = |complex: &Complex| complex.names(tree, other, Some((*combinator, place)));
                other != place && selector.alternatives.iter().any(relative)
            }),
            Self::Not(selector) => !selector.names(tree, place),
            Self::Any(selector) => selector.names(tree, place),
            Self::Place(wanted) => wanted.holds(tree, place),
        }
    }
}

impl Is {
    fn holds(self, there: &str, value: &str) -> bool {
        match self {
            Self::There => true,
            Self::Equal => there == value,
            Self::Start => !value.is_empty() && there.starts_with(value),
            Self::End => !value.is_empty() && there.ends_with(value),
            Self::Within => !value.is_empty() && there.contains(value),
            Self::Word => there.split_whitespace().any(|word| word == value),
            Self::Prefix => there == value || there.strip_prefix(value).is_some_and(|rest| rest.starts_with('-')),
        }
    }
}

impl Place {
    fn holds(self, tree: &Tree<'_>, place: usize) -> bool {
        let node = &tree.nodes[place];
        let of_type: Vec<_> =
            node.beside.iter().filter(|other| tree.nodes[**other].element.tag == node.element.tag).collect();
        match self {
            Self::Root => node.parent.is_none(),
            Self::First => node.beside.first() == Some(&place),
            Self::Last => node.beside.last() == Some(&place),
            Self::Only => node.beside.len() == 1,
            Self::FirstOfType => of_type.first() == Some(&&place),
            Self::LastOfType => of_type.last() == Some(&&place),
        }
    }
}
