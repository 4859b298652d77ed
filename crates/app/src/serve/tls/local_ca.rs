//! Freehold's own certificate authority, and the certificates it makes for the console.
//!
//! Its key and certificate are one file beside the vault's key, for this user alone. The file is read for the moments in which a
//! certificate is made; in between the server holds no key but that of the certificate it shows, which is in no file at all.
//!
//! The CA is bound to the hosts the console is reached at, by critical name constraints (RFC 5280, section 4.2.1.10), and to servers, by its
//! extended key usage: with a stolen key nobody passes for another site.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::IpAddr;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::BASE64;
use freehold_core::{Problem, ProblemCode, Rng, Timestamp};
use freehold_web::Certificate;
use jiff::SignedDuration;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose, GeneralSubtree,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256, SerialNumber,
};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use time::OffsetDateTime;
use zeroize::{Zeroize, Zeroizing};

use super::{bad, x509};
use crate::serve::make_directory_if_absent;

/// How long a CA holds. It is installed by hand, so it lasts as long as a machine.
const CA_LASTS: SignedDuration = SignedDuration::from_hours(10 * 365 * 24);
/// How long a certificate of it holds.
const LASTS: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long before its end the next one is made.
const RENEWED_BEFORE: SignedDuration = SignedDuration::from_hours(10 * 24);
/// A device's clock may be behind this machine's.
const BACKDATED: SignedDuration = SignedDuration::from_hours(1);
/// More than both parts take.
const FILE_LIMIT: u64 = 64 << 10;

/// Where the CA is, and what the console's certificates have to be for.
pub(super) struct LocalCa {
    /// Its file.
    pub(super) file: PathBuf,
    /// Names and addresses.
    pub(super) hosts: Vec<String>,
}

/// A certificate just made.
pub(super) struct Issued {
    /// With its key, for the server.
    pub(super) key: Arc<CertifiedKey>,
    pub(super) certificate: Certificate,
    pub(super) authority: Certificate,
}

impl Issued {
    /// When the next one is to be made.
    pub(super) fn due(&self) -> Timestamp {
        self.certificate.until - RENEWED_BEFORE
    }
}

impl LocalCa {
    /// Makes a certificate for the console, and first the CA itself where there is none, or one that is not for all hosts or ends too soon.
    ///
    /// # Errors
    /// Says what is wrong with the file, or why it cannot be written. One that is there and cannot be used is never replaced.
    pub(super) fn issue(&self, now: Timestamp, rng: &dyn Rng) -> Result<Issued, Problem> {
        let authority = match Authority::read(&self.file)? {
            Some(kept) if kept.is_for(&self.hosts) && now + LASTS <= kept.certificate.until => kept,
            kept => {
                let made = Authority::make(&self.hosts, now, rng)?;
                made.write(&self.file)?;
                if kept.is_some() {
                    tracing::warn!(
                        fingerprint = made.certificate.fingerprint(),
                        "a new CA was made for the console, since the one before was for other hosts or near its end; install it on your devices"
                    );
                }
                made
            }
        };
        authority.issue(&self.hosts, now, rng)
    }
}

/// The CA with its key.
struct Authority {
    certificate: Certificate,
    key: KeyPair,
}

impl Drop for Authority {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl Authority {
    fn make(hosts: &[String], now: Timestamp, rng: &dyn Rng) -> Result<Self, Problem> {
        let name = hosts.last().map(|host| host.chars().take(40).collect::<String>()).unwrap_or_default();
        let name = format!("Freehold at {name}, {}", now.strftime("%-d %b %Y"));
        let mut params = params(&name, now, CA_LASTS, rng);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        // There are always a name and addresses of both kinds among the hosts, so no kind of host is left without a constraint.
        let permitted_subtrees = hosts.iter().map(|host| match host.parse::<IpAddr>() {
            Ok(ip) => GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(ip, if ip.is_ipv4() { 32 } else { 128 })),
            Err(_) => GeneralSubtree::DnsName(host.clone()),
        });
        params.name_constraints =
            Some(NameConstraints { permitted_subtrees: permitted_subtrees.collect(), excluded_subtrees: Vec::new() });
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(not_made)?;
        let made = params.self_signed(&key).map_err(not_made)?;
        Ok(Self { certificate: facts(made.der())?, key })
    }

