//! One collection: which years are read, and in which order their records leave.

use std::collections::{BTreeMap, BTreeSet};

use freehold_sdk::{Context, Covered, Error, Frozen, Narrowing, Timestamp};
use jiff::ToSpan;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use crate::order::Order;
use crate::shop::{Listing, OrderText, Shop};

const ORDERS: &str = "orders";
const ITEMS: &str = "order_items";

/// Days after a year's end in which its orders may still change: sent late, returned, refunded.
const SETTLING_DAYS: i32 = 90;

/// A cancelled order has no total. That many on one page without one are not all cancelled: totals are somewhere else now.
const SOME: usize = 5;

/// Collects everything in scope.
pub(crate) fn collect(context: &mut Context<'_>, shop: &mut Shop) -> Result<(), Error> {
    let mut wanted = BTreeMap::new();
    for name in [ORDERS, ITEMS] {
        if let Some(scope) = context.wants(name) {
            wanted.insert(name.to_owned(), Narrowing::new(scope, None)?);
        }
    }
    let mut cursor = context.state::<Frozen>(ORDERS)?.unwrap_or_default();
    let covered = coverage(&wanted);
    let to_read: Vec<i16> = shop
        .newest()?
        .years
        .into_iter()
        .filter(|year| may_want(&wanted, *year))
        .filter(|year| covered.as_ref().is_none_or(|covered| !cursor.holds(&year.to_string(), covered)))
        .collect();
    let mut collection = Collection { context, shop, wanted: &wanted, last_day: None };
    // The newest year first: what is in it tells which of the others are over.
    for (done, year) in to_read.iter().enumerate() {
        let (at, of) = (done as u64 + 1, to_read.len() as u64);
        collection.context.progress_in(Some(ORDERS), year.to_string(), Some(at), Some(of))?;
        let is_whole = collection.year(*year)?;
        if let Some(covered) = covered.as_ref().filter(|_| is_whole && is_over(*year, collection.last_day)) {
            cursor.freeze(year.to_string(), covered.clone());
        }
        if covered.is_some() {
            collection.context.checkpoint(ORDERS, &cursor)?;
        }
    }
    Ok(())
}

struct Collection<'a, 'io> {
    context: &'a mut Context<'io>,
    shop: &'a mut Shop,
    wanted: &'a BTreeMap<String, Narrowing>,
    /// The day of the newest order seen.
    last_day: Option<Date>,
}

impl Collection<'_, '_> {
    /// Reads a year. Whether nothing of it was left out.
    fn year(&mut self, year: i16) -> Result<bool, Error> {
        let mut listing = self.shop.year(year)?;
        let announced = listing.count;
        let (mut read, mut ids, mut is_whole) = (0, BTreeSet::new(), true);
        loop {
            self.check_filter(year, &listing)?;
            let known = ids.len();
            if listing.orders.len() >= SOME && listing.orders.iter().all(|text| text.total.is_none()) {
                is_whole &= self.left_out(ORDERS, &format!("a page of orders of {year} shows no total at all"))?;
            }
            for text in &listing.orders {
                read += 1;
                is_whole &= match Order::read(text, self.shop.origin()) {
                    Ok(order) => !ids.insert(order.id.clone()) || self.order(&order, text)?,
                    Err(what) => self.left_out(ORDERS, &format!("an order of {year} cannot be read: {what}"))?,
                };
            }
            match listing.next {
                // A page that brings nothing new would lead round in a circle.
                Some(path) if ids.len() > known => listing = self.shop.listing(&path)?,
                _ => break,
            }
        }
        if let Some(announced) = announced.filter(|announced| read < *announced) {
            is_whole &=
                self.left_out(ORDERS, &format!("{read} orders of {year} were found, and the shop says {announced}"))?;
        }
        Ok(is_whole)
    }

    fn check_filter(&self, year: i16, listing: &Listing) -> Result<(), Error> {
        if listing.filter.as_deref() == Some(&format!("year-{year}")) {
            return Ok(());
        }
        Err(Error::page_changed(format!("the shop does not show the orders of {year} when asked to")))
    }

    fn order(&mut self, order: &Order, text: &OrderText) -> Result<bool, Error> {
        self.last_day = self.last_day.max(Some(order.ordered_on));
        if self.wanted.get(ORDERS).is_some_and(|narrowing| narrowing.admits(&order.id, order.time())) {
            self.context.emit(ORDERS, order.id.as_str(), order)?;
        }
        let Some(narrowing) = self.wanted.get(ITEMS).filter(|narrowing| narrowing.admits_time(order.time())) else {
            return Ok(true);
        };
        // The order's own page has prices and sellers; where it is of another kind, the list has at least what was ordered.
        let own = self.shop.items(&order.id)?.filter(|own| own.len() >= text.items.len());
        let texts = own.as_ref().unwrap_or(&text.items);
        if texts.is_empty() && order.total.is_some() {
            return self.left_out(ITEMS, &format!("of the order {}, no line can be read", order.id));
        }
        let mut is_whole = true;
        for item in order.items(texts, self.shop.origin()) {
            match item {
                Ok(item) if narrowing.admits(&item.id, order.time()) => {
                    self.context.emit(ITEMS, item.id.as_str(), &item)?;
                }
                Ok(_) => {}
                Err(what) => {
                    is_whole &= self.left_out(ITEMS, &format!("of the order {}, {what} cannot be read", order.id))?;
                }
            }
        }
        Ok(is_whole)
    }

    /// Says what could not be read. Always `false`: what is left out makes its year incomplete.
    fn left_out(&mut self, stream: &str, message: &str) -> Result<bool, Error> {
        self.context.skip_unreadable(stream, message)?;
        Ok(false)
    }
}

/// What this run will have collected, if that can be kept as a cursor: STATE is kept under `orders`, so not without it.
fn coverage(wanted: &BTreeMap<String, Narrowing>) -> Option<Covered> {
    wanted.get(ORDERS)?;
    wanted.iter().map(|(name, narrowing)| Some((name.clone(), narrowing.coverage()?))).collect()
}

fn may_want(wanted: &BTreeMap<String, Narrowing>, year: i16) -> bool {
    let start = |year| midnight(date(year, 1, 1));
    wanted.values().any(|narrowing| narrowing.admits_some(start(year), start(year + 1)))
}

/// Whether a year's orders no longer change, as far as the account's newest order tells what day it is.
fn is_over(year: i16, last_day: Option<Date>) -> bool {
    let settled = date(year, 12, 31).saturating_add(SETTLING_DAYS.days());
    last_day.is_some_and(|last_day| last_day > settled)
}

fn midnight(day: Date) -> Timestamp {
    day.to_zoned_datetime(TimeZone::UTC).map_or(Timestamp::UNIX_EPOCH, |start| start.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_is_over_once_something_was_ordered_long_after_it() {
        assert!(is_over(2024, Some(date(2025, 4, 1))));
        assert!(!is_over(2024, Some(date(2025, 3, 31))));
        assert!(!is_over(2024, None));
    }
}
