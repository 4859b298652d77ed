//! Reading a selector.

use super::{Combinator, Complex, Compound, Is, Place, Selector, Test, Unmade};

pub(super) struct Parser<'t> {
    text: &'t str,
    rest: &'t str,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, rest: text }
    }

    /// The whole text is one selector.
    pub(super) fn whole(mut self) -> Result<Selector, Unmade> {
        let selector = self.list()?;
        if self.rest.is_empty() { Ok(selector) } else { Err(self.unmade()) }
    }

    fn list(&mut self) -> Result<Selector, Unmade> {
        let mut alternatives = vec![self.complex()?];
        while self.takes(",") {
            alternatives.push(self.complex()?);
        }
        Ok(Selector { alternatives })
    }

    fn complex(&mut self) -> Result<Complex, Unmade> {
        self.blank();
        let first = self.compound()?;
        let mut rest = Vec::new();
        loop {
            let apart = self.blank();
            let combinator = match self.combinator() {
                Some(combinator) => combinator,
                None if apart && !self.rest.is_empty() && !self.rest.starts_with([',', ')']) => Combinator::Descendant,
                None => return Ok(Complex { first, rest }),
            };
            self.blank();
            rest.push((combinator, self.compound()?));
        }
    }

    fn combinator(&mut self) -> Option<Combinator> {
        let of = |sign: &(&str, Combinator)| self.rest.strip_prefix(sign.0).map(|rest| (rest, sign.1));
        let signs = [(">", Combinator::Child), ("+", Combinator::Next), ("~", Combinator::Later)];
        let (rest, combinator) = signs.iter().find_map(of)?;
        self.rest = rest;
        Some(combinator)
    }

    fn compound(&mut self) -> Result<Compound, Unmade> {
        let before = self.rest.len();
        let mut compound = Compound::default();
        if !self.takes("*") && self.rest.starts_with(is_name) {
            compound.tag = Some(self.name()?.to_lowercase());
        }
        loop {
            let test = if self.takes("#") {
                Test::Id(self.name()?)
            } else if self.takes(".") {
                Test::Class(self.name()?)
            } else if self.takes("[") {
                self.attribute()?
            } else if self.rest.starts_with(':') {
                self.pseudo()?
            } else {
                break;
            };
            compound.tests.push(test);
        }
        if self.rest.len() == before { Err(self.unmade()) } else { Ok(compound) }
    }

    fn attribute(&mut self) -> Result<Test, Unmade> {
        self.blank();
        let name = self.name()?.to_lowercase();
        self.blank();
        if self.takes("]") {
            return Ok(Test::Attribute { name, is: Is::There, value: String::new(), any_case: false });
        }
        let signs =
            [("=", Is::Equal), ("^=", Is::Start), ("$=", Is::End), ("*=", Is::Within), ("~=", Is::Word), ("|=", Is::Prefix)];
        let is = signs.into_iter().find(|(sign, _)| self.takes(sign)).ok_or_else(|| self.unmade())?.1;
        self.blank();
        let value = match self.rest.chars().next() {
            Some(mark @ ('"' | '\'')) => self.quoted(mark)?,
            _ => self.name()?,
        };
        self.blank();
        // What HTML itself compares without case.
        let any_case = self.takes("i") || self.takes("I") || name == "type";
        self.blank();
        if self.takes("]") { Ok(Test::Attribute { name, is, value, any_case }) } else { Err(self.unmade()) }
    }

    fn pseudo(&mut self) -> Result<Test, Unmade> {
        let whole = self.rest;
        self.takes(":");
        let unmade = || Unmade(whole.split([' ', ',', '>']).next().unwrap_or_default().to_owned());
        let name = self.name().map_err(|_| unmade())?.to_lowercase();
        let simple = |place| Ok(Test::Place(place));
        match name.as_str() {
            "root" => return simple(Place::Root),
            "first-child" => return simple(Place::First),
            "last-child" => return simple(Place::Last),
            "only-child" => return simple(Place::Only),
            "first-of-type" => return simple(Place::FirstOfType),
            "last-of-type" => return simple(Place::LastOfType),
            "enabled" => return Ok(Test::Not(Parser::new("[disabled]").whole()?)),
            "checked" | "disabled" | "required" => {
                return Ok(Test::Attribute { name, is: Is::There, value: String::new(), any_case: false });
            }
            _ => {}
        }
        if !self.takes("(") {
            return Err(unmade());
        }
        self.blank();
        let combinator = if name == "has" { self.combinator() } else { None }.unwrap_or(Combinator::Descendant);
        let within = self.list()?;
        self.blank();
        if !self.takes(")") {
            return Err(self.unmade());
        }
        match name.as_str() {
            "has" => Ok(Test::Has(combinator, within)),
            "not" => Ok(Test::Not(within)),
            "is" | "where" => Ok(Test::Any(within)),
            _ => Err(unmade()),
        }
    }

    fn name(&mut self) -> Result<String, Unmade> {
        let mut name = String::new();
        while let Some(letter) = self.rest.chars().next() {
            if letter == '\\' {
                self.rest = &self.rest[1..];
                name.push(self.escaped()?);
            } else if is_name(letter) {
                name.push(letter);
                self.rest = &self.rest[letter.len_utf8()..];
            } else {
                break;
            }
        }
        if name.is_empty() { Err(self.unmade()) } else { Ok(name) }
    }

    fn quoted(&mut self, mark: char) -> Result<String, Unmade> {
        let mut text = String::new();
        self.rest = &self.rest[1..];
        while let Some(letter) = self.rest.chars().next() {
            self.rest = &self.rest[letter.len_utf8()..];
            match letter {
                '\\' => text.push(self.escaped()?),
                letter if letter == mark => return Ok(text),
                letter => text.push(letter),
            }
        }
        Err(self.unmade())
    }

    /// What follows a backslash: a letter itself, or its number in up to six hexadecimal digits and one blank.
    fn escaped(&mut self) -> Result<char, Unmade> {
        let digits = self.rest.bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
        if digits > 0 {
            let letter = u32::from_str_radix(&self.rest[..digits], 16).ok().and_then(char::from_u32);
            self.rest = &self.rest[digits..];
            self.takes(" ");
            return letter.ok_or_else(|| self.unmade());
        }
        let letter = self.rest.chars().next().ok_or_else(|| self.unmade())?;
        self.rest = &self.rest[letter.len_utf8()..];
        Ok(letter)
    }

    /// Skips white space; whether there was any.
    fn blank(&mut self) -> bool {
        let trimmed = self.rest.trim_start();
        let was = trimmed.len() < self.rest.len();
        self.rest = trimmed;
        was
    }

    fn takes(&mut self, sign: &str) -> bool {
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn unmade(&self) -> Unmade {
        Unmade(if self.rest.is_empty() { self.text } else { self.rest }.to_owned())
    }
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '-' || letter == '_' || letter == '\\' || !letter.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand_in::element::Element;

    /// A page with nothing but what the selector names.
    fn page_of(selector: &str) -> Result<(Selector, Element), Unmade> {
        let mut page = Element { children: vec![Element::new("body")], ..Element::new("html") };
        let selector = Selector::parse(selector)?;
        selector.add_to(&mut page, "div")?;
        Ok((selector, page))
    }

    #[test]
    fn what_is_made_of_a_selector_is_what_it_names() {
        for text in [
            "#password",
            "input[name=pin]",
            "form.door button.go",
            "nav.reader > b",
            "#login_form [type='submit']",
            "body:has(#code) #error",
            "html.js body.in main > h1",
            "#problem[data-status^='5'], .other",
            "a[href*='/out' i]:not(.old):first-child",
            "label + input:enabled",
            "li ~ li.last:last-of-type",
            ":is(button, a).go",
            r"#a\:b.w-1\/2",
            "tr.order:has(> td.total)",
            "dl > dd:only-child",
        ] {
            let (selector, page) = page_of(text).unwrap_or_else(|unmade| panic!("{text}: {unmade}"));
            assert_eq!(selector.find(&page).len(), 1, "{text} in {page:?}");
        }
    }

    #[test]
    fn a_selector_names_nothing_else() {
        let (_, page) = page_of("form.door[data-kind='wide'] > button#go.big").unwrap();
        let find = |text: &str| Selector::parse(text).unwrap().find(&page).len();
        for (text, expected) in [
            ("form > button", 1),
            ("body > button", 0),
            ("body button", 1),
            ("form:has(> .big)", 1),
            ("form:has(> .small)", 0),
            ("button:not(#go)", 0),
            ("[data-kind|=wide]", 1),
            ("[data-kind=WIDE]", 0),
            ("[data-kind=WIDE i]", 1),
            ("form + button, *", 5),
        ] {
            assert_eq!(find(text), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_made_is_named() {
        for (text, part) in [
            ("li:nth-child(2)", ":nth-child(2)"),
            ("p::before b", "::before"),
            ("a >", "a >"),
            ("a, #", "a, #"),
            ("b:has(+ i)", ":has() of what is beside"),
        ] {
            assert_eq!(page_of(text).unwrap_err().0, part, "{text}");
        }
    }
}
