//! R6: setup shows both choices in plain words; the ephemeral one only where it is proven, which nothing is yet.

use freehold_core::CredentialMode;
use freehold_tests::house::House;
use freehold_tests::source::root;

use crate::LAUNCHER;

#[test]
fn both_choices_say_what_is_kept_and_nothing_unproven_is_offered() {
    let house = House::new(LAUNCHER);
    let connectors = house.engine().connectors();
    let practice = connectors.into_iter().find(|connector| connector.name.as_str() == "practice").expect("practice");
    let modes: Vec<_> = practice.modes.iter().map(|mode| mode.mode).collect();
    assert_eq!(modes, [CredentialMode::StoredCredential, CredentialMode::StreamedBrowser]);
    let [stored, streamed] = &practice.modes[..] else { unreachable!("compared above") };
    assert!(stored.label.contains("Save sign-in details"), "{}", stored.label);
    assert!(stored.trade_off.contains("again") && stored.trade_off.contains("this source only"), "{}", stored.trade_off);
    assert!(streamed.label.contains("secure browser") && streamed.label.contains("without saving"), "{}", streamed.label);
    assert!(streamed.trade_off.contains("Nothing you type is kept"), "{}", streamed.trade_off);

    // The page on which one is chosen, as it is rendered.
    let snapshot = "crates/web/src/page/snapshots/freehold_web__page__gallery__add-mode.snap";
    let page = std::fs::read_to_string(root().join(snapshot)).expect("the rendered page");
    for words in ["secure browser without saving", "Save sign-in details for this source"] {
        assert!(page.contains(words), "{words}");
    }
}
