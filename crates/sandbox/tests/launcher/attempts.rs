//! What a child tries. Each attempt prints one line: `ok` and what it got, or the error.

#![allow(clippy::print_stdout, unsafe_code)]

use std::io::{self, BufRead, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

use freehold_sandbox::{ChildSpec, Host, Kind, LayerMask, Limits, Strength};

/// Tries one thing. Panics on an attempt it does not know.
pub(crate) fn run(attempt: &str, args: &[String]) {
    let outcome = match attempt {
        "env" => Ok(environment()),
        "read" => std::fs::read(&args[0]).map(|content| content.len().to_string()),
        "list" => std::fs::read_dir(&args[0]).map(|entries| entries.count().to_string()),
        "write" => std::fs::write(&args[0], "written").map(|()| String::new()),
        "stat" => std::fs::metadata(&args[0]).map(|_| String::new()),
        "connect" => UnixStream::connect(&args[0]).map(|_| String::new()),
        "connect-abstract" => SocketAddr::from_abstract_name(&args[0])
            .and_then(|address| UnixStream::connect_addr(&address))
            .map(|_| String::new()),
        "listen" => UnixListener::bind(&args[0]).map(|_| String::new()),
        "socket" => socket(number(&args[0]), number(&args[1]), number(&args[2])),
        "socketpair" => UnixStream::pair().and_then(|(mut one, mut other)| {
            one.write_all(b"x")?;
            other.read_exact(&mut [0])?;
            Ok(String::new())
        }),
        "syscall" => system_call(args),
        "thread" => std::thread::Builder::new()
            .spawn(|| ())
            .and_then(|thread| thread.join().map_err(|_| io::Error::other("panicked")))
            .map(|()| String::new()),
        "signal" => answer(unsafe { libc::kill(number(&args[0]), number(&args[1])) }.into()),
        "descriptors" => descriptors(),
        "allocate" => allocate(number(&args[0]) as usize),
        "fill" => fill(&args[0], number(&args[1]) as usize),
        "fork-bomb" => fork_bomb(),
        "double-fork" => double_fork(args),
        "spin" => loop {
            std::hint::spin_loop();
        },
        "limits" => std::fs::read_to_string("/proc/self/limits"),
        "status" => std::fs::read_to_string("/proc/self/status"),
        "echo" => io::copy(&mut io::stdin(), &mut io::stdout()).map(|_| String::new()),
        "hold" => hold(),
        "serve" => serve(args),
        "harden" => freehold_sandbox::harden_self().and_then(|()| hardened()),
        "reexec" => reexec(args),
        other => panic!("no attempt is called {other}"),
    };
    match outcome {
        Ok(got) => println!("ok {got}"),
        Err(error) => println!("{error}"),
    }
}

fn number(text: &str) -> i32 {
    text.parse().expect("a number")
}

/// The environment the kernel was given, not one the runtime has added to.
fn environment() -> String {
    // It may not open /proc/self/environ outside a process namespace of its own; the C library has the same.
    #[allow(clippy::disallowed_methods)]
    let mut names: Vec<_> =
        std::env::vars_os().map(|(name, value)| format!("{}={}", name.to_string_lossy(), value.to_string_lossy())).collect();
    names.sort();
    names.join("\u{1f}")
}

fn answer(result: i64) -> io::Result<String> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result.to_string()) }
}

fn socket(domain: i32, kind: i32, protocol: i32) -> io::Result<String> {
    answer(unsafe { libc::socket(domain, kind, protocol) }.into())
}

/// A system call by number, with up to three numbers.
fn system_call(args: &[String]) -> io::Result<String> {
    let mut numbers = args.iter().map(|arg| arg.parse::<i64>().expect("a number")).chain([0; 4]);
    let mut next = || numbers.next().unwrap_or(0);
    let (call, one, two, three) = (next(), next(), next(), next());
    answer(unsafe { libc::syscall(call, one, two, three) })
}

