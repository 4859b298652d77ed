//! E-mail: how it is encrypted, signing in, what a refusal means.

use freehold_core::SecretBytes;
use freehold_notify::{Channel, Delivered, Email, Failure, Security, send};

use crate::server::{Certificate, Smtp, message};

fn email(smtp: &Smtp, security: Security, authority: Option<String>) -> Email {
    Email {
        host: "localhost".to_owned(),
        port: smtp.port,
        security,
        from: "freehold@example.org".to_owned(),
        to: "maria@example.org".to_owned(),
        username: Some("maria".to_owned()),
        authority,
    }
}

fn sent(email: &Email, password: &str) -> Result<Delivered, Failure> {
    let secret = (!password.is_empty()).then(|| SecretBytes::from(password.to_owned()));
    send(&Channel::Email(email.clone()), secret.as_ref(), &message())
}

#[test]
fn it_goes_out_over_tls_with_the_password_and_says_little() {
    let certificate = Certificate::new();
    for (mood, security) in [("starttls", Security::Starttls), ("implicit", Security::Tls)] {
        let smtp = Smtp::start(mood, &certificate);
        let delivered = sent(&email(&smtp, security, Some(certificate.authority())), "right-canary").expect(mood);
        assert_eq!(delivered.answer, "250 2.0.0 taken over as ABC123", "{mood}");
        let taken = smtp.taken();
        assert_eq!(taken["encrypted"], true, "{mood}");
        assert_eq!(taken["authenticated"], true, "{mood}");
        assert_eq!(taken["sender"], "freehold@example.org");
        assert_eq!(taken["recipients"], serde_json::json!(["maria@example.org"]));
        let text = taken["text"].as_str().expect("its text");
        for line in [
            "Subject: Letterbox: The provider asks for a code.",
            "Message-ID: <msg_01hzzz00000000000000000001@example.org>",
            "Auto-Submitted: auto-generated",
            "https://freehold.example.org/interactions/int_1",
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
    }
}

#[test]
fn without_encryption_it_goes_to_this_machine_alone() {
    let certificate = Certificate::new();
    let smtp = Smtp::start("open", &certificate);
    let plain = Email { username: None, ..email(&smtp, Security::None, None) };
    sent(&plain, "").expect("taken over");
    assert_eq!(smtp.taken()["encrypted"], false);
}

#[test]
fn a_server_that_cannot_be_trusted_is_told_nothing() {
    let certificate = Certificate::new();
    let smtp = Smtp::start("starttls", &certificate);
    let unknown = sent(&email(&smtp, Security::Starttls, None), "right-canary").expect_err("unknown authority");
    assert!(unknown.lasting && unknown.what.contains("authority"), "{unknown:?}");
    let other = Email { host: "127.0.0.1".to_owned(), ..email(&smtp, Security::Starttls, Some(certificate.authority())) };
    let other = sent(&other, "right-canary").expect_err("a certificate for another name");
    assert!(other.lasting && other.what.contains("certificate"), "{other:?}");

    // One that offers no encryption, where some was asked for: nothing is said to it.
    let smtp = Smtp::start("open", &certificate);
    let stripped = sent(&email(&smtp, Security::Starttls, Some(certificate.authority())), "right-canary");
    let stripped = stripped.expect_err("no STARTTLS");
    assert!(stripped.lasting && stripped.what.contains("STARTTLS"), "{stripped:?}");
    let plain = sent(&email(&smtp, Security::Tls, Some(certificate.authority())), "right-canary").expect_err("no TLS");
    assert!(plain.what.contains("TLS"), "{plain:?}");
    assert!(smtp.took_none());
}

#[test]
fn a_refusal_says_what_to_do_and_never_the_password() {
    let certificate = Certificate::new();
    let trusting = |smtp: &Smtp| email(smtp, Security::Starttls, Some(certificate.authority()));
    let smtp = Smtp::start("starttls", &certificate);
    let wrong = sent(&trusting(&smtp), "wrong-canary").expect_err("the wrong password");
    assert!(wrong.lasting && wrong.what.contains("user name or the password"), "{wrong:?}");
    assert!(wrong.answer.as_ref().is_some_and(|answer| answer.contains("535")), "{wrong:?}");
    assert!(!format!("{wrong:?}").contains("canary"), "{wrong:?}");
    let nobody = sent(&Email { username: None, ..trusting(&smtp) }, "").expect_err("not signed in");
    assert!(nobody.lasting && nobody.next.contains("user name"), "{nobody:?}");

    let unknown =
        sent(&trusting(&Smtp::start("unknown_address", &certificate)), "right-canary").expect_err("no such address");
    assert!(
        unknown.lasting && unknown.answer.as_ref().is_some_and(|answer| answer.contains("no such mailbox")),
        "{unknown:?}"
    );
    let busy = sent(&trusting(&Smtp::start("busy", &certificate)), "right-canary").expect_err("not now");
    assert!(!busy.lasting && busy.answer.as_ref().is_some_and(|answer| answer.contains("greylisted")), "{busy:?}");
    let gone = {
        let smtp = Smtp::start("busy", &certificate);
        trusting(&smtp)
    };
    let gone = sent(&gone, "right-canary").expect_err("nobody there");
    assert!(!gone.lasting && gone.what.contains("could not be reached"), "{gone:?}");
}
