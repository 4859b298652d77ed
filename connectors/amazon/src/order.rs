//! An order and its lines, made of the texts of the shop's pages.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::date;
use crate::money::Money;
use crate::shop::{ItemText, OrderText};

/// A record of `orders`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) ordered_on: Date,
    /// In the words of the shop.
    pub(crate) status: Option<String>,
    /// An exact decimal. A cancelled order has none.
    pub(crate) total: Option<String>,
    pub(crate) currency: Option<&'static str>,
    pub(crate) recipient: Option<String>,
    pub(crate) url: String,
}

/// A record of `order_items`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) order_id: String,
    pub(crate) ordered_on: Date,
    /// The shop's product number.
    pub(crate) asin: Option<String>,
    pub(crate) name: String,
    pub(crate) quantity: u32,
    /// An exact decimal, of one.
    pub(crate) price: Option<String>,
    pub(crate) currency: Option<&'static str>,
    pub(crate) seller: Option<String>,
    pub(crate) url: Option<String>,
}

/// What of an order or line could not be read; it quotes nothing of the owner's.
pub(crate) type Unreadable = &'static str;

impl Order {
    /// Reads an order of the list of the shop at `origin`.
    pub(crate) fn read(text: &OrderText, origin: &str) -> Result<Self, Unreadable> {
        let id = text.id.as_deref().and_then(order_number).ok_or("its number")?;
        let total = match text.total.as_deref() {
            None => None,
            Some(total) => Some(Money::read(total, host(origin)).ok_or("its total")?),
        };
        Ok(Self {
            ordered_on: text.date.as_deref().and_then(date::read).ok_or("its day")?,
            status: text.status.clone(),
            total: total.as_ref().map(|total| total.amount.clone()),
            currency: total.as_ref().map(|total| total.currency),
            recipient: text.recipient.clone(),
            url: format!("{origin}/your-orders/order-details?orderID={id}"),
            id,
        })
    }

    /// When it was made, as a time range is compared with: the beginning of the day.
    pub(crate) fn time(&self) -> Timestamp {
        self.ordered_on.to_zoned_datetime(TimeZone::UTC).map_or(Timestamp::UNIX_EPOCH, |start| start.timestamp())
    }

    /// Reads its lines. A product that is on several, sent in several parcels, has a number added to its key from the second on.
    pub(crate) fn items(&self, texts: &[ItemText], origin: &str) -> Vec<Result<Item, Unreadable>> {
        let mut seen = BTreeMap::<String, u32>::new();
        texts
            .iter()
            .map(|text| {
                let item = Item::read(self, text, origin)?;
                let times = seen.entry(item.id.clone()).and_modify(|times| *times += 1).or_insert(1);
                let id = if *times == 1 { item.id } else { format!("{}/{times}", item.id) };
                Ok(Item { id, ..item })
            })
            .collect()
    }
}

impl Item {
    fn read(order: &Order, text: &ItemText, origin: &str) -> Result<Self, Unreadable> {
        let name = text.name.clone().ok_or("a line's name")?;
        let asin = text.link.as_deref().and_then(product_number);
        let price = match text.price.as_deref() {
            None => None,
            Some(price) => Some(Money::read(price, host(origin)).ok_or("a line's price")?),
        };
        let quantity = match text.quantity.as_deref() {
            None => 1,
            Some(quantity) => quantity.parse().map_err(|_| "a line's quantity")?,
        };
        let seller = text.seller.as_deref().map(|seller| seller.rsplit(':').next().unwrap_or_default().trim().to_owned());
        Ok(Self {
            id: format!("{}/{}", order.id, asin.as_deref().unwrap_or(&name)),
            order_id: order.id.clone(),
            ordered_on: order.ordered_on,
            url: asin.as_ref().map(|asin| format!("{origin}/dp/{asin}")),
            asin,
            name,
            quantity,
            price: price.as_ref().map(|price| price.amount.clone()),
            currency: price.as_ref().map(|price| price.currency),
            seller: seller.filter(|seller| !seller.is_empty()),
        })
    }
}

