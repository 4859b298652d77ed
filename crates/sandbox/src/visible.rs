//! What of the system every child may read.

use std::path::Path;

/// The `PATH` of every child.
pub(crate) const SEARCH_PATH: [&str; 3] = ["/usr/local/bin", "/usr/bin", "/bin"];

/// Programs and libraries. All but `/usr` are links into it on most systems.
pub(crate) const SYSTEM: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/// What libraries read of `/etc` to find names, certificates, time zones and each other. No private keys, no accounts.
pub(crate) const ETC: [&str; 21] = [
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/locale.alias",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/timezone",
];

/// What a browser reads beside that: which fonts there are.
pub(crate) const BROWSER: [&str; 2] = ["/etc/fonts", "/var/cache/fontconfig"];

/// Where a browser looks for the policies it has to keep to.
pub(crate) const POLICIES: &str = "/etc/chromium/policies/managed";

/// The machine-wide files of `/proc` that runtimes size themselves by; nothing about any process.
pub(crate) const PROC: [&str; 6] =
    ["/proc/cpuinfo", "/proc/loadavg", "/proc/meminfo", "/proc/stat", "/proc/uptime", "/proc/version"];

/// Whether a resolved path is among the system's programs and libraries.
pub(crate) fn is_system(path: &Path) -> bool {
    SYSTEM.iter().any(|system| path.starts_with(system))
}
