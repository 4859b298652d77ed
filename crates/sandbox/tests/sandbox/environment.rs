//! What a child is given: its variables, its descriptors, and nothing else.

use freehold_sandbox::{LayerMask, SandboxError, spawn};

use crate::support::{Place, finish, host, refused, stacks};

#[test]
fn the_environment_is_the_list_and_nothing_else() {
    let place = Place::new();
    for (name, mask) in stacks() {
        let mut spec = place.spec("env", &[]);
        spec.env = vec![
            ("SHOP".to_owned(), "an example = of text\nin lines".to_owned()),
            ("TZ".to_owned(), "Europe/Paris".to_owned()),
        ];
        let scratch = spec.scratch.clone();
        let said = finish(spawn(&host(mask), spec).unwrap());
        let expected = [
            format!("HOME={}/home", scratch.display()),
            "LANG=C.UTF-8".to_owned(),
            "PATH=/usr/local/bin:/usr/bin:/bin".to_owned(),
            "SHOP=an example = of text\nin lines".to_owned(),
            format!("TMPDIR={}/tmp", scratch.display()),
            "TZ=Europe/Paris".to_owned(),
        ];
        let given: Vec<_> = said.strip_prefix("ok ").unwrap().split('\u{1f}').collect();
        assert_eq!(given, expected, "{name}");
    }
}

#[test]
fn variables_that_undo_the_sandbox_are_refused() {
    let place = Place::new();
    let host = host(LayerMask::ALL);
    for (name, value) in
        [("PATH", "/x"), ("HOME", "/x"), ("TMPDIR", "/x"), ("LD_PRELOAD", "x"), ("", "x"), ("A=B", "x"), ("A", "x\0y")]
    {
        let mut spec = place.spec("env", &[]);
        spec.env = vec![(name.to_owned(), value.to_owned())];
        let error = refused(spawn(&host, spec));
        assert!(matches!(error, SandboxError::Environment { .. }), "{name}: {error}");
        let mut spec = place.spec("env", &[]);
        spec.secret_env = vec![(name.to_owned(), value.to_owned().into())];
        let error = refused(spawn(&host, spec));
        assert!(matches!(error, SandboxError::Environment { .. }) && !error.to_string().contains("x\0y"), "{name}: {error}");
    }
}

#[test]
fn only_the_standard_descriptors_are_open() {
    let place = Place::new();
    // One that an exec would keep, as a library of the server's might leave it.
    let open = std::fs::File::open("/etc/hosts").unwrap();
    rustix::io::fcntl_setfd(&open, rustix::io::FdFlags::empty()).unwrap();
    for (name, mask) in stacks() {
        assert_eq!(place.attempt(mask, "descriptors", &[]), "ok 0,1,2", "{name}");
    }
}

#[test]
fn standard_input_can_be_opened_by_name() {
    let place = Place::new();
    for (name, mask) in stacks() {
        assert_eq!(place.attempt(mask, "read", &["/dev/stdin"]), "ok 0", "{name}");
    }
}