/// The number in a text such as `Order # 111-2222222-3333333`; a digital order's begins with `D01`.
fn order_number(text: &str) -> Option<String> {
    let is_number = |word: &&str| {
        let parts: Vec<_> = word.split('-').collect();
        let [first, second, third] = parts[..] else { return false };
        let digits = |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        let is_first = digits(first, 3) || first.strip_prefix('D').is_some_and(|rest| digits(rest, 2));
        is_first && digits(second, 7) && digits(third, 7)
    };
    text.split_whitespace().find(is_number).map(str::to_owned)
}

/// The ten letters and digits after `/dp/` or `/gp/product/`.
fn product_number(link: &str) -> Option<String> {
    let after = link.split("/dp/").nth(1).or_else(|| link.split("/gp/product/").nth(1))?;
    let number = after.split(['/', '?', '#']).next()?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_number.then(|| number.to_owned())
}

fn host(origin: &str) -> &str {
    origin.split("://").last().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DE: &str = "https://www.amazon.de";

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn text() -> OrderText {
        OrderText {
            id: some("Bestellnr. 302-1234567-7654321"),
            date: some("5. März 2024"),
            total: some("1.234,56 €"),
            recipient: some("Maria"),
            status: some("Zugestellt: 8. März"),
            items: Vec::new(),
        }
    }

    #[test]
    fn an_order_is_read_or_says_what_is_missing() {
        let order = Order::read(&text(), DE).unwrap();
        assert_eq!((order.id.as_str(), order.ordered_on.to_string().as_str()), ("302-1234567-7654321", "2024-03-05"));
        assert_eq!((order.total.as_deref(), order.currency), (Some("1234.56"), Some("EUR")));
        assert_eq!(order.url, "https://www.amazon.de/your-orders/order-details?orderID=302-1234567-7654321");
        let cancelled = Order::read(&OrderText { total: None, ..text() }, DE).unwrap();
        assert_eq!((cancelled.total, cancelled.currency), (None, None));
        for (broken, what) in [
            (OrderText { id: some("302-1234567"), ..text() }, "its number"),
            (OrderText { id: None, ..text() }, "its number"),
            (OrderText { date: some("neulich"), ..text() }, "its day"),
            (OrderText { total: some("viel"), ..text() }, "its total"),
        ] {
            assert_eq!(Order::read(&broken, DE), Err(what));
        }
        let digital = OrderText { id: some("D01-1234567-7654321"), ..text() };
        assert_eq!(Order::read(&digital, DE).unwrap().id, "D01-1234567-7654321");
    }

    #[test]
    fn lines_are_keyed_by_product_and_told_apart() {
        let order = Order::read(&text(), DE).unwrap();
        let line = |link: Option<&str>, name: &str| ItemText {
            name: some(name),
            link: link.map(str::to_owned),
            quantity: some("2"),
            price: some("3,50 €"),
            seller: some("Verkauf durch: Laden"),
        };
        let lines = [
            line(Some("/dp/B01ABCDEFG?ref=x"), "Tasse"),
            line(Some("/gp/product/B01ABCDEFG/"), "Tasse"),
            line(None, "Löffel"),
        ];
        let items: Vec<_> = order.items(&lines, DE).into_iter().map(Result::unwrap).collect();
        let ids: Vec<_> = items.iter().map(|item| item.id.trim_start_matches("302-1234567-7654321/")).collect();
        assert_eq!(ids, ["B01ABCDEFG", "B01ABCDEFG/2", "Löffel"]);
        assert_eq!(
            (items[0].quantity, items[0].price.as_deref(), items[0].seller.as_deref()),
            (2, Some("3.50"), Some("Laden"))
        );
        assert_eq!((items[0].url.as_deref(), &items[2].url), (Some("https://www.amazon.de/dp/B01ABCDEFG"), &None));
        let broken = [ItemText { quantity: some("two"), ..lines[0].clone() }, ItemText { name: None, ..lines[0].clone() }];
        let read = order.items(&broken, DE);
        assert_eq!(read, [Err("a line's quantity"), Err("a line's name")]);
    }
}
