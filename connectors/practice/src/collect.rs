//! One collection: which years are read, and in which order their records leave.

use std::collections::BTreeMap;

use freehold_sdk::{Context, Covered, Error, Frozen, Narrowing, Timestamp};
use jiff::ToSpan;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use crate::order::{Item, Order};
use crate::shop::{Listing, Shop};

const ORDERS: &str = "orders";
const ITEMS: &str = "order_items";

/// Days after a year's end in which its orders may still change: sent late, returned, refunded.
const SETTLING_DAYS: i32 = 90;

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
    let newest = shop.newest()?;
    let years = newest.years.clone();
    // Everything on the newest year's first page is later than what follows.
    let last_day = newest.orders.iter().filter_map(|text| Order::read(text).ok()).map(|order| order.ordered_on).max();
    let mut first = Some(newest);
    let to_read: Vec<i16> = years
        .into_iter()
        .filter(|year| may_want(&wanted, *year))
        .filter(|year| covered.as_ref().is_none_or(|covered| !cursor.holds(&year.to_string(), covered)))
        .collect();
    for (done, year) in to_read.iter().enumerate() {
        let (at, of) = (done as u64 + 1, to_read.len() as u64);
        context.progress_in(Some(ORDERS), year.to_string(), Some(at), Some(of))?;
        let listing = match first.take() {
            Some(listing) if listing.year == Some(*year) => listing,
            _ => shop.year(*year)?,
        };
        let mut collection = Collection { context, shop, wanted: &wanted };
        let is_whole = collection.year(*year, listing)?;
        if let Some(covered) = covered.as_ref().filter(|_| is_whole && is_over(*year, last_day)) {
            cursor.freeze(year.to_string(), covered.clone());
        }
        if covered.is_some() {
            context.checkpoint(ORDERS, &cursor)?;
        }
    }
    Ok(())
}

struct Collection<'a, 'io> {
    context: &'a mut Context<'io>,
    shop: &'a mut Shop,
    wanted: &'a BTreeMap<String, Narrowing>,
}

impl Collection<'_, '_> {
    /// Reads a year from its first page on. Whether nothing of it was left out.
    fn year(&mut self, year: i16, mut listing: Listing) -> Result<bool, Error> {
        let (mut read, mut is_whole) = (0, true);
        let announced = listing.count;
        loop {
            if listing.year != Some(year) {
                return Err(Error::page_changed(format!("the shop shows another year than {year}")));
            }
            let texts = std::mem::take(&mut listing.orders);
            let next = listing.next.take();
            read += texts.len();
            for text in &texts {
                is_whole &= match Order::read(text) {
                    Ok(order) => self.order(&order)?,
                    Err(what) => self.left_out(ORDERS, &format!("an order of {year} cannot be read: {what}"))?,
                };
            }
            match next {
                Some(path) if !texts.is_empty() => listing = self.shop.listing(&path)?,
                _ => break,
            }
        }
        // An order placed while this reads moves the others one place on, so that one may be seen twice; never less are seen.
        if announced.is_none_or(|announced| read < announced) {
            let of = announced.map_or_else(|| "an unknown number".to_owned(), |announced| announced.to_string());
            is_whole &= self.left_out(ORDERS, &format!("{read} orders of {year} were found, and the shop says {of}"))?;
        }
        Ok(is_whole)
    }

    fn order(&mut self, order: &Order) -> Result<bool, Error> {
        if self.wanted.get(ORDERS).is_some_and(|narrowing| narrowing.admits(&order.id, order.time())) {
            self.context.emit(ORDERS, order.id.as_str(), order)?;
        }
        let Some(narrowing) = self.wanted.get(ITEMS).filter(|narrowing| narrowing.admits_time(order.time())) else {
            return Ok(true);
        };
        let mut is_whole = true;
        for text in self.shop.items(&order.id)? {
            match Item::read(order, &text) {
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
