//! A search for planted values, on every surface and in every encoding.
