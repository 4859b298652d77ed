//! What a child cannot get at, and what it must still be able to do.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use freehold_sandbox::{LayerMask, spawn};

use crate::support::{Place, finish, host, line, stacks};

/// Something denied, whatever the words: no permission, or not even there.
fn assert_denied(said: &str, what: &str) {
    let denials = ["(os error 13)", "(os error 1)", "(os error 2)", "(os error 3)", "(os error 30)"];
    assert!(denials.iter().any(|denial| said.ends_with(denial)), "{what}: {said}");
}

#[test]
fn other_files_are_out_of_reach() {
    let place = Place::new();
    let (open, shut) = (place.file("other/open", true), place.file("other/shut", false));
    let server = std::process::id();
    for (name, mask) in stacks() {
        let try_it = |attempt: &str, path: &str| {
            assert_denied(&place.attempt(mask, attempt, &[path]), &format!("{name}: {attempt} {path}"))
        };
        if mask.bubblewrap || mask.landlock > 0 {
            try_it("read", open.to_str().unwrap());
            try_it("list", place.path("other").to_str().unwrap());
        }
        try_it("read", shut.to_str().unwrap());
        try_it("write", open.to_str().unwrap());
        try_it("list", "/root");
        try_it("read", "/etc/shadow");
        try_it("read", &format!("/proc/{server}/environ"));
        try_it("read", &format!("/proc/{server}/mem"));
        try_it("list", &format!("/proc/{server}/fd"));
    }
}

#[test]
fn what_names_and_certificates_are_found_by_can_be_read() {
    let place = Place::new();
    for (name, mask) in stacks() {
        let certificates = std::fs::read_dir("/etc/ssl/certs").unwrap().count();
        assert_eq!(place.attempt(mask, "list", &["/etc/ssl/certs"]), format!("ok {certificates}"), "{name}");
        for path in ["/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/passwd"] {
            assert!(place.attempt(mask, "read", &[path]).starts_with("ok "), "{name}: {path}");
        }
    }
}

#[test]
fn only_the_scratch_directory_can_be_written() {
    let place = Place::new();
    for (name, mask) in stacks() {
        let folder = place.path("folder/new");
        assert_denied(&place.attempt(mask, "write", &[folder.to_str().unwrap()]), name);
        assert_denied(&place.attempt(mask, "write", &["/usr/new"]), name);
        if mask.bubblewrap || mask.landlock > 0 {
            assert_denied(&place.attempt(mask, "write", &["/tmp/new"]), name);
            assert_denied(&place.attempt(mask, "write", &["/dev/shm/new"]), name);
        }
        let mut spec = place.spec("write", &[]);
        let file = spec.scratch.join("tmp/new");
        spec.args.push(file.clone().into());
        assert_eq!(finish(spawn(&host(mask), spec).unwrap()), "ok", "{name}");
        assert_eq!(std::fs::read(&file).unwrap(), b"written", "{name}");
    }
}

#[test]
fn unix_sockets_are_out_of_reach() {
    let place = Place::new();
    let path = place.path("other/socket");
    let _listener = UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let abstract_name = format!("freehold-sandbox-test-{}", std::process::id());
    let _abstract = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&abstract_name).unwrap()).unwrap();
    for (name, mask) in stacks().chain([("seccomp alone", LayerMask { seccomp: true, ..LayerMask::NONE })]) {
        if mask.seccomp || mask.bubblewrap {
            assert_denied(&place.attempt(mask, "connect", &[path.to_str().unwrap()]), name);
        }
        if mask.seccomp {
            assert_denied(&place.attempt(mask, "connect-abstract", &[&abstract_name]), name);
        }
        assert_eq!(place.attempt(mask, "socketpair", &[]), "ok", "{name}");
    }
    let landlock = LayerMask { landlock: u8::MAX, ..LayerMask::NONE };
    if spawn(&host(landlock), place.spec("echo", &[])).unwrap().layers().landlock >= Some(6) {
        assert_denied(&place.attempt(landlock, "connect-abstract", &[&abstract_name]), "Landlock alone");
    }
    // The control: with nothing in the way both can be reached, so that the denials above mean something.
    assert_eq!(place.attempt(LayerMask::NONE, "connect", &[path.to_str().unwrap()]), "ok");
    assert_eq!(place.attempt(LayerMask::NONE, "connect-abstract", &[&abstract_name]), "ok");
}

#[test]
fn only_internet_sockets_can_be_opened() {
    let place = Place::new();
    let mask = LayerMask { seccomp: true, ..LayerMask::NONE };
    for (name, mask) in [("seccomp alone", mask), ("everything", LayerMask::ALL)] {
        let socket = |domain: i32, kind: i32, protocol: i32| {
            place.attempt(mask, "socket", &[&domain.to_string(), &kind.to_string(), &protocol.to_string()])
        };
        let denied = [
            (libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP),
            (libc::AF_INET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::IPPROTO_TCP),
            (libc::AF_INET6, libc::SOCK_RAW, libc::IPPROTO_ICMPV6),
            (libc::AF_INET, libc::SOCK_SEQPACKET, 0),
            (libc::AF_PACKET, libc::SOCK_RAW, 0x300),
            (libc::AF_PACKET, libc::SOCK_DGRAM, 0x300),
            (libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_AUDIT),
            (libc::AF_UNIX, libc::SOCK_STREAM, 0),
            (libc::AF_VSOCK, libc::SOCK_STREAM, 0),
            (libc::AF_ALG, libc::SOCK_SEQPACKET, 0),
        ];
        for (domain, kind, protocol) in denied {
            let said = socket(domain, kind, protocol);
            assert!(said.ends_with("(os error 1)"), "{name}: {domain} {kind} {protocol}: {said}");
        }
        for (domain, kind) in [(libc::AF_INET, libc::SOCK_STREAM), (libc::AF_INET6, libc::SOCK_DGRAM | libc::SOCK_NONBLOCK)]
        {
            assert!(socket(domain, kind, 0).starts_with("ok"), "{name}: {domain} {kind}");
        }
        assert!(socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE).starts_with("ok"), "{name}");
    }
}

