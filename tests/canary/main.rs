//! R12, and the scanner that shows it: first that it finds a planted leak of each kind, then that Freehold leaves none.

mod picture;
mod planted;
mod whole;
