//! The owner's time zone, as the console's script tells it in a cookie. Where no script runs, it is the server's.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::tz::TimeZone;

use crate::cookie;

/// The name of the owner's zone; blank where it is not known.
pub(crate) struct OwnersZone(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for OwnersZone {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        // A name without a byte that a cookie would have to encode (RFC 6265, 4.1.1); a browser may know zones that this machine does not.
        let told = cookie::value("zone", &parts.headers).filter(|name| TimeZone::get(name).is_ok());
        Ok(Self(told.unwrap_or_default().to_owned()))
    }
}
