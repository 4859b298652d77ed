//! The architecture as tests: who may depend on whom, and what may be used in one place only.

mod dependencies;
mod documents;
mod source;
