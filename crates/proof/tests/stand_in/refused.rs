//! What no stand-in can be made of.

use std::collections::BTreeMap;

use freehold_proof::{NoStandIn, Plant, Planted, StandIn};
use freehold_protocol::Manifest;
use serde_json::{Value, json};

use crate::cases::{manifest, parsed};
use crate::support::planted;

fn with(screens: Value) -> Manifest {
    let sign_in = json!({"start": "https://shop.test/", "origins": ["https://shop.test"], "screens": screens});
    parsed("shop", &manifest("shop", json!({"hosts": ["shop.test"], "sign_in": sign_in})))
}

fn refusal(screens: Value) -> String {
    let opened = StandIn::open(&with(screens), &BTreeMap::new(), None, planted("shop"));
    opened.err().expect("there is no stand-in").to_string()
}

#[test]
fn what_cannot_be_made_is_named_by_its_place_with_the_page_to_give_instead() {
    let signed_in = json!({"name": "in", "when": {"visible": "#menu"}, "means": "signed_in"});
    let door = |when: Value, user: &str| {
        let fill = json!({user: "username", "#secret": "password"});
        json!({"name": "door", "when": when, "fill": fill, "submit": "#go"})
    };
    for (screens, expected) in [
        (json!([signed_in, door(json!({"visible": "li:nth-child(2)"}), "#user")]), ":nth-child(2)"),
        (json!([signed_in, door(json!({"visible": "#a"}), "div#user")]), "/sign_in/screens/1/fill/div#user"),
        (json!([signed_in, door(json!({"url": "https://elsewhere.test"}), "#user")]), "/sign_in/screens/1/when/url"),
        (json!([signed_in, door(json!({"visible": "body"}), "#menu")]), "shows \"in\" first"),
        (
            json!([
                {"name": "in", "when": {"visible": "#menu", "hidden": "body"}, "means": "signed_in"},
                door(json!({"visible": "#user"}), "#user")
            ]),
            "ephemeral/in.html",
        ),
    ] {
        let said = refusal(screens);
        assert!(said.contains(expected) && said.starts_with("/sign_in/screens/"), "{expected}: {said}");
    }
}

#[test]
fn a_setting_without_a_value_and_a_value_that_would_change_are_refused() {
    let practice = parsed("practice", &crate::connector("connectors/practice"));
    let open = |planted: Planted| StandIn::open(&practice, &BTreeMap::new(), None, planted).err();
    assert!(matches!(open(planted("practice")), Some(NoStandIn::Setting { pointer, .. }) if pointer == "/sign_in/start"));
    let unfit = Planted::with(|plant| if plant == Plant::Icon { "a b/c=d;e" } else { "0123456789" }.to_owned());
    assert!(matches!(open(unfit), Some(NoStandIn::Value(Plant::Icon))));
}
