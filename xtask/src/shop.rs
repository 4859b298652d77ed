//! The practice shops beside a Freehold that is tried out.

use std::path::Path;

use anyhow::Context;
use freehold_practice::{Options, Practice};

use crate::server::free_address;

/// Where they like to be; the first is the default in its connector's form.
const SHOP_PORT: u16 = 7290;
const RETAILER_PORT: u16 = 7293;
/// The sites the retailer's pages stand in for.
const RETAILER_HOSTS: [&str; 2] = ["www.amazon.com", "www.amazon.de"];

/// Starts them; what they keep is in `folder`.
pub(crate) fn start(folder: &Path) -> anyhow::Result<Practice> {
    let options = Options {
        listen: free_address(SHOP_PORT)?,
        tls_listen: free_address(RETAILER_PORT)?,
        folder: Some(folder.to_owned()),
        ..Options::default()
    };
    Practice::start(options).context("the practice shops did not start")
}

/// The part of a configuration that lets the retailer's pages stand in for the real ones, so that its connector can be tried without
/// an account there.
pub(crate) fn stand_ins(shop: &Practice) -> String {
    let section =
        |host: &&str| format!("\n[[stand_in]]\nhost = \"{host}\"\naddress = \"{}\"\nkey = \"{}\"\n", shop.tls, shop.spki);
    RETAILER_HOSTS.iter().map(section).collect()
}

/// What a newcomer needs to know of them.
pub(crate) fn invitation(shop: &Practice) -> String {
    format!(
        "A practice shop to sign in to, with saved sign-in details or in the secure browser:\n\
         \x20 Port          {}\n\
         \x20 E-mail        jonas@example.test\n\
         \x20 Password      seven-green-pears\n\
         \x20 Codes         http://{}/sms shows what the shop texts him\n\
         More accounts, and a switch for every mood a site can have: http://{}/moods\n",
        shop.http.port(),
        shop.http,
        shop.http,
    )
}
