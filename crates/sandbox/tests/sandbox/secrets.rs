//! Where a secret can be seen while a child has it: in the child, and nowhere else.

use std::fs;

use freehold_core::SecretBytes;
use freehold_sandbox::spawn;

use crate::support::{Place, finish, host, line, processes, stacks};

#[test]
fn a_secret_reaches_the_child() {
    let place = Place::new();
    for (name, mask) in stacks() {
        let mut spec = place.spec("env", &[]);
        spec.secret_env = vec![("TOKEN".to_owned(), SecretBytes::new(b"canary-delivered".to_vec()))];
        let said = finish(spawn(&host(mask), spec).unwrap());
        assert!(said.contains("TOKEN=canary-delivered"), "{name}: {said}");
    }
}

#[test]
fn a_secret_is_in_no_command_line_and_no_other_environment() {
    let place = Place::new();
    for (index, (name, mask)) in stacks().enumerate() {
        let secret = format!("canary-{}-{index}-hidden", std::process::id());
        let marker = place.path(&format!("secret-{index}")).display().to_string();
        let mut spec = place.spec("hold", &[&marker]);
        spec.secret_env = vec![("TOKEN".to_owned(), SecretBytes::from(secret.clone()))];
        let mut child = spawn(&host(mask), spec).unwrap();
        assert_eq!(line(&mut child), "holding");
        let own = processes(&marker);
        assert_eq!(own.len(), 1, "{name}");
        let mut found = Vec::new();
        for process in fs::read_dir("/proc").unwrap().flatten() {
            for file in ["cmdline", "environ"] {
                let content = fs::read(process.path().join(file)).unwrap_or_default();
                if content.windows(secret.len()).any(|window| window == secret.as_bytes()) {
                    found.push((process.file_name().into_string().unwrap(), file));
                }
            }
        }
        // The child's own environment, if this test may read it at all.
        found.retain(|(pid, file)| !(*file == "environ" && *pid == own[0].to_string()));
        assert_eq!(found, [], "{name}");
        child.kill_tree().unwrap();
    }
}