    /// The one in `file`, if there is that file.
    fn read(file: &Path) -> Result<Option<Self>, Problem> {
        let failed = |error: std::io::Error| {
            unusable(file, format!("could not be read: {error}"), "Give it to the user Freehold runs as, mode 0600.")
        };
        let opened = match File::open(file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(failed)?,
        };
        let mode = opened.metadata().map_err(failed)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            let next = "Run chmod 600 on it. If somebody may have read it, move it away instead: a new CA is made at the next start.";
            return Err(unusable(file, format!("is open to other users (mode {mode:03o})"), next));
        }
        // Room for all of it, so that no copy of the key is left behind by a growing vector.
        let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(FILE_LIMIT).unwrap_or_default()));
        opened.take(FILE_LIMIT).read_to_end(&mut text).map_err(failed)?;
        let parsed = || {
            let certificate = x509::read(&CertificateDer::from_pem_slice(&text).ok()?)?;
            let key = PrivatePkcs8KeyDer::from_pem_slice(&text).ok()?;
            let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_ECDSA_P256_SHA256).ok()?;
            Some(Self { certificate, key })
        };
        let next =
            "Put back a copy; or move it away: a new CA is made at the next start, and has to be installed on your devices.";
        parsed().map(Some).ok_or_else(|| unusable(file, "is damaged".to_owned(), next))
    }

    /// Puts it in the place of what is there. When this returns it is on disk.
    fn write(&self, file: &Path) -> Result<(), Problem> {
        let directory = file.parent().unwrap_or(Path::new("/"));
        make_directory_if_absent(directory, 0o700)?;
        let part = file.with_extension("part");
        let written = || {
            // What a start that was cut off left.
            let _ = std::fs::remove_file(&part);
            let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
            out.write_all(self.certificate.pem().as_bytes())?;
            out.write_all(&pem_of_key(self.key.serialized_der()))?;
            out.sync_all()?;
            std::fs::rename(&part, file)?;
            File::open(directory)?.sync_all()
        };
        written().map_err(|error| {
            let _ = std::fs::remove_file(&part);
            let next = "It is beside the vault's key file: give that directory to the user Freehold runs as, or set key_file to another.";
            Problem::new(ProblemCode::StorageFailed, format!("The console's CA could not be written: {error}."), next)
                .at(file.display().to_string())
        })
    }

    fn is_for(&self, hosts: &[String]) -> bool {
        hosts.iter().all(|host| self.certificate.hosts.contains(host))
    }

    fn issue(&self, hosts: &[String], now: Timestamp, rng: &dyn Rng) -> Result<Issued, Problem> {
        let mut params = params("Freehold", now, LASTS, rng);
        params.subject_alt_names = CertificateParams::new(hosts).map_err(not_made)?.subject_alt_names;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let mut key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(not_made)?;
        let mut issuer = CertificateParams::default();
        issuer.distinguished_name = named(&self.certificate.name);
        issuer.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let made = params.signed_by(&key, &Issuer::from_params(&issuer, &self.key)).map_err(not_made)?;
        let certificate = facts(made.der())?;
        // The CA goes along, so that its fingerprint can be seen in a browser before it is installed.
        let chain = vec![made.into(), CertificateDer::from(self.certificate.der.clone())];
        let private = PrivatePkcs8KeyDer::from(key.serialize_der());
        key.zeroize();
        let key = CertifiedKey::from_der(chain, private.into(), &default_provider()).map_err(not_made)?;
        Ok(Issued { key: Arc::new(key), certificate, authority: self.certificate.clone() })
    }
}

/// What both kinds of certificate have.
fn params(name: &str, now: Timestamp, lasts: SignedDuration, rng: &dyn Rng) -> CertificateParams {
    let instant = |at: Timestamp| OffsetDateTime::from_unix_timestamp(at.as_second()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let mut serial = [0; 16];
    rng.fill(&mut serial);
    // Positive, and of the same length each time (RFC 5280, section 4.1.2.2).
    serial[0] = serial[0] & 0x7f | 0x40;
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.not_before = instant(now - BACKDATED);
    params.not_after = instant(now + lasts);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

fn facts(der: &[u8]) -> Result<Certificate, Problem> {
    x509::read(der).ok_or_else(|| not_made("it cannot be read again"))
}

/// PKCS #8 in PEM form (RFC 7468, section 10).
fn pem_of_key(der: &[u8]) -> Zeroizing<Vec<u8>> {
    let base64 = Zeroizing::new(BASE64.encode(der));
    let mut text = Zeroizing::new(Vec::with_capacity(base64.len() * 2 + 64));
    text.extend_from_slice(b"-----BEGIN PRIVATE KEY-----\n");
    for line in base64.as_bytes().chunks(64) {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    text.extend_from_slice(b"-----END PRIVATE KEY-----\n");
    text
}

fn not_made(error: impl std::fmt::Display) -> Problem {
    bad(
        format!("A certificate for the console could not be made: {error}."),
        "Check that public_origin is a host's name in ASCII (xn--… for others), or an address.",
    )
    .at("public_origin")
}

fn unusable(file: &Path, what: String, next: &str) -> Problem {
    bad(format!("The file of the console's CA {what}."), next).at(file.display().to_string())
}

#[cfg(test)]
mod tests {
    mod openssl;
}
