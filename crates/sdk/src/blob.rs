//! Large content, handed over as files.

use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;

use freehold_protocol::blob::BlobRef;

/// Writes the files of one run into `blobs` of its temporary directory.
pub(crate) struct BlobFolder {
    folder: PathBuf,
    count: u64,
}

impl BlobFolder {
    pub(crate) fn new(tmp: PathBuf) -> Self {
        Self { folder: tmp.join("blobs"), count: 0 }
    }

    pub(crate) fn write(
        &mut self,
        mut content: impl Read,
        filename: Option<&str>,
        media_type: Option<&str>,
    ) -> io::Result<BlobRef> {
        fs::create_dir_all(&self.folder)?;
        self.count += 1;
        let name = self.count.to_string();
        let mut file = fs::File::create_new(self.folder.join(&name))?;
        io::copy(&mut content, &mut file)?;
        Ok(BlobRef {
            path: format!("blobs/{name}"),
            filename: filename.map(str::to_owned),
            media_type: media_type.map(str::to_owned),
        })
    }
}