#[test]
fn without_network_there_is_no_socket() {
    let place = Place::new();
    for (name, mask) in [("seccomp alone", LayerMask { seccomp: true, ..LayerMask::NONE }), ("everything", LayerMask::ALL)] {
        let mut spec = place.spec("socket", &["2", "1", "0"]);
        spec.network = false;
        assert_denied(&finish(spawn(&host(mask), spec).unwrap()), name);
    }
    // bubblewrap by itself leaves sockets, but no interface with a way out.
    let mut spec = place.spec("read", &["/proc/net/dev"]);
    (spec.network, spec.program) = (false, "grep".into());
    spec.args = ["-c", ":", "/proc/net/dev"].map(Into::into).to_vec();
    let bubblewrap = LayerMask { bubblewrap: true, ..LayerMask::NONE };
    assert_eq!(finish(spawn(&host(bubblewrap), spec).unwrap()), "1", "the loopback interface alone");
}

#[test]
fn dangerous_system_calls_are_denied() {
    let place = Place::new();
    let server = i64::from(std::process::id());
    let calls = [
        ("ptrace seize", libc::SYS_ptrace, [0x4206, server, 0]),
        ("ptrace traceme", libc::SYS_ptrace, [0, 0, 0]),
        ("process_vm_readv", libc::SYS_process_vm_readv, [server, 0, 0]),
        ("pidfd_getfd", libc::SYS_pidfd_getfd, [0, 0, 0]),
        ("unshare user", libc::SYS_unshare, [0x1000_0000, 0, 0]),
        ("clone user", libc::SYS_clone, [0x1000_0000 | 17, 0, 0]),
        ("clone network", libc::SYS_clone, [0x4000_0000 | 17, 0, 0]),
        ("setns", libc::SYS_setns, [0, 0, 0]),
        ("mount", libc::SYS_mount, [0, 0, 0]),
        ("keyctl", libc::SYS_keyctl, [0, -3, 0]),
        ("bpf", libc::SYS_bpf, [0, 0, 0]),
        ("perf_event_open", libc::SYS_perf_event_open, [0, 0, 0]),
        ("userfaultfd", libc::SYS_userfaultfd, [1, 0, 0]),
        ("io_uring_setup", libc::SYS_io_uring_setup, [1, 0, 0]),
        ("kexec_load", libc::SYS_kexec_load, [0, 0, 0]),
        ("init_module", libc::SYS_init_module, [0, 0, 0]),
        ("TIOCSTI", libc::SYS_ioctl, [0, 0x5412, 0]),
        ("personality", libc::SYS_personality, [0x0040_0000, 0, 0]),
    ];
    for (name, mask) in [("seccomp alone", LayerMask { seccomp: true, ..LayerMask::NONE }), ("everything", LayerMask::ALL)] {
        for (what, call, arguments) in calls {
            let arguments: Vec<_> = [call].iter().chain(&arguments).map(i64::to_string).collect();
            let said = place.attempt(mask, "syscall", &arguments.iter().map(String::as_str).collect::<Vec<_>>());
            assert!(said.ends_with("(os error 1)"), "{name}: {what}: {said}");
        }
        let clone3 = place.attempt(mask, "syscall", &[&libc::SYS_clone3.to_string()]);
        assert!(clone3.ends_with("(os error 38)"), "{name}: {clone3}");
        #[cfg(target_arch = "x86_64")]
        {
            let second_numbers = place.attempt(mask, "syscall", &[&(0x4000_0000_i64 + 521).to_string()]);
            assert!(second_numbers.ends_with("(os error 38)"), "{name}: {second_numbers}");
        }
        assert_eq!(place.attempt(mask, "thread", &[]), "ok", "{name}");
    }
}

#[test]
fn the_server_cannot_be_signalled() {
    let place = Place::new();
    let server = std::process::id().to_string();
    for (name, mask) in stacks().filter(|(_, mask)| mask.own_uid || mask.bubblewrap || mask.landlock >= 6) {
        assert_denied(&place.attempt(mask, "signal", &[&server, "0"]), name);
    }
}

#[test]
fn without_its_own_processes_a_child_cannot_leave_its_group() {
    let place = Place::new();
    for (name, mask) in stacks().filter(|(_, mask)| mask.seccomp) {
        let mut spec = place.spec("", &[]);
        (spec.program, spec.args) = ("setsid".into(), ["--fork", "--wait", "echo", "left"].map(Into::into).to_vec());
        let mut child = spawn(&host(mask), spec).unwrap();
        assert_eq!(line(&mut child) == "left", mask.bubblewrap, "{name}");
    }
}

#[test]
fn no_privilege_is_left() {
    let place = Place::new();
    let said = place.attempt(LayerMask::ALL, "status", &[]);
    let field =
        |name: &str| said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap().trim().to_owned();
    for capabilities in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(field(capabilities), "0000000000000000", "{capabilities}");
    }
    assert_eq!((field("NoNewPrivs"), field("Seccomp")), ("1".to_owned(), "2".to_owned()));
    assert!(!field("Uid").split_whitespace().any(|uid| uid == "0"), "{said}");
    if rustix::process::geteuid().is_root() {
        assert_eq!(field("Groups"), "");
    }
}
