//! A browser profile as an archive, without what can be made anew. How it is sealed is not known here.

use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, openat};
use rustix::io::Errno;
use serde_json::{Value, json};

use crate::BrowserError;
use crate::cdp::Client;

/// Directories that only save time or report to somebody.
const LEFT_OUT: [&str; 19] = [
    "BrowserMetrics",
    "Cache",
    "CacheStorage",
    "Code Cache",
    "Crash Reports",
    "Crashpad",
    "DawnGraphiteCache",
    "DawnWebGPUCache",
    "GPUCache",
    "GrShaderCache",
    "GraphiteDawnCache",
    "OptimizationHints",
    "Safe Browsing",
    "ScriptCache",
    "ShaderCache",
    "blob_storage",
    "component_crx_cache",
    "extensions_crx_cache",
    "segmentation_platform",
];

/// The entry that holds the cookies as the browser has them in memory. It writes them to its own files late, and those of a session
/// never.
const COOKIES: &str = "freehold-cookies.json";

/// The cookies of a browser, to be archived with its profile.
pub fn cookies(client: &Client) -> Result<Value, BrowserError> {
    Ok(client.call("Storage.getCookies", json!({}))?["cookies"].take())
}

/// Gives a browser just started the cookies that were archived.
pub fn restore_cookies(client: &Client, archived: Value) -> Result<(), BrowserError> {
    let Value::Array(cookies) = archived else { return Ok(()) };
    for mut cookie in cookies {
        // What a cookie is read with and cannot be set with.
        if let Some(cookie) = cookie.as_object_mut() {
            cookie.remove("size");
            cookie.remove("partitionKeyOpaque");
            if cookie.remove("session") == Some(Value::Bool(true)) {
                cookie.remove("expires");
            }
        }
        match client.call("Storage.setCookies", json!({ "cookies": [cookie] })) {
            // One that has expired meanwhile is refused, which is as good as gone.
            Ok(_) | Err(BrowserError::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes the profile in `directory` and these cookies as a tar archive: files and directories, no links, no sockets, no caches. What
/// vanishes meanwhile, as files of a running browser do, is left out. No link is followed: the directory is the browser's to write, and
/// whoever reads it may be root.
pub fn pack<W: Write>(directory: &Path, cookies: &Value, to: W) -> io::Result<W> {
    let mut archive = tar::Builder::new(to);
    add(&mut archive, Path::new(COOKIES), cookies.to_string().as_bytes())?;
    let root = openat(CWD, directory, OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    pack_below(&mut archive, root, Path::new(""))?;
    archive.into_inner()
}

fn pack_below<W: Write>(archive: &mut tar::Builder<W>, directory: OwnedFd, within: &Path) -> io::Result<()> {
    let entries: Vec<_> = Dir::read_from(&directory)?.collect::<Result<_, _>>()?;
    for entry in entries {
        let name = entry.file_name();
        let Ok(text) = name.to_str() else { continue };
        let path = within.join(text);
        let open = |more: OFlags| {
            openat(directory.as_fd(), name, more | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())
        };
        match entry.file_type() {
            FileType::Directory if text != "." && text != ".." && !LEFT_OUT.contains(&text) => {
                let Some(below) = still_there(open(OFlags::DIRECTORY))? else { continue };
                let mut header = header(0);
                header.set_entry_type(tar::EntryType::Directory);
                header.set_mode(0o700);
                archive.append_data(&mut header, &path, io::empty())?;
                pack_below(archive, below, &path)?;
            }
            FileType::RegularFile if text != COOKIES => {
                let Some(file) = still_there(open(OFlags::RDONLY))? else { continue };
                let mut file = File::from(file);
                if file.metadata()?.is_file() {
                    // Whole, at once: the file of a running browser may grow while it is read.
                    let mut content = Vec::new();
                    file.read_to_end(&mut content)?;
                    add(archive, &path, &content)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// What was opened, unless it has gone or become a link meanwhile.
fn still_there(opened: rustix::io::Result<OwnedFd>) -> io::Result<Option<OwnedFd>> {
    match opened {
        Ok(opened) => Ok(Some(opened)),
        Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::NXIO) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn add<W: Write>(archive: &mut tar::Builder<W>, path: &Path, content: &[u8]) -> io::Result<()> {
    archive.append_data(&mut header(content.len() as u64), path, content)
}

fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o600);
    header
}

/// Makes `directory` and lays the archive out in it, private to this user; nothing is ever written outside it. Returns the cookies, for
/// [`restore_cookies`]. No browser may run on the directory yet.
pub fn unpack(from: impl Read, directory: &Path) -> io::Result<Value> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let mut archive = tar::Archive::new(from);
    archive.set_preserve_permissions(false);
    archive.set_preserve_mtime(false);
    let mut cookies = Value::Null;
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.path()? == PathBuf::from(COOKIES) {
            cookies = serde_json::from_reader(&mut entry)?;
        } else {
            entry.unpack_in(directory)?;
        }
    }
    Ok(cookies)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_counts_comes_back_and_caches_links_and_sockets_do_not() {
        let from = tempfile::tempdir().unwrap();
        let at = |name: &str| from.path().join(name);
        for folder in ["Default/Network", "Default/Cache/Cache_Data", "ShaderCache"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        for file in ["Local State", "Default/Network/Cookies", "Default/Cache/Cache_Data/x", "ShaderCache/y"] {
            fs::write(at(file), file).unwrap();
        }
        std::os::unix::fs::symlink("/etc/passwd", at("SingletonLock")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("SingletonSocket")).unwrap();
        let archive = pack(from.path(), &json!([{ "name": "a" }]), Vec::new()).unwrap();

        let to = tempfile::tempdir().unwrap();
        let profile = to.path().join("profile");
        assert_eq!(unpack(&*archive, &profile).unwrap(), json!([{ "name": "a" }]));
        assert_eq!(fs::read_to_string(profile.join("Default/Network/Cookies")).unwrap(), "Default/Network/Cookies");
        assert_eq!(fs::read_to_string(profile.join("Local State")).unwrap(), "Local State");
        for gone in ["Default/Cache", "ShaderCache", "SingletonLock", "SingletonSocket"] {
            assert!(fs::symlink_metadata(profile.join(gone)).is_err(), "{gone}");
        }
    }
}
