//! An order and its lines, made of the texts of the shop's pages.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::shop::{ItemText, OrderText};

/// A record of `orders`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) ordered_on: Date,
    pub(crate) status: String,
    /// An exact decimal.
    pub(crate) total: String,
    pub(crate) currency: String,
    pub(crate) item_count: usize,
}

/// A record of `order_items`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) order_id: String,
    pub(crate) ordered_on: Date,
    pub(crate) product_id: String,
    pub(crate) name: String,
    pub(crate) quantity: u32,
    /// An exact decimal, of one.
    pub(crate) price: String,
    pub(crate) currency: String,
}

/// What of an order or line could not be read; it quotes nothing of the owner's.
pub(crate) type Unreadable = &'static str;

impl Order {
    /// Reads an order of the list.
    pub(crate) fn read(text: &OrderText) -> Result<Self, Unreadable> {
        let is_number = |id: &&String| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        Ok(Self {
            id: text.id.as_ref().filter(is_number).ok_or("its number")?.clone(),
            ordered_on: text.date.as_ref().and_then(|date| date.parse().ok()).ok_or("its day")?,
            status: filled(text.status.as_ref()).ok_or("its status")?,
            total: decimal(text.total.as_ref()).ok_or("its total")?,
            currency: currency(text.currency.as_ref()).ok_or("its currency")?,
            item_count: text.items,
        })
    }

    /// When it was made, as a time range is compared with: the beginning of the day.
    pub(crate) fn time(&self) -> Timestamp {
        self.ordered_on.to_zoned_datetime(TimeZone::UTC).map_or(Timestamp::UNIX_EPOCH, |start| start.timestamp())
    }
}

impl Item {
    /// Reads a line of an order.
    pub(crate) fn read(order: &Order, text: &ItemText) -> Result<Self, Unreadable> {
        let line = filled(text.line.as_ref()).ok_or("a line's number")?;
        Ok(Self {
            id: format!("{}/{line}", order.id),
            order_id: order.id.clone(),
            ordered_on: order.ordered_on,
            product_id: filled(text.product.as_ref()).ok_or("a line's product")?,
            name: filled(text.name.as_ref()).ok_or("a line's name")?,
            quantity: text.quantity.as_ref().and_then(|quantity| quantity.parse().ok()).ok_or("a line's quantity")?,
            price: decimal(text.price.as_ref()).ok_or("a line's price")?,
            currency: order.currency.clone(),
        })
    }
}

fn filled(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.is_empty()).cloned()
}

fn decimal(text: Option<&String>) -> Option<String> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_decimal = |text: &&String| match text.trim_start_matches('-').split_once('.') {
        Some((whole, part)) => digits(whole) && digits(part),
        None => digits(text.trim_start_matches('-')),
    };
    text.filter(is_decimal).cloned()
}

fn currency(text: Option<&String>) -> Option<String> {
    text.filter(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> OrderText {
        let some = |text: &str| Some(text.to_owned());
        OrderText {
            id: some("LL-2024-000001"),
            date: some("2024-03-05"),
            status: some("delivered"),
            total: some("12.50"),
            currency: some("EUR"),
            items: 2,
        }
    }

    #[test]
    fn an_order_is_read_or_says_what_is_missing() {
        let order = Order::read(&text()).unwrap();
        assert_eq!(
            (order.ordered_on.to_string(), order.time().to_string()),
            ("2024-03-05".into(), "2024-03-05T00:00:00Z".into())
        );
        for (broken, what) in [
            (OrderText { id: Some("a/b".into()), ..text() }, "its number"),
            (OrderText { date: Some("5 March".into()), ..text() }, "its day"),
            (OrderText { total: Some("12,50".into()), ..text() }, "its total"),
            (OrderText { currency: None, ..text() }, "its currency"),
            (OrderText { status: Some(String::new()), ..text() }, "its status"),
        ] {
            assert_eq!(Order::read(&broken), Err(what));
        }
    }

    #[test]
    fn a_line_belongs_to_its_order() {
        let order = Order::read(&text()).unwrap();
        let some = |text: &str| Some(text.to_owned());
        let line =
            ItemText { line: some("2"), product: some("p7"), name: some("Mug"), quantity: some("3"), price: some("4") };
        let item = Item::read(&order, &line).unwrap();
        assert_eq!((item.id.as_str(), item.order_id.as_str(), item.quantity), ("LL-2024-000001/2", "LL-2024-000001", 3));
        assert_eq!(Item::read(&order, &ItemText { quantity: some("many"), ..line }), Err("a line's quantity"));
    }
}
