//! The tools for connector authors.

use crate::harness::Deployment;

#[test]
fn a_new_connector_passes_its_check_and_its_tests_in_the_sandbox() {
    let deployment = Deployment::new();
    let parent = deployment.path("mine").display().to_string();
    deployment.run(&["connector", "new", "library", &parent]).succeeded();
    let folder = deployment.path("mine/library").display().to_string();
    deployment.run(&["connector", "check", &folder]).succeeded();
    let tested = deployment.run(&["connector", "test", &folder]).succeeded();
    assert!(tested.out.ends_with("The contract is kept.\n"), "{}", tested.out);
    let again = deployment.run(&["connector", "new", "library", &parent]);
    assert_eq!(again.code, 2, "an existing folder is left alone: {again:#?}");
}

#[test]
fn every_problem_of_a_manifest_is_told_with_its_place() {
    let deployment = Deployment::new();
    let folder = deployment.path("broken");
    std::fs::create_dir(&folder).unwrap();
    let manifest = r#"{"display_name": "Broken", "version": "1", "program": {"command": "main", "env": {"LD_PRELOAD": "x"}}, "streams": []}"#;
    std::fs::write(folder.join("manifest.json"), manifest).unwrap();
    let ran = deployment.run(&["connector", "check", &folder.display().to_string()]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("/program/env/LD_PRELOAD"), "{}", ran.out);
    assert!(ran.out.contains("cannot be used"), "{}", ran.out);
}

#[test]
fn a_connector_that_breaks_the_contract_fails_its_test() {
    let deployment = Deployment::new();
    let parent = deployment.path("mine").display().to_string();
    deployment.run(&["connector", "new", "library", &parent]).succeeded();
    let folder = deployment.path("mine/library");
    let program = std::fs::read_to_string(folder.join("main.py")).unwrap();
    std::fs::write(folder.join("main.py"), program.replacen("import", "print('hello')\nimport", 1)).unwrap();
    let ran = deployment.run(&["connector", "test", &folder.display().to_string()]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert!(ran.out.contains("FAIL"), "{}", ran.out);
}
