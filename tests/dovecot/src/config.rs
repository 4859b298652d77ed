//! What Dovecot is told: its configuration, its users, and the directories it may use.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{DovecotError, User, at, run};

/// The system user that owns and reads the mail files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MailOwner {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// The names Dovecot's own processes run under when it may not switch users.
    only_user: Option<(String, String)>,
}

impl MailOwner {
    /// Dovecot refuses to read mail as root, so root hands the mail to Debian's `mail` user; anyone else keeps it.
    pub(crate) fn for_this_process() -> Result<Self, DovecotError> {
        if rustix::process::geteuid().is_root() {
            return Ok(Self { uid: 8, gid: 8, only_user: None });
        }
        let name = run("/usr/bin/id", &["-un"])?.trim().to_owned();
        let group = run("/usr/bin/id", &["-gn"])?.trim().to_owned();
        Ok(Self {
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
            only_user: Some((name, group)),
        })
    }

    /// Gives a file to this owner; without the right to give, the file is already ours.
    pub(crate) fn give(&self, path: &Path) -> Result<(), DovecotError> {
        match self.only_user {
            Some(_) => Ok(()),
            None => chown(path, Some(self.uid), Some(self.gid)).map_err(at(path)),
        }
    }
}

pub(crate) fn path(dir: &Path) -> PathBuf {
    dir.join("dovecot.conf")
}

pub(crate) fn make_directories(dir: &Path, owner: &MailOwner) -> Result<(), DovecotError> {
    let mail = dir.join("mail");
    fs::create_dir_all(&mail).map_err(at(&mail))?;
    if owner.only_user.is_none() {
        fs::set_permissions(dir, Permissions::from_mode(0o711)).map_err(at(dir))?;
    }
    owner.give(&mail)
}

/// Writes the password file in one step, so that the server never reads half of it. It tells a changed file by its size and the
/// second it is from, so each file is at least a second younger than the one before.
pub(crate) fn write_users(dir: &Path, users: &[User]) -> Result<(), DovecotError> {
    let lines: String = users.iter().map(|user| format!("{}:{{PLAIN}}{}\n", user.name, user.password)).collect();
    let (new, path) = (dir.join("users.new"), dir.join("users"));
    fs::write(&new, lines).map_err(at(&new))?;
    if let Ok(before) = fs::metadata(&path).and_then(|old| old.modified()) {
        let file = fs::File::options().write(true).open(&new).map_err(at(&new))?;
        let own = file.metadata().and_then(|own| own.modified()).map_err(at(&new))?;
        file.set_modified(own.max(before + Duration::from_secs(1))).map_err(at(&new))?;
    }
    fs::rename(&new, &path).map_err(at(&path))
}

/// The two ports of the last start in `dir`, if there was one.
pub(crate) fn last_ports(dir: &Path) -> Option<(u16, u16)> {
    let text = fs::read_to_string(path(dir)).ok()?;
    let mut ports = text.lines().filter_map(|line| line.trim().strip_prefix("port = ")?.parse().ok());
    Some((ports.next()?, ports.next()?))
}

pub(crate) fn write(dir: &Path, owner: &MailOwner, imap_port: u16, imaps_port: u16) -> Result<(), DovecotError> {
    let as_one_user = owner.only_user.as_ref().map_or_else(String::new, |(user, group)| {
        format!(
            "default_internal_user = {user}\ndefault_internal_group = {group}\ndefault_login_user = {user}\n\
             service anvil {{\n  chroot =\n}}\nservice imap-login {{\n  chroot =\n}}\nservice stats {{\n  chroot =\n}}\n"
        )
    });
    let text = format!(
        "\
protocols = imap
listen = 127.0.0.1
base_dir = {dir}/run
state_dir = {dir}/state
log_path = /dev/stderr
login_greeting = Dovecot for Freehold
{as_one_user}
ssl = yes
ssl_cert = <{dir}/server.pem
ssl_key = <{dir}/server.key
ssl_dh =
disable_plaintext_auth = no

auth_mechanisms = plain login
auth_verbose = yes
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = {dir}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dir}/mail/%u
}}
first_valid_uid = 1
first_valid_gid = 1

mail_location = maildir:~/Maildir:UTF-8
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    special_use = \\Sent
  }}
  mailbox Junk {{
    special_use = \\Junk
  }}
  mailbox Trash {{
    special_use = \\Trash
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = {imaps_port}
    ssl = yes
  }}
}}
# A test that signs in wrongly on purpose must not slow the next one down.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
",
        dir = dir.display(),
        uid = owner.uid,
        gid = owner.gid,
    );
    let path = path(dir);
    fs::write(&path, text).map_err(at(&path))
}
