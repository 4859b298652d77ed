//! Request bodies. Any of them may hold a secret, so all are read into memory that is wiped, and errors never quote them.

use std::collections::BTreeMap;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use freehold_core::{ProblemCode, SecretBytes};
use futures_util::StreamExt;
use hyper::body::Body as _;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, Visitor};
use zeroize::Zeroizing;

use crate::multipart;
use crate::refused::Refused;

/// The most a request may carry. The largest honest one is a form with a few certificates in it.
pub(crate) const LIMIT: usize = 256 * 1024;
/// The same of a form that takes a picture. Twice what the picture may have, so that one a little too large is told so at its field.
const PICTURE_LIMIT: usize = 2 * freehold_engine::MOST_PICTURE_BYTES;

/// A secret inside a JSON body. It has no `Debug`, and goes from the wiped body straight into [`SecretBytes`].
pub(crate) struct Secret(pub(crate) SecretBytes);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Secret;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("text")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Secret, E> {
                Ok(Secret(SecretBytes::new(text.as_bytes().to_vec())))
            }
            fn visit_string<E: Error>(self, text: String) -> Result<Secret, E> {
                Ok(Secret(SecretBytes::from(text)))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// The fields of a credential or an answer, without the wrapper.
pub(crate) fn secrets(fields: BTreeMap<String, Secret>) -> BTreeMap<String, SecretBytes> {
    fields.into_iter().map(|(name, Secret(value))| (name, value)).collect()
}

/// A JSON body. An absent one counts as `{}`.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, LIMIT).await?;
        let is_json = is_type(&parts.headers, "application/json");
        let bytes: &[u8] = match (bytes.is_empty(), is_json) {
            (true, _) => b"{}",
            (false, true) => &bytes,
            (false, false) => {
                return Err(bad_body("The body is not marked as JSON.", "Send it with Content-Type: application/json."));
            }
        };
        // serde_json's own message may quote a value, and a value may be a secret: only the place is told.
        serde_json::from_slice(bytes).map(JsonBody).map_err(|error| {
            let mut refused =
                bad_body("The body is not what this address takes.", "Check the names and types of its members.");
            refused.0.at = Some(format!("line {}, column {}", error.line(), error.column()));
            refused
        })
    }
}

/// The fields of a submitted form, in their order.
pub(crate) struct FormBody(Vec<(String, Zeroizing<Vec<u8>>)>);

impl<S: Send + Sync> FromRequest<S> for FormBody {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, LIMIT).await?;
        if !bytes.is_empty() && !is_type(&parts.headers, "application/x-www-form-urlencoded") {
            return Err(bad_body("This is not a form.", "Use the form on the page."));
        }
        Ok(Self::parse(&bytes))
    }
}

/// The fields of a form that may have come with a picture: as any other form, or as `multipart/form-data`.
pub(crate) struct PictureFormBody(pub(crate) FormBody);

impl<S: Send + Sync> FromRequest<S> for PictureFormBody {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let Some(boundary) = multipart::boundary(request.headers()) else {
            return FormBody::from_request(request, state).await.map(Self);
        };
        let bytes = read(request.into_body(), PICTURE_LIMIT).await?;
        let fields = multipart::parse(&bytes, &boundary);
        fields
            .map(|fields| Self(FormBody(fields)))
            .ok_or_else(|| bad_body("This is not a form.", "Use the form on the page."))
    }
}

impl FormBody {
    /// Parses `application/x-www-form-urlencoded` (WHATWG URL, section 5.1).
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let pairs = bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
            let mut sides = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(sides.next().unwrap_or_default());
            let value = decode(sides.next().unwrap_or_default());
            (String::from_utf8_lossy(&name).into_owned(), value)
        });
        Self(pairs.collect())
    }

    /// The first value of a field that is not secret, without the space around it; none if absent or empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(key, _)| key == name)?;
        std::str::from_utf8(value).ok().map(str::trim).filter(|text| !text.is_empty())
    }

    /// Every value of a field that is not secret.
    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == name).filter_map(|(_, value)| std::str::from_utf8(value).ok()).collect()
    }

    /// Takes the first value of a field out, as it was typed; empty if there is none.
    pub(crate) fn take(&mut self, name: &str) -> SecretBytes {
        let value = self.0.iter_mut().find(|(key, _)| key == name).map(|(_, value)| std::mem::take(&mut **value));
        SecretBytes::new(value.unwrap_or_default())
    }
}

fn decode(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = (byte == b'%').then(|| tail.get(..2).and_then(hex_byte)).flatten();
        decoded.push(match (byte, escaped) {
            (_, Some(value)) => value,
            (b'+', None) => b' ',
            _ => byte,
        });
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    decoded
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    Some(digit(digits[0])? << 4 | digit(digits[1])?)
}

async fn read(body: axum::body::Body, limit: usize) -> Result<Zeroizing<Vec<u8>>, Refused> {
    let expected = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
    let room = expected.map_or(limit, |length| length.min(limit));
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| bad_body("The request broke off.", "Send it again."))?;
        // Never past the reserved capacity: a vector that grows leaves its old bytes behind unwiped.
        if bytes.len() + chunk.len() > room {
            let most =
                if limit < 1024 * 1024 { format!("{} KiB", limit / 1024) } else { format!("{} MiB", limit / 1024 / 1024) };
            return Err(bad_body("The request is too large.", &format!("Send at most {most}.")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn is_type(headers: &HeaderMap, wanted: &str) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    given.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(wanted)
}

fn bad_body(what: &str, next: &str) -> Refused {
    Refused::new(ProblemCode::BadInput, what, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_decoded_as_browsers_encode_it() {
        let mut form = FormBody::parse(b"name=Maria%27s+mail&key=100%25&odd=%zz%4&empty=&many=a&many=b&caf%C3%A9=1");
        assert_eq!(form.text("name"), Some("Maria's mail"));
        assert_eq!(form.text("key"), Some("100%"));
        assert_eq!(form.text("odd"), Some("%zz%4"));
        assert_eq!(form.text("empty"), None);
        assert_eq!(form.text("caf\u{e9}"), Some("1"));
        assert_eq!(form.texts("many"), ["a", "b"]);
        assert_eq!(form.take("name").len(), 12);
        assert!(form.take("name").is_empty(), "taken once");
        assert!(form.take("absent").is_empty());
    }

    #[tokio::test]
    async fn an_error_never_quotes_the_body() {
        #[derive(serde::Deserialize)]
        struct Wanted {
            #[expect(dead_code, reason = "only its type matters here")]
            fields: BTreeMap<String, Secret>,
        }
        let request = Request::builder()
            .header(header::CONTENT_TYPE, "application/json")
            .body(axum::body::Body::from(r#"{"fields": "hunter2-canary"}"#))
            .expect("a request");
        let refused = JsonBody::<Wanted>::from_request(request, &()).await.err().expect("refused");
        assert!(!format!("{refused:?}").contains("canary"));
        assert_eq!(refused.0.at.as_deref(), Some("line 1, column 27"));
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused() {
        let read = |size: usize, limit| read(axum::body::Body::from(vec![b'a'; size]), limit);
        assert!(read(LIMIT, LIMIT).await.is_ok());
        assert!(read(LIMIT + 1, LIMIT).await.is_err());
        assert!(read(LIMIT + 1, PICTURE_LIMIT).await.is_ok());
    }
}
