//! A stand-in for a provider, made from what a manifest says of its screens.
