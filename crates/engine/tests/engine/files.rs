//! Files that a connector hands in with its records.

use freehold_core::run::Outcome;
use serde_json::json;

use crate::support::{OWNER, Server};

#[test]
fn a_file_is_kept_by_its_content_and_a_link_is_not_followed() {
    let server = Server::new();
    let program = r#"
say(type="IDENTITY", key="ada", display="ada")
blobs = os.path.join(os.environ["TMPDIR"], "blobs")
os.makedirs(blobs)
with open(os.path.join(blobs, "good"), "w") as file: file.write("hello")
os.symlink("/etc/passwd", os.path.join(blobs, "link"))
os.mkfifo(os.path.join(blobs, "pipe"))
for name in ["good", "link", "pipe", "missing"]:
    item(id=name, file={"$blob": {"path": "blobs/" + name, "filename": name + ".txt", "media_type": "text/plain"}})
item(id="stolen", file={"$blob": {"sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}})
done(5)
"#;
    server.drop_in("files", json!({ "setup": {} }), program);
    let source = server.add_named("files", "ada");
    let run = server.ended(source);
    assert_eq!(run.outcome, Some(Outcome::Succeeded), "{:?}", run.detail);
    let rejected = server.engine.rejected(&OWNER, run.id, 0, 10).unwrap();
    let keys: Vec<(&str, &str)> = rejected.iter().map(|row| (row.key.as_str(), row.reason.as_str())).collect();
    let unusable = "blob_unusable";
    assert_eq!(keys, [("link", unusable), ("pipe", unusable), ("missing", unusable), ("stolen", unusable)]);

    let record = server.engine.record(&OWNER, source, "items", "good").unwrap();
    let sha256 = record.data["file"]["$blob"]["sha256"].as_str().unwrap();
    assert_eq!(sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", "SHA-256 of hello");
    let blob = server.engine.blob(&OWNER, source, sha256).unwrap();
    assert_eq!((std::fs::read_to_string(blob.path).unwrap().as_str(), blob.filename.as_str()), ("hello", "good.txt"));

    let measured = |streams: &[freehold_engine::view::StreamView]| streams[0].file_bytes;
    assert_eq!(measured(&server.engine.source(&OWNER, source).unwrap().streams), Some(5));
    let list = server.engine.sources(&OWNER).unwrap();
    assert_eq!(measured(&list[0].streams), None, "a list is not to become slow by its files");
}

#[test]
fn a_link_in_the_place_of_the_directory_itself_is_not_followed() {
    let server = Server::new();
    let program = r#"
say(type="IDENTITY", key="ada", display="ada")
tmp = os.environ["TMPDIR"]
os.makedirs(os.path.join(tmp, "blobs"))
with open(os.path.join(tmp, "blobs", "good"), "w") as file: file.write("hello")
os.rename(tmp, tmp + "-elsewhere")
os.symlink(tmp + "-elsewhere", tmp)
item(id="good", file={"$blob": {"path": "blobs/good"}})
done(1)
"#;
    server.drop_in("files", json!({ "setup": {} }), program);
    let source = server.add_named("files", "ada");
    let run = server.ended(source);
    let rejected = server.engine.rejected(&OWNER, run.id, 0, 10).unwrap();
    assert_eq!(rejected.iter().map(|row| row.reason.as_str()).collect::<Vec<_>>(), ["blob_unusable"], "{:?}", run.detail);
}
