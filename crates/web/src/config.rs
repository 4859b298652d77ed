//! What a deployment decides about its doors.

use std::net::SocketAddr;

use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::proxy::TrustedProxies;
use crate::served::Served;

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
    /// Where this server is found.
    pub addresses: Addresses,
    /// Whose word about who asks is believed.
    pub trusted_proxies: TrustedProxies,
    /// How the console is served now, for those who ask.
    pub served: watch::Receiver<Served>,
    /// SHA-256 of the CLI's token as it is sent, from [`WebConfig::hash_token`].
    pub cli_token_hash: [u8; 32],
}

impl WebConfig {
    /// The hash of a CLI token, which is the text the client sends after `Bearer `.
    pub fn hash_token(token: &[u8]) -> [u8; 32] {
        Sha256::digest(token).into()
    }
}

/// Where this server is found. Whatever else a request says it was sent to is refused.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// What the TCP listener is bound to. `localhost`, `127.0.0.1` and `[::1]` with its port are always answered, and, where this server
    /// speaks TLS, the address itself.
    pub listen: SocketAddr,
    /// The origin the owner's browser sees when it is none of those, as in `https://freehold.example.org`.
    pub public_origin: Option<String>,
    /// Whether this server speaks TLS itself.
    pub tls: bool,
}

impl Addresses {
    /// Each of them as a browser writes it in `Origin`: `scheme://host[:port]`, without a default port.
    pub fn origins(&self) -> Vec<String> {
        let mut origins = self.own_origins();
        origins.extend(self.public_origin().filter(|origin| !origins.contains(origin)));
        origins
    }

    /// The host of each, without brackets: what a certificate has to be made for.
    pub fn hosts(&self) -> Vec<String> {
        let mut hosts: Vec<String> = Vec::new();
        for origin in self.origins() {
            let host = host_of(&origin).to_owned();
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        hosts
    }

    /// Those that lead here without anything in front.
    pub(crate) fn own_origins(&self) -> Vec<String> {
        let (scheme, default_port) = if self.tls { ("https", 443) } else { ("http", 80) };
        let port = self.listen.port();
        let port = if port == default_port { String::new() } else { format!(":{port}") };
        let mut hosts = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).to_vec();
        let ip = self.listen.ip();
        // Over plain HTTP another machine is either a trusted proxy, which speaks for the public origin, or not answered.
        if self.tls && !ip.is_unspecified() && !ip.is_loopback() {
            hosts.push(if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() });
        }
        hosts.into_iter().map(|host| format!("{scheme}://{host}{port}")).collect()
    }

    /// The public origin as a browser writes it.
    pub(crate) fn public_origin(&self) -> Option<String> {
        let origin = self.public_origin.as_deref()?.trim_end_matches('/').to_ascii_lowercase();
        let default_port = if origin.starts_with("https://") { ":443" } else { ":80" };
        Some(origin.strip_suffix(default_port).map(str::to_owned).unwrap_or(origin))
    }
}

/// The host in an origin, without its brackets.
pub(crate) fn host_of(origin: &str) -> &str {
    let authority = origin.split_once("://").map_or(origin, |(_, authority)| authority);
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(listen: &str, public_origin: Option<&str>, tls: bool) -> Addresses {
        Addresses { listen: listen.parse().expect("an address"), public_origin: public_origin.map(str::to_owned), tls }
    }

    #[test]
    fn a_certificate_is_made_for_every_host_once() {
        let at = addresses("192.168.1.20:7180", Some("https://Freehold.example.org:443/"), true);
        assert_eq!(at.hosts(), ["localhost", "127.0.0.1", "::1", "192.168.1.20", "freehold.example.org"]);
        assert_eq!(at.origins()[3..], ["https://192.168.1.20:7180", "https://freehold.example.org"]);
        let at = addresses("[::]:443", Some("https://localhost:8443"), true);
        assert_eq!(at.hosts(), ["localhost", "127.0.0.1", "::1"]);
        assert_eq!(addresses("[fd00::5]:443", None, true).origins()[3], "https://[fd00::5]");
    }

    #[test]
    fn over_plain_http_only_loopback_leads_here_directly() {
        assert_eq!(addresses("10.0.0.2:80", None, false).hosts(), ["localhost", "127.0.0.1", "::1"]);
    }
}
