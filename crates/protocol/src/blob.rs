//! Large content, handed over as files.
//!
//! A connector writes a file into the folder `blobs` of its temporary directory and refers to it in a record's data as
//! `{"$blob": {"path": "blobs/NAME", "filename": …, "media_type": …}}`. The engine takes the file in by its content and puts
//! `{"$blob": {"sha256": …, "size": …, "filename": …, "media_type": …}}` in its place.
//!
//! The path is one name under `blobs/`, and the file must be opened without following links (`openat2` with
//! `RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS`) and be a regular file: a connector that could make the engine follow a link could
//! read what only the engine may. A connector may not write the second form itself: it would name content of another source.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// A blob as a connector refers to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlobRef {
    /// `blobs/NAME`, relative to the connector's temporary directory.
    pub path: String,
    /// The name it has at the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Its IANA media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}

/// A blob as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredBlob {
    /// Its content's SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
    /// The name it has at the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Its IANA media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}

/// Why a reference cannot be used. The record is rejected.
#[derive(Debug, thiserror::Error)]
pub enum BlobError<E> {
    /// It has another shape than a connector may give.
    #[error("a $blob is {{\"path\", \"filename\", \"media_type\"}} and nothing else")]
    Shape,
    /// Its path leads elsewhere.
    #[error("a $blob's path is blobs/NAME, where NAME is letters, digits, '.', '_' and '-', and does not begin with '.'")]
    Path,
    /// The file could not be taken in.
    #[error("the blob could not be taken in")]
    Import(#[source] E),
}

const KEY: &str = "$blob";

impl BlobRef {
    /// The reference as it stands in a record's data.
    pub fn to_value(&self) -> Value {
        reference(self)
    }

    /// The file's name under `blobs/`, if the path is one this convention allows.
    pub fn file_name(&self) -> Option<&str> {
        let name = self.path.strip_prefix("blobs/")?;
        let fits = !name.is_empty()
            && name.len() <= 128
            && !name.starts_with('.')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        fits.then_some(name)
    }
}

/// Whether a record's data may refer to a blob. `false` is certain; `true` means that [`rewrite`] has to look.
pub fn may_hold_blob(data: &RawValue) -> bool {
    let text = data.get().as_bytes();
    // A letter of the key can also be written as an escape, `\u0024blob`.
    memchr::memmem::find(text, KEY.as_bytes()).is_some() || memchr::memmem::find(text, b"\\u00").is_some()
}

/// Takes every blob of a record's data in, and returns the data with the references replaced; `None` if there are none.
/// `import` gets the reference and its file's checked name under `blobs/`, and returns what was kept.
pub fn rewrite<E>(
    data: &RawValue,
    mut import: impl FnMut(&BlobRef, &str) -> Result<StoredBlob, E>,
) -> Result<Option<Box<RawValue>>, BlobError<E>> {
    if !may_hold_blob(data) {
        return Ok(None);
    }
    let mut value: Value = serde_json::from_str(data.get()).map_err(|_| BlobError::Shape)?;
    if !replace(&mut value, &mut import)? {
        return Ok(None);
    }
    serde_json::value::to_raw_value(&value).map(Some).map_err(|_| BlobError::Shape)
}

fn replace<E>(
    value: &mut Value,
    import: &mut impl FnMut(&BlobRef, &str) -> Result<StoredBlob, E>,
) -> Result<bool, BlobError<E>> {
    match value {
        Value::Object(fields) => {
            if let Some(inner) = fields.get(KEY) {
                let alone = fields.len() == 1;
                let blob = BlobRef::deserialize(inner).ok().filter(|_| alone).ok_or(BlobError::Shape)?;
                let name = blob.file_name().ok_or(BlobError::Path)?;
                *value = reference(&import(&blob, name).map_err(BlobError::Import)?);
                return Ok(true);
            }
            fields.values_mut().try_fold(false, |any, field| Ok(replace(field, import)? | any))
        }
        Value::Array(items) => items.iter_mut().try_fold(false, |any, item| Ok(replace(item, import)? | any)),
        _ => Ok(false),
    }
}

fn reference<T: Serialize>(inner: &T) -> Value {
    let inner = serde_json::to_value(inner).expect("strings and a number always serialise");
    Value::Object([(KEY.to_owned(), inner)].into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(data: &str) -> Result<Option<String>, BlobError<()>> {
        let data = RawValue::from_string(data.to_owned()).unwrap();
        let kept = rewrite(&data, |blob, name| {
            assert_eq!(blob.path, format!("blobs/{name}"));
            Ok(StoredBlob { sha256: "ab".into(), size: 3, filename: blob.filename.clone(), media_type: None })
        });
        kept.map(|raw| raw.map(|raw| raw.get().to_owned()))
    }

    #[test]
    fn references_are_replaced_wherever_they_are() {
        let data = r#"{"id":"1","files":[{"$blob":{"path":"blobs/a","filename":"x.pdf"}}],"note":"$"}"#;
        let expected = r#"{"files":[{"$blob":{"filename":"x.pdf","sha256":"ab","size":3}}],"id":"1","note":"$"}"#;
        assert_eq!(run(data).unwrap().unwrap(), expected);
    }

    #[test]
    fn data_without_blobs_is_left_as_it_is() {
        assert_eq!(run(r#"{"id":"1"}"#).unwrap(), None);
        assert_eq!(run(r#"{"text":"costs $blob \u00e9"}"#).unwrap(), None);
    }

    #[test]
    fn a_connector_cannot_name_kept_content_nor_leave_its_folder() {
        assert!(matches!(run(r#"{"f":{"$blob":{"sha256":"ab","size":3}}}"#), Err(BlobError::Shape)));
        assert!(matches!(run(r#"{"f":{"\u0024blob":{"sha256":"ab","size":3}}}"#), Err(BlobError::Shape)));
        assert!(matches!(run(r#"{"f":{"$b\u006cob":{"sha256":"ab","size":3}}}"#), Err(BlobError::Shape)));
        assert!(matches!(run(r#"{"f":{"$blob":{"path":"blobs/a"},"other":1}}"#), Err(BlobError::Shape)));
        for path in ["/etc/passwd", "blobs/../x", "blobs/", "blobs/..", "a", "blobs/a/b", "blobs/.a"] {
            let data = format!(r#"{{"f":{{"$blob":{{"path":"{path}"}}}}}}"#);
            assert!(matches!(run(&data), Err(BlobError::Path)), "{path}");
        }
    }
}
