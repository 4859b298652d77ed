//! Orders: what the shops keep of each account, the same at every start.

use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};

use crate::account::Site;
use crate::catalogue::{PRODUCTS, Product};
use crate::lang::Lang;

/// A shop front with orders of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Market {
    /// The practice shop.
    Shop,
    /// The Amazon-shaped shop at `www.amazon.com`.
    Com,
    /// The Amazon-shaped shop at `www.amazon.de`.
    De,
}

impl Market {
    /// The site whose accounts order here.
    #[must_use]
    pub fn site(self) -> Site {
        match self {
            Self::Shop => Site::Shop,
            Self::Com | Self::De => Site::Amazon,
        }
    }
}

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Preparing,
    Shipped,
    Delivered,
    Cancelled,
    Returned,
}

impl Status {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
            Self::Returned => "returned",
        }
    }

    pub(crate) fn text(self, lang: Lang) -> &'static str {
        match self {
            Self::Preparing => lang.pick("Being prepared", "In Vorbereitung"),
            Self::Shipped => lang.pick("On its way", "Unterwegs"),
            Self::Delivered => lang.pick("Delivered", "Zugestellt"),
            Self::Cancelled => lang.pick("Cancelled", "Storniert"),
            Self::Returned => lang.pick("Returned", "Zurückgegeben"),
        }
    }
}

/// One line of an order.
#[derive(Clone)]
pub(crate) struct Item {
    pub(crate) product: &'static Product,
    pub(crate) quantity: i64,
    /// The price of one, on the day, in cents.
    pub(crate) cents: i64,
}

/// One order.
#[derive(Clone)]
pub(crate) struct Order {
    pub(crate) market: Market,
    pub(crate) id: String,
    pub(crate) date: Date,
    pub(crate) status: Status,
    pub(crate) currency: &'static str,
    pub(crate) items: Vec<Item>,
    pub(crate) shipping_cents: i64,
}

impl Order {
    pub(crate) fn total_cents(&self) -> i64 {
        self.items.iter().map(|item| item.quantity * item.cents).sum::<i64>() + self.shipping_cents
    }
}

/// The first year with orders; one number of orders for each year from here on.
const FIRST_YEAR: i16 = 2021;

/// An account's orders in one market, newest first. `per_year` starts with 2021; in 2026 nothing is later than September.
pub(crate) fn orders(market: Market, account: &str, currency: &'static str, per_year: &[usize]) -> Vec<Order> {
    let mut dice = Dice::new(market, account);
    let mut orders = Vec::new();
    for (year, count) in (FIRST_YEAR..).zip(per_year) {
        let months = if year == 2026 { 9 } else { 12 };
        for _ in 0..*count {
            let date = date(year, dice.below(months) + 1, dice.below(28) + 1);
            orders.push(order(market, currency, date, &mut dice));
        }
    }
    orders.sort_by(|one, other| other.date.cmp(&one.date).then_with(|| other.id.cmp(&one.id)));
    if let Some(newest) = orders.first_mut().filter(|newest| newest.date.year() == 2026) {
        newest.status = Status::Shipped;
    }
    orders
}

/// The order an account places on `date`, its `number`th beyond those it started with.
pub(crate) fn placed(market: Market, account: &str, currency: &'static str, date: Date, number: usize) -> Order {
    let mut dice = Dice::new(market, &format!("{account} {number}"));
    Order { status: Status::Preparing, ..order(market, currency, date, &mut dice) }
}

fn order(market: Market, currency: &'static str, date: Date, dice: &mut Dice) -> Order {
    let items: Vec<_> = (0..=dice.below::<usize>(3))
        .map(|_| {
            let product = &PRODUCTS[dice.below::<usize>(PRODUCTS.len())];
            // Prices were lower once.
            let cents = product.cents - product.cents / 100 * (2026 - i64::from(date.year()));
            Item { product, quantity: [1, 1, 1, 2, 3][dice.below::<usize>(5)], cents }
        })
        .collect();
    let goods: i64 = items.iter().map(|item| item.quantity * item.cents).sum();
    let status = match dice.below::<u8>(20) {
        0 => Status::Cancelled,
        1 => Status::Returned,
        _ => Status::Delivered,
    };
    let id = match market {
        Market::Shop => format!("LL-{}-{:06}", date.year(), dice.below::<u32>(1_000_000)),
        Market::Com => format!(
            "11{}-{:07}-{:07}",
            dice.below::<u8>(4) + 1,
            dice.below::<u32>(10_000_000),
            dice.below::<u32>(10_000_000)
        ),
        Market::De => format!(
            "30{}-{:07}-{:07}",
            dice.below::<u8>(5) + 2,
            dice.below::<u32>(10_000_000),
            dice.below::<u32>(10_000_000)
        ),
    };
    Order { market, id, date, status, currency, items, shipping_cents: if goods < 5_000 { 490 } else { 0 } }
}

/// SplitMix64, started from the account's name: the same orders on every machine.
struct Dice(u64);

impl Dice {
    fn new(market: Market, account: &str) -> Self {
        let bytes = format!("{market:?} {account}");
        Self(bytes.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
    }

    fn below<N: TryFrom<u64> + TryInto<u64> + Default>(&mut self, limit: N) -> N {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let limit: u64 = limit.try_into().unwrap_or(1).max(1);
        N::try_from(mixed % limit).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn orders_are_the_same_at_every_start_and_different_for_each_account() {
        let ids = |account| {
            orders(Market::Shop, account, "EUR", &[3, 12, 4]).into_iter().map(|order| order.id).collect::<Vec<_>>()
        };
        assert_eq!(ids("maria"), ids("maria"));
        assert_eq!(ids("maria").len(), 19);
        let maria: BTreeSet<_> = ids("maria").into_iter().collect();
        assert_eq!(maria.len(), 19, "ids are unique");
        assert!(ids("jonas").iter().all(|id| !maria.contains(id)));
    }

    #[test]
    fn they_come_newest_first_and_add_up() {
        let orders = orders(Market::De, "maria", "EUR", &[5, 5, 5, 5, 5, 5]);
        assert!(orders.is_sorted_by(|one, other| one.date >= other.date));
        for order in &orders {
            let goods: i64 = order.items.iter().map(|item| item.quantity * item.cents).sum();
            assert_eq!(order.total_cents(), goods + order.shipping_cents);
            assert!(goods > 0);
        }
        assert_eq!(orders.first().map(|order| order.status), Some(Status::Shipped));
    }
}
