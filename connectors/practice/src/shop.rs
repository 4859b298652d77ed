//! The shop's pages, as they are read: every value still the text that stands there.

use freehold_sdk::{Error, Page};
use serde::Deserialize;

/// The list of orders, and the page of one.
const LIST: &str = include_str!("list.js");
const ORDER: &str = include_str!("order.js");

/// The shop, in a page that is signed in.
pub(crate) struct Shop {
    page: Page,
    origin: String,
}

/// One page of the list of orders.
#[derive(Debug, Deserialize)]
pub(crate) struct Listing {
    /// Whether it is such a page at all.
    recognised: bool,
    /// Every year that has orders, newest first.
    pub(crate) years: Vec<i16>,
    /// The year it shows; none if there are no orders.
    pub(crate) year: Option<i16>,
    /// How many orders the shop says that year has.
    pub(crate) count: Option<usize>,
    /// The path of the next page.
    pub(crate) next: Option<String>,
    pub(crate) orders: Vec<OrderText>,
}

/// An order in the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OrderText {
    pub(crate) id: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) total: Option<String>,
    pub(crate) currency: Option<String>,
    pub(crate) items: usize,
}

/// A line of an order, on the order's own page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ItemText {
    pub(crate) line: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) quantity: Option<String>,
    pub(crate) price: Option<String>,
}

impl Shop {
    pub(crate) fn new(page: Page, origin: String) -> Self {
        Self { page, origin }
    }

    /// The first page of the newest year.
    pub(crate) fn newest(&mut self) -> Result<Listing, Error> {
        self.listing("/orders")
    }

    /// The first page of a year.
    pub(crate) fn year(&mut self, year: i16) -> Result<Listing, Error> {
        self.listing(&format!("/orders?year={year}"))
    }

    /// A page of the list, by its path.
    pub(crate) fn listing(&mut self, path: &str) -> Result<Listing, Error> {
        self.open(path)?;
        let listing: Listing = self.page.evaluate(LIST, ())?;
        if !listing.recognised {
            return Err(Error::page_changed(format!("{path} is no list of orders as this connector knows it")));
        }
        Ok(listing)
    }

    /// The lines of an order.
    pub(crate) fn items(&mut self, order: &str) -> Result<Vec<ItemText>, Error> {
        let path = format!("/orders/{order}");
        self.open(&path)?;
        let items: Option<Vec<ItemText>> = self.page.evaluate(ORDER, (order,))?;
        items.ok_or_else(|| Error::page_changed(format!("{path} is not that order as this connector knows it")))
    }

    fn open(&mut self, path: &str) -> Result<(), Error> {
        let went = self.page.goto(&format!("{}{path}", self.origin))?;
        let there = went.url.strip_prefix(&self.origin).unwrap_or(&went.url);
        if there.starts_with("/sign-in") {
            return Err(Error::signed_out("the shop asks to sign in again"));
        }
        match went.status {
            None | Some(200) => Ok(()),
            Some(status) => Err(Error::page_changed(format!("{path} answered {status}"))),
        }
    }
}
