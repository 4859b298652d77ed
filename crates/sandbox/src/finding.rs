//! What `freehold doctor` says about confinement here.

use crate::host::Bubblewrap;
use crate::{Host, Kind};

/// One thing that holds on this machine, or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is called.
    pub name: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// What was found, in one sentence.
    pub detail: String,
    /// What follows where it does not hold, and what to do; empty where it holds.
    pub consequence: String,
}

impl Host {
    /// What holds here and what does not, the strongest first.
    pub fn report(&self) -> Vec<Finding> {
        vec![
            self.own_uid_finding(),
            self.bubblewrap_finding(),
            self.landlock_finding(),
            self.seccomp_finding(),
            self.secrets_finding(),
        ]
    }

    fn own_uid_finding(&self) -> Finding {
        if self.own_uid {
            return holds("own uid", "Each run has a user id to itself.".to_owned());
        }
        lacks(
            "own uid",
            "The server is not root, so connectors run as the same user as the server.",
            "The other layers keep them apart. To have this one too, run Freehold as a system service started by root.",
        )
    }

    fn bubblewrap_finding(&self) -> Finding {
        match &self.bubblewrap {
            Bubblewrap::Works(path) => holds(
                "bubblewrap",
                format!("{} gives each run its own processes and its own small view of the files.", path.display()),
            ),
            Bubblewrap::Fails(reason) => lacks(
                "bubblewrap",
                &format!("bubblewrap is installed, but cannot make namespaces here: {reason}."),
                "A connector can see that other processes exist. Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, \
                 or kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu; in a container, let it create them).",
            ),
            Bubblewrap::Absent => lacks(
                "bubblewrap",
                "bubblewrap is not installed.",
                "A connector can see that other processes exist. Install it: apt install bubblewrap.",
            ),
        }
    }

    fn landlock_finding(&self) -> Finding {
        match self.landlock {
            Some(abi @ 6..) => holds(
                "Landlock",
                format!("Landlock (version {abi}) limits which files a connector opens and whom it signals."),
            ),
            Some(abi) if self.own_uid || matches!(self.bubblewrap, Bubblewrap::Works(_)) => {
                holds("Landlock", format!("Landlock (version {abi}) limits which files a connector opens."))
            }
            Some(abi) => lacks(
                "Landlock",
                &format!("Landlock is at version {abi}, and nothing else keeps signals apart."),
                "A connector could stop the server or another run, though read nothing of either. Install bubblewrap, or use Linux 6.12 \
                 or later.",
            ),
            None => lacks(
                "Landlock",
                "The kernel has no Landlock, or it is switched off.",
                "Which files a connector opens is left to bubblewrap or its own uid. Use Linux 5.13 or later with `landlock` in the \
                 kernel's lsm= list.",
            ),
        }
    }

    fn seccomp_finding(&self) -> Finding {
        if self.seccomp {
            return holds(
                "system call filter",
                "Connectors cannot trace processes, open raw or Unix sockets, or change namespaces.".to_owned(),
            );
        }
        lacks(
            "system call filter",
            "The kernel has no seccomp filters.",
            "A connector could reach Unix sockets its user may open. Use a kernel with CONFIG_SECCOMP_FILTER.",
        )
    }

    fn secrets_finding(&self) -> Finding {
        let layers = self.layers(&Kind::Program);
        if layers.suffice_for_secret() {
            return holds("secrets for connectors", format!("A connector that receives a secret is confined by {layers}."));
        }
        lacks(
            "secrets for connectors",
            &format!("Connectors are confined by {layers}, too little for a secret."),
            "A connector that receives a secret does not start. Install bubblewrap (apt install bubblewrap), or set sandbox = \
             \"reduced\" for the sources where you accept that.",
        )
    }
}

fn holds(name: &'static str, detail: String) -> Finding {
    Finding { name, holds: true, detail, consequence: String::new() }
}

fn lacks(name: &'static str, detail: &str, consequence: &str) -> Finding {
    Finding { name, holds: false, detail: detail.to_owned(), consequence: consequence.to_owned() }
}
