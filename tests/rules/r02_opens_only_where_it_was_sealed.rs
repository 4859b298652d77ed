//! R2: a secret opens only for the owner, source, connector, kind and version it was sealed for. Here at the engine, with the rows
//! of vault.db moved by hand; every single field of the context is tried in crates/vault, and a million times in the bench.

use freehold_core::SourceId;
use freehold_tests::house::House;
use freehold_tests::provider::Provider;
use rusqlite::Connection;

use crate::LAUNCHER;

fn edit(house: &House, change: impl FnOnce(&Connection)) {
    let database = Connection::open(house.folder().join("data/vault.db")).expect("vault.db");
    database.busy_timeout(std::time::Duration::from_secs(30)).expect("patience");
    change(&database);
}

/// Two sources of the same connector at the same provider, both collected once.
fn two_sources(house: &House, provider: &Provider) -> (SourceId, SourceId) {
    provider.account("joanna", "hers", "joanna", &[("1", "to joanna")]);
    let maria = house.add(provider, "Maria", "maria", "right");
    let joanna = house.add(provider, "Joanna", "joanna", "hers");
    house.settled(maria);
    house.settled(joanna);
    assert_eq!(provider.submitted().len(), 2);
    (maria, joanna)
}

#[test]
fn a_ciphertext_moved_to_another_source_does_not_open() {
    let house = House::new(LAUNCHER);
    let provider = Provider::with("maria", "right", "maria", &[("1", "to maria")]);
    let (maria, joanna) = two_sources(&house, &provider);
    edit(&house, |database| {
        let moved = database
            .execute(
                "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE source = ?1) WHERE source = ?2",
                [maria.to_string(), joanna.to_string()],
            )
            .expect("moved");
        assert_eq!(moved, 1);
    });
    let run = house.collect(joanna);
    assert_ne!(run.outcome.expect("ended").as_str(), "succeeded");
    assert_eq!(provider.submitted().len(), 2, "Maria's password was not submitted for Joanna's source");
    assert_eq!(house.letters(joanna).len(), 1);
    edit(&house, |database| {
        let open =
            database.query_row("SELECT count(*) FROM attempts WHERE state = 'submitted'", [], |row| row.get::<_, u64>(0));
        assert_eq!(open.expect("the ledger"), 0, "an attempt that reached nobody is not left without an answer");
    });
}

#[test]
fn moving_the_wrapped_key_with_it_does_not_help() {
    let house = House::new(LAUNCHER);
    let provider = Provider::with("maria", "right", "maria", &[("1", "to maria")]);
    let (maria, joanna) = two_sources(&house, &provider);
    edit(&house, |database| {
        let both = [maria.to_string(), joanna.to_string()];
        let secrets = "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE source = ?1) WHERE source = ?2";
        assert_eq!(database.execute(secrets, both.clone()).expect("moved"), 1);
        let keys = "UPDATE source_keys SET wrapped = (SELECT wrapped FROM source_keys WHERE source = ?1) WHERE source = ?2";
        assert_eq!(database.execute(keys, both).expect("moved"), 1);
    });
    let run = house.collect(joanna);
    assert_ne!(run.outcome.expect("ended").as_str(), "succeeded");
    assert_eq!(provider.submitted().len(), 2);
}

#[test]
fn an_older_version_put_back_under_a_new_number_does_not_open() {
    let house = House::new(LAUNCHER);
    let provider = Provider::with("maria", "right", "maria", &[("1", "to maria")]);
    let (maria, _) = two_sources(&house, &provider);
    edit(&house, |database| {
        let renumbered = "UPDATE secrets SET version = version + 1 WHERE source = ?1";
        assert_eq!(database.execute(renumbered, [maria.to_string()]).expect("renumbered"), 1);
        database
            .execute("UPDATE secret_versions SET last = last + 1 WHERE source = ?1", [maria.to_string()])
            .expect("and its count");
    });
    let run = house.collect(maria);
    assert_ne!(run.outcome.expect("ended").as_str(), "succeeded");
    assert_eq!(provider.submitted().len(), 2);
}
