//! What people want to know of a certificate, read out of it (RFC 5280).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use freehold_core::Timestamp;
use freehold_web::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{NameConstraints, SubjectAltName};
use x509_cert::time::Time;

/// Reads it; nothing if it is no certificate, or one with times no calendar has.
pub(super) fn read(der: &[u8]) -> Option<Certificate> {
    let certificate = x509_cert::Certificate::from_der(der).ok()?;
    let tbs = certificate.tbs_certificate();
    let alternatives = tbs.get_extension::<SubjectAltName>().ok().flatten().map(|(_, SubjectAltName(names))| names);
    let permitted = || {
        let (_, constraints) = tbs.get_extension::<NameConstraints>().ok().flatten()?;
        Some(constraints.permitted_subtrees?.into_iter().map(|subtree| subtree.base).collect())
    };
    let hosts: Vec<GeneralName> = alternatives.or_else(permitted).unwrap_or_default();
    Some(Certificate {
        der: der.to_vec(),
        name: tbs.subject().common_name().ok().flatten().map(String::from).unwrap_or_default(),
        hosts: hosts.iter().filter_map(host).collect(),
        since: instant(tbs.validity().not_before)?,
        until: instant(tbs.validity().not_after)?,
    })
}

/// A host as people write it. In a constraint an address is followed by its mask, which is whole in those Freehold makes.
fn host(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let ip: IpAddr = match bytes.len() {
                4 | 8 => Ipv4Addr::from(<[u8; 4]>::try_from(&bytes[..4]).ok()?).into(),
                16 | 32 => Ipv6Addr::from(<[u8; 16]>::try_from(&bytes[..16]).ok()?).into(),
                _ => return None,
            };
            Some(ip.to_string())
        }
        _ => None,
    }
}

fn instant(time: Time) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(time.to_unix_duration().as_secs()).ok()?).ok()
}
