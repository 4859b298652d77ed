//! The shop's pages, as they are read: every value still the text that stands there.

use std::time::Duration;

use freehold_sdk::{BrowserError, Error, Page, RecoveryAction};
use serde::Deserialize;

/// The list of orders, and the page of one.
const LIST: &str = include_str!("list.js");
const ORDER: &str = include_str!("order.js");

/// What a page is, once it is complete: some fill themselves in after they are loaded.
const KIND: &str = include_str!("kind.js");
const CARDS: &str = ".order-card, .js-order-card";

/// How long a list may take to fill itself in, and an order's page, which may be of a kind that never will.
const LIST_PATIENCE: Duration = Duration::from_secs(10);
const ORDER_PATIENCE: Duration = Duration::from_secs(4);

/// What a page is.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// The list of orders, or an order.
    Known,
    /// A question whether someone is there.
    Question,
    /// The sign-in.
    SignIn,
    /// None of these.
    Other,
}

/// A country's shop, in a page that is signed in.
pub(crate) struct Shop {
    page: Page,
    origin: String,
}

/// One page of the list of orders.
#[derive(Debug, Deserialize)]
pub(crate) struct Listing {
    /// Whether it is such a page at all.
    recognised: bool,
    /// Every year that can be chosen, newest first.
    pub(crate) years: Vec<i16>,
    /// The filter that is chosen, as in `year-2024`.
    pub(crate) filter: Option<String>,
    /// How many orders the shop says fit the filter, where it says so.
    pub(crate) count: Option<usize>,
    /// The path of the next page.
    pub(crate) next: Option<String>,
    pub(crate) orders: Vec<OrderText>,
}

/// An order in the list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OrderText {
    pub(crate) id: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) total: Option<String>,
    pub(crate) recipient: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) items: Vec<ItemText>,
}

/// A line of an order.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ItemText {
    pub(crate) name: Option<String>,
    /// The path of the product's page.
    pub(crate) link: Option<String>,
    pub(crate) quantity: Option<String>,
    pub(crate) price: Option<String>,
    pub(crate) seller: Option<String>,
}

impl Shop {
    pub(crate) fn new(page: Page, origin: String) -> Self {
        Self { page, origin }
    }

    /// The scheme and host of its addresses.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The list as it comes: with the years there are to choose from.
    pub(crate) fn newest(&mut self) -> Result<Listing, Error> {
        self.listing("/your-orders/orders")
    }

    /// The first page of a year.
    pub(crate) fn year(&mut self, year: i16) -> Result<Listing, Error> {
        self.listing(&format!("/your-orders/orders?timeFilter=year-{year}"))
    }

    /// A page of the list, by its path.
    pub(crate) fn listing(&mut self, path: &str) -> Result<Listing, Error> {
        let unknown = || Error::page_changed("the list of orders is not as this connector knows it");
        let Kind::Known = self.open(path, LIST_PATIENCE)? else { return Err(unknown()) };
        let mut listing: Listing = self.page.evaluate(LIST, ())?;
        if listing.orders.is_empty() && listing.count.is_some_and(|count| count > 0) {
            // It says that there are some: they may be on their way.
            match self.page.wait_for(CARDS, LIST_PATIENCE) {
                Ok(()) => listing = self.page.evaluate(LIST, ())?,
                Err(BrowserError::Missing { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if listing.recognised { Ok(listing) } else { Err(unknown()) }
    }

    /// The lines of an order; none if its page is of another kind, as some services' are.
    pub(crate) fn items(&mut self, order: &str) -> Result<Option<Vec<ItemText>>, Error> {
        match self.open(&format!("/your-orders/order-details?orderID={order}"), ORDER_PATIENCE)? {
            Kind::Known => Ok(self.page.evaluate(ORDER, (order,))?),
            Kind::Question | Kind::SignIn | Kind::Other => Ok(None),
        }
    }

    /// Opens a page and says what it is. What nobody but a person can go on from is an error.
    fn open(&mut self, path: &str, patience: Duration) -> Result<Kind, Error> {
        let went = self.page.goto(&format!("{}{path}", self.origin))?;
        let there = went.url.strip_prefix(&self.origin).unwrap_or(&went.url);
        let is_sign_in = there.starts_with("/ap/") || there.starts_with("/ax/claim");
        let millis = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        match if is_sign_in { Kind::SignIn } else { self.page.evaluate(KIND, (millis,))? } {
            Kind::SignIn => Err(Error::signed_out("the shop asks to sign in again")),
            Kind::Question => {
                let message = "the shop wants to see that someone is there";
                Err(Error::new("challenge", message).with_hint(RecoveryAction::ManualActionRequired))
            }
            Kind::Known | Kind::Other if went.status.is_some_and(|status| status != 200) => Ok(Kind::Other),
            kind => Ok(kind),
        }
    }
}
