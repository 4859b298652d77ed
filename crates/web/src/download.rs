//! A file on its way to the owner. One of a provider's is hostile until shown otherwise: each goes out as a download of no type, which
//! no browser opens in this server's name.

use std::fs::File;
use std::io::Read;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use freehold_core::{Problem, ProblemCode};
use freehold_engine::Export;
use freehold_engine::live::SavedFile;
use freehold_engine::view::BlobView;
use futures_util::stream;

use crate::refused::Refused;

/// Bytes read at a time.
const CHUNK: usize = 64 * 1024;

/// Sends a record's file.
pub(crate) async fn send(blob: BlobView) -> Result<Response, Refused> {
    let path = blob.path.clone();
    let opened = tokio::task::spawn_blocking(move || File::open(path)).await;
    let Ok(Ok(file)) = opened else {
        tracing::error!(sha256 = %blob.sha256, "a record's file cannot be opened");
        let problem = Problem::new(
            ProblemCode::StorageFailed,
            "The file belongs to a record but cannot be opened.",
            "Look at the data directory: its blobs folder may have been changed from outside.",
        );
        return Err(Refused(problem));
    };
    Ok(of(file, blob.size, &blob.filename))
}

/// Sends a backup.
pub(crate) async fn backup(path: std::path::PathBuf, size: u64) -> Result<Response, Refused> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let opened = tokio::task::spawn_blocking(move || File::open(path)).await;
    let Ok(Ok(file)) = opened else {
        let problem = Problem::new(
            ProblemCode::StorageFailed,
            "The backup cannot be opened.",
            "Look at the folder it was written to, or make another.",
        );
        return Err(Refused(problem));
    };
    Ok(of(file, size, &name))
}

/// Sends an export as it is made.
pub(crate) fn export(export: Export) -> Response {
    let name = export.file_name().to_owned();
    let pieces = stream::unfold(Some(export), |export| async { next_piece(export?).await });
    as_download(Body::from_stream(pieces), &name)
}

async fn next_piece(mut export: Export) -> Option<(std::io::Result<Bytes>, Option<Export>)> {
    let made = tokio::task::spawn_blocking(move || (export.next_piece(), export)).await;
    match made {
        Ok((Ok(None), _)) => None,
        Ok((Ok(Some(piece)), export)) => Some((Ok(Bytes::from(piece)), Some(export))),
        Ok((Err(problem), _)) => {
            tracing::error!(%problem, "an export was broken off");
            Some((Err(std::io::Error::other(problem.to_string())), None))
        }
        Err(error) => Some((Err(std::io::Error::other(error)), None)),
    }
}

/// Sends a file that a page of the secure browser handed out.
pub(crate) fn saved(file: SavedFile) -> Response {
    of(file.file, file.size, &file.name)
}

fn of(file: File, size: u64, name: &str) -> Response {
    let chunks = stream::unfold(Some(file), |file| async { next_chunk(file?).await });
    let mut response = as_download(Body::from_stream(chunks), name);
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    response
}

fn as_download(body: Body, name: &str) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_str(&disposition(name)).unwrap_or(HeaderValue::from_static("attachment")),
    );
    response
}

async fn next_chunk(mut file: File) -> Option<(std::io::Result<Bytes>, Option<File>)> {
    let read = tokio::task::spawn_blocking(move || {
        let mut chunk = vec![0; CHUNK];
        let count = file.read(&mut chunk)?;
        chunk.truncate(count);
        Ok::<_, std::io::Error>((chunk, file))
    });
    match read.await.map_err(std::io::Error::other).and_then(|read| read) {
        Ok((chunk, _)) if chunk.is_empty() => None,
        Ok((chunk, file)) => Some((Ok(Bytes::from(chunk)), Some(file))),
        Err(error) => Some((Err(error), None)),
    }
}

/// `Content-Disposition` with the provider's file name, reduced to its last part (RFC 6266, section 4.3; RFC 8187).
fn disposition(filename: &str) -> String {
    let last = filename.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !c.is_control()).take(120).collect();
    let name = name.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let name = if name.is_empty() { "file" } else { name };
    let ascii: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "._- ()".contains(c) { c } else { '_' }).collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{}", crate::page::url::segment(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_can_neither_leave_its_header_nor_its_folder() {
        assert_eq!(disposition("lake.png"), "attachment; filename=\"lake.png\"; filename*=UTF-8''lake.png");
        assert_eq!(
            disposition("../../x\"\r\nSet-Cookie: a=b"),
            "attachment; filename=\"x_Set-Cookie_ a_b\"; filename*=UTF-8''x%22Set-Cookie%3A%20a%3Db"
        );
        assert_eq!(disposition("Käse.pdf"), "attachment; filename=\"K_se.pdf\"; filename*=UTF-8''K%C3%A4se.pdf");
        assert_eq!(disposition("..."), "attachment; filename=\"file\"; filename*=UTF-8''file");
    }
}
