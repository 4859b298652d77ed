//! What a deployment decides about its doors.

use sha2::{Digest, Sha256};

/// Which door a router stands behind. They differ in who may come in, never in what is done for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The network: the console by session cookie, programs by API token.
    Tcp,
    /// The Unix socket of the CLI: the API alone, by the CLI's token.
    Cli,
}

/// The addresses this server answers to, and the CLI's token.
#[derive(Clone, Debug)]
pub struct WebConfig {
    /// The port of the TCP listener. `localhost`, `127.0.0.1` and `[::1]` with it are always accepted as the Host.
    pub port: u16,
    /// The origin the owner's browser sees when it is not loopback, as in `https://freehold.example.org`.
    pub public_origin: Option<String>,
    /// Whether a proxy of the operator's stands in front; then a loopback peer says nothing about who asks.
    pub trusted_proxy: bool,
    /// Whether this server speaks TLS itself.
    pub tls: bool,
    /// SHA-256 of the CLI's token as it is sent, from [`WebConfig::hash_token`].
    pub cli_token_hash: [u8; 32],
}

impl WebConfig {
    /// The hash of a CLI token, which is the text the client sends after `Bearer `.
    pub fn hash_token(token: &[u8]) -> [u8; 32] {
        Sha256::digest(token).into()
    }
}
