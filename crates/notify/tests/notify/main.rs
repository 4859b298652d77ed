//! Sending to real servers: an SMTP server of Debian's, and for ntfy a small stand-in that answers as its documentation says.

#![allow(missing_docs, unreachable_pub)]

mod email;
mod ntfy;
mod server;
