//! R13: a code is never used twice: a seed's time step is spent in the ledger, a recovery code before it is submitted. (That a renewed
//! token is sealed before it is used is tested with the engine's attempts.)

use std::time::{Duration, Instant};

use freehold_core::run::Outcome;
use freehold_core::{SecretKind, SourceId};
use freehold_practice::{Practice, SecondFactor, Site};
use freehold_tests::house::House;
use freehold_tests::shop::{self, NOOR, SEED, counts};
use rusqlite::{Connection, OpenFlags};

use crate::LAUNCHER;

fn vault_db(house: &House) -> Connection {
    Connection::open_with_flags(house.folder().join("data/vault.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).expect("vault.db")
}

/// What the ledger on disk says of the codes of one kind, oldest first: which it was, and what became of it.
fn codes(house: &House, kind: &str, column: &str) -> Vec<(i64, String)> {
    let database = vault_db(house);
    let ask = format!("SELECT {column}, state FROM attempts WHERE kind = ?1 AND {column} IS NOT NULL ORDER BY n");
    let mut statement = database.prepare(&ask).expect("the ledger");
    let rows = statement.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
    rows.collect::<Result<_, _>>().expect("codes")
}

/// How often the ledger has refused an attempt.
fn denied(house: &House) -> u32 {
    let ask = "SELECT count(*) FROM audit WHERE action = 'secret.denied'";
    vault_db(house).query_row(ask, [], |row| row.get(0)).expect("the audit chain")
}

/// Signs the source out, so that the next run has to sign in.
fn sign_in_again(house: &House, shop: &Practice, source: SourceId) {
    house.lose_session(source);
    shop.expire_sessions();
    house.engine().start_run(&house.owner(), source).expect("a run");
}

#[test]
fn a_time_step_is_used_once_and_the_next_run_waits_for_the_next() {
    let house = House::new(LAUNCHER);
    let shop = shop::open(&house);
    shop::second_factor(&shop, SecondFactor::Authenticator);
    let source = shop::add(&house, &shop, "Shop", &NOOR, &[(SecretKind::OtpSeed, "otp_seed", SEED)]);
    assert_eq!(house.settled(source).outcome, Some(Outcome::Succeeded));
    assert_eq!(counts(&shop).codes, 1);

    sign_in_again(&house, &shop, source);
    house.until("the ledger's refusal", || (denied(&house) > 0).then_some(()));
    assert_eq!((counts(&shop).passwords, counts(&shop).codes), (2, 1), "not the same code again");
    house.clock.advance(Duration::from_secs(30));
    assert_eq!(house.settled(source).outcome, Some(Outcome::Succeeded));
    let (count, used) = (counts(&shop), codes(&house, "otp_seed", "step"));
    assert_eq!((count.codes, count.codes_right, count.codes_used_before), (2, 2, 0));
    assert_eq!(used.len(), 2, "{used:?}");
    assert!(used[0].0 < used[1].0 && used.iter().all(|(_, state)| state == "accepted"), "{used:?}");
}

#[test]
fn recovery_codes_are_spent_in_order_and_a_refused_one_costs_itself_alone() {
    let house = House::new(LAUNCHER);
    let shop = shop::open(&house);
    shop::second_factor(&shop, SecondFactor::Authenticator);
    let good = shop.recovery_codes(Site::Shop, "noor").expect("Noor's account");
    let list = format!("1111-2222\n{}\n{}", good[0], good[1]);
    let source = shop::add(&house, &shop, "Shop", &NOOR, &[(SecretKind::RecoveryCodes, "recovery_codes", &list)]);
    let run = house.settled(source);
    assert_eq!(run.outcome, Some(Outcome::Succeeded), "{:?}", run.detail);
    let spent = || codes(&house, "recovery_codes", "code_index");
    assert_eq!(spent(), [(0, "rejected".to_owned()), (1, "accepted".to_owned())]);
    sign_in_again(&house, &shop, source);
    assert_eq!(house.settled(source).outcome, Some(Outcome::Succeeded));
    assert_eq!(spent().last(), Some(&(2, "accepted".to_owned())));
    assert_eq!((counts(&shop).recovery_codes, counts(&shop).recovery_codes_right), (3, 2));

    sign_in_again(&house, &shop, source);
    assert_eq!(house.asked(source).kind.as_str(), "code", "none is left, and none is tried again");
    assert_eq!(counts(&shop).recovery_codes, 3);
}

#[test]
fn after_a_backup_was_restored_no_code_is_used_before_the_owner_says_so() {
    let house = House::new(LAUNCHER);
    let shop = shop::open(&house);
    shop::second_factor(&shop, SecondFactor::Authenticator);
    let good = shop.recovery_codes(Site::Shop, "noor").expect("Noor's account");
    let list = format!("{}\n{}", good[0], good[1]);
    let source = shop::add(&house, &shop, "Shop", &NOOR, &[(SecretKind::RecoveryCodes, "recovery_codes", &list)]);
    assert_eq!(house.settled(source).outcome, Some(Outcome::Succeeded));
    assert_eq!(counts(&shop).recovery_codes, 1);

    let house = house.moved();
    let in_doubt = |house: &House| {
        let codes = house.source(source).credentials.into_iter().find(|view| view.kind == SecretKind::RecoveryCodes);
        codes.and_then(|codes| codes.codes_in_doubt_since)
    };
    assert!(in_doubt(&house).is_some());
    sign_in_again(&house, &shop, source);
    let asked = house.asked(source);
    assert_eq!((asked.kind.as_str(), counts(&shop).recovery_codes), ("code", 1), "the password was used, and no code");
    house.engine().cancel_run(&house.owner(), house.source(source).current_run.expect("a run")).expect("cancelled");
    house.settled(source);

    house.engine().trust_codes(&house.owner(), source).expect("the owner's word");
    assert!(in_doubt(&house).is_none());
    sign_in_again(&house, &shop, source);
    assert_eq!(house.settled(source).outcome, Some(Outcome::Succeeded));
    assert_eq!((counts(&shop).recovery_codes, counts(&shop).recovery_codes_right), (2, 2));
    assert_eq!(codes(&house, "recovery_codes", "code_index").last(), Some(&(1, "accepted".to_owned())));
}

#[test]
fn after_a_backup_was_restored_a_code_is_made_for_a_later_time_step_only() {
    let house = House::new(LAUNCHER);
    let shop = shop::open(&house);
    shop::second_factor(&shop, SecondFactor::Authenticator);
    let source = shop::add(&house, &shop, "Shop", &NOOR, &[(SecretKind::OtpSeed, "otp_seed", SEED)]);
    assert_eq!(house.settled(source).outcome, Some(Outcome::Succeeded));
    house.clock.advance(Duration::from_secs(60));
    let house = house.moved();
    let restored_at = house.engine().now().as_second();
    sign_in_again(&house, &shop, source);
    let until = Instant::now() + Duration::from_secs(60);
    while counts(&shop).passwords < 2 {
        assert!(Instant::now() < until, "the password was not sent");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    // Time enough to type a code, were one made.
    std::thread::park_timeout(Duration::from_secs(2));
    assert_eq!(counts(&shop).codes, 1, "no code while another machine may have used this one");
    house.clock.advance(Duration::from_secs(30));
    assert_eq!(house.settled(source).outcome, Some(Outcome::Succeeded));
    let used = codes(&house, "otp_seed", "step");
    assert!(used.last().is_some_and(|(step, _)| *step > restored_at / 30), "{used:?}");
}
