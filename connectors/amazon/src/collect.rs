//! One collection: which years are read, and in which order their records leave.

use std::collections::BTreeSet;

use freehold_sdk::{Context, Error, Years};
use jiff::civil::Date;

use crate::order::Order;
use crate::shop::{Listing, OrderText, Shop};

const ORDERS: &str = "orders";
const ITEMS: &str = "order_items";

/// A cancelled order has no total. That many on one page without one are not all cancelled: totals are somewhere else now.
const SOME: usize = 5;

/// Collects everything in scope.
pub(crate) fn collect(context: &mut Context<'_>, shop: &mut Shop) -> Result<(), Error> {
    let mut years = Years::new(context, ORDERS, &[ITEMS])?;
    let to_read = years.to_read(shop.newest()?.years);
    // The newest year first: what is in it tells which of the others are over.
    for (done, year) in to_read.iter().enumerate() {
        let (at, of) = (done as u64 + 1, to_read.len() as u64);
        context.progress_in(Some(ORDERS), year.to_string(), Some(at), Some(of))?;
        let mut collection = Collection { context, shop, years: &years, last_day: None };
        let is_whole = collection.year(*year)?;
        let last_day = collection.last_day;
        years.saw(last_day);
        years.done(context, *year, is_whole)?;
    }
    Ok(())
}

struct Collection<'a, 'io> {
    context: &'a mut Context<'io>,
    shop: &'a mut Shop,
    years: &'a Years,
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
        if self.years.wanted(ORDERS).is_some_and(|narrowing| narrowing.admits(&order.id, order.time())) {
            self.context.emit(ORDERS, order.id.as_str(), order)?;
        }
        let Some(narrowing) = self.years.wanted(ITEMS).filter(|narrowing| narrowing.admits_time(order.time())) else {
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
