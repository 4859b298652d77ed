//! The connector for Amazon's shops. What it collects and how is told in its README.

mod collect;
mod date;
mod money;
mod order;
mod shop;

use std::process::ExitCode;

use freehold_sdk::{Context, Error, RecoveryAction};

use shop::Shop;

/// Runs the connector on this process's standard input and output.
#[must_use]
pub fn main() -> ExitCode {
    freehold_sdk::run(collect_orders)
}

fn collect_orders(context: &mut Context<'_>) -> Result<(), Error> {
    let Some(origin) = variable("SHOP_ORIGIN") else {
        return Err(Error::new("setting", "the country's shop is missing").with_hint(RecoveryAction::NotRetriable));
    };
    let mut shop = Shop::new(context.browser()?.page()?, origin);
    collect::collect(context, &mut shop)
}

#[expect(clippy::disallowed_methods, reason = "the manifest's own variables are how settings reach this process")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
