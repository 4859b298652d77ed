//! The rules of README.md, one module each.

mod r01_nothing_from_the_environment;
mod r02_opens_only_where_it_was_sealed;
mod r03_a_connector_sees_its_own;
mod r04_a_new_browser_source_never_collects_silently;
mod r05_rejected_is_never_resubmitted;
mod r06_both_choices_in_plain_words;
mod r07_the_browser_opens_only_on_a_question;
mod r08_identity_before_records;
mod r09_a_connector_dropped_in;
mod r10_an_ephemeral_run_leaves_nothing;
mod r11_replacing_keeps_what_is_there;
mod r13_codes_are_never_used_twice;
mod r14_one_status;
mod r15_asked_only_for_cause;
mod states;

/// The sandbox's launcher for engines in these tests' own process.
const LAUNCHER: &str = env!("CARGO_BIN_EXE_launcher");