fn descriptors() -> io::Result<String> {
    let open = (0..4096).filter(|fd| unsafe { libc::fcntl(*fd, libc::F_GETFD) } >= 0);
    Ok(open.map(|fd| fd.to_string()).collect::<Vec<_>>().join(","))
}

/// Touches that many mebibytes.
fn allocate(mebibytes: usize) -> io::Result<String> {
    let mut block = Vec::new();
    block.try_reserve_exact(mebibytes << 20).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    block.resize(mebibytes << 20, 1_u8);
    Ok(block.iter().step_by(4096).filter(|byte| **byte == 1).count().to_string())
}

/// Writes that many mebibytes to a file.
fn fill(path: &str, mebibytes: usize) -> io::Result<String> {
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    let mut file = std::fs::File::create(path)?;
    for _ in 0..mebibytes {
        file.write_all(&vec![0; 1 << 20])?;
    }
    Ok(String::new())
}

/// Forks until it cannot, says how often it could, and goes on in every process.
fn fork_bomb() -> io::Result<String> {
    let mut forked = 0;
    loop {
        match unsafe { libc::fork() } {
            0 => loop {
                // The children bomb too, in silence.
                if unsafe { libc::fork() } < 0 {
                    std::thread::yield_now();
                }
            },
            -1 if forked > 0 => {
                println!("ok {forked}");
                io::stdout().flush()?;
                hold()?;
            }
            -1 => return Err(io::Error::last_os_error()),
            _ => forked += 1,
        }
    }
}

/// Leaves a grandchild in another session behind; then holds, or ends.
fn double_fork(args: &[String]) -> io::Result<String> {
    if unsafe { libc::fork() } == 0 {
        unsafe { libc::setsid() };
        if unsafe { libc::fork() } == 0 {
            hold()?;
        }
        std::process::exit(0);
    }
    if args[1] == "hold" { hold() } else { Ok("ended".to_owned()) }
}

/// Whether this process can be looked into by others of its user, and how large a core dump it may leave.
fn hardened() -> io::Result<String> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("the limit is listed");
    let core: Vec<_> = core.split_whitespace().skip(4).take(2).collect();
    Ok(format!("dumpable={} core={}", unsafe { libc::prctl(libc::PR_GET_DUMPABLE) }, core.join("/")))
}

/// Starts itself again with one variable; the second time says what it was given.
fn reexec(args: &[String]) -> io::Result<String> {
    let given = environment();
    if given == "AGAIN=yes" {
        return Ok(format!("{given} {}", args.join(" ")));
    }
    Err(freehold_sandbox::reexec(&[("AGAIN".into(), "yes".into())]))
}

/// Is a server: starts a double fork under the layers given as numbers, says when it runs, and holds.
fn serve(args: &[String]) -> io::Result<String> {
    let flag = |text: &str| text == "1";
    let mask = LayerMask {
        own_uid: flag(&args[0][..1]),
        bubblewrap: flag(&args[0][1..]),
        landlock: args[1].parse().expect("a number"),
        seccomp: flag(&args[2]),
    };
    let spec = ChildSpec {
        program: std::env::current_exe()?,
        args: ["double-fork", &args[5], "hold"].map(Into::into).to_vec(),
        folder: args[3].clone().into(),
        env: Vec::new(),
        secret_env: Vec::new(),
        scratch: args[4].clone().into(),
        limits: Limits::default(),
        network: true,
        strength: Strength::Full,
        kind: Kind::Program,
        receives_secret: false,
    };
    freehold_sandbox::harden_self()?;
    let host = Host::probe("/proc/self/exe".into()).with_layers(mask);
    let child = freehold_sandbox::spawn(&host, spec).map_err(io::Error::other)?;
    let mut said = io::BufReader::new(child.stdout.as_ref().expect("not taken")).lines();
    for _ in 0..2 {
        said.next().expect("both processes speak")?;
    }
    println!("started");
    hold()
}

/// Lives until it is killed, with its standard input's end ignored.
fn hold() -> io::Result<String> {
    println!("holding");
    io::stdout().flush()?;
    loop {
        unsafe { libc::pause() };
    }
}
