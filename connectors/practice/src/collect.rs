//! One collection: which years are read, and in which order their records leave.

use freehold_sdk::{Context, Error, Years};

use crate::order::{Item, Order};
use crate::shop::{Listing, Shop};

const ORDERS: &str = "orders";
const ITEMS: &str = "order_items";

/// Collects everything in scope.
pub(crate) fn collect(context: &mut Context<'_>, shop: &mut Shop) -> Result<(), Error> {
    let mut years = Years::new(context, ORDERS, &[ITEMS])?;
    let newest = shop.newest()?;
    // Everything on the newest year's first page is later than what follows.
    years.saw(newest.orders.iter().filter_map(|text| Order::read(text).ok()).map(|order| order.ordered_on));
    let to_read = years.to_read(newest.years.clone());
    let mut first = Some(newest);
    for (done, year) in to_read.iter().enumerate() {
        let (at, of) = (done as u64 + 1, to_read.len() as u64);
        context.progress_in(Some(ORDERS), year.to_string(), Some(at), Some(of))?;
        let listing = match first.take() {
            Some(listing) if listing.year == Some(*year) => listing,
            _ => shop.year(*year)?,
        };
        let is_whole = Collection { context, shop, years: &years }.year(*year, listing)?;
        years.done(context, *year, is_whole)?;
    }
    Ok(())
}

struct Collection<'a, 'io> {
    context: &'a mut Context<'io>,
    shop: &'a mut Shop,
    years: &'a Years,
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
        if self.years.wanted(ORDERS).is_some_and(|narrowing| narrowing.admits(&order.id, order.time())) {
            self.context.emit(ORDERS, order.id.as_str(), order)?;
        }
        let Some(narrowing) = self.years.wanted(ITEMS).filter(|narrowing| narrowing.admits_time(order.time())) else {
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
