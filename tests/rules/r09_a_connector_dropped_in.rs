//! R9: a connector dropped in at run time can be set up and collected without a line of code. That no provider is named in the
//! source is in tests/architecture.

use std::fs;

use freehold_core::ConnectorName;
use freehold_tests::house::House;
use freehold_tests::provider::Provider;
use freehold_tests::source::root;

use crate::LAUNCHER;

#[test]
fn a_folder_that_appears_is_a_connector() {
    let house = House::new(LAUNCHER);
    let name = ConnectorName::parse("brand_new").expect("a name");
    assert!(house.engine().connector(&name).is_err(), "not there yet");

    let folder = house.connectors().join("brand_new");
    fs::create_dir_all(&folder).expect("a folder");
    let original = root().join("tests/connectors/stand_in");
    let manifest = fs::read_to_string(original.join("manifest.json")).expect("a manifest");
    let manifest = manifest
        .replace("stand_in\"", "brand_new\"")
        .replace("Stand-in (for tests)", "Never heard of")
        .replace("User name", "Member number");
    fs::write(folder.join("manifest.json"), manifest).expect("written");
    fs::copy(original.join("stand_in.py"), folder.join("stand_in.py")).expect("copied");

    let view = house.engine().connector(&name).expect("it is there");
    assert_eq!(view.display_name, "Never heard of");
    assert!(view.unavailable.is_none(), "{:?}", view.unavailable);
    let form = serde_json::to_string(&view.captures[0].form).expect("a form");
    assert!(form.contains("Member number"), "the form's labels are the manifest's: {form}");

    let provider = Provider::with("17", "right", "17", &[("1", "welcome")]);
    let mut new = house.stand_in(&provider, "The new one");
    new.connector = name;
    new.credentials = [(view.captures[0].kind, freehold_tests::house::credentials("17", "right"))].into();
    new.consent = true;
    let source = house.engine().add_source(&house.owner(), new).expect("a source").id;
    assert_eq!(house.settled(source).outcome.expect("ended").as_str(), "succeeded");
    assert_eq!(house.letters(source)["1"], "welcome");
}
