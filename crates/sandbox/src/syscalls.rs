//! The seccomp layer: which system calls a child may make.
//!
//! A list of what is denied rather than of what is allowed: connectors are written for any runtime, and a call unknown to us must
//! not break them. What is denied answers `EPERM`, as it would for lack of privilege.

use std::collections::BTreeMap;

use libc::{
    AF_INET, AF_INET6, AF_NETLINK, SOCK_DGRAM, SOCK_STREAM, SYS_acct, SYS_add_key, SYS_adjtimex, SYS_bpf, SYS_chroot,
    SYS_clock_adjtime, SYS_clock_settime, SYS_clone, SYS_clone3, SYS_delete_module, SYS_fanotify_init, SYS_finit_module,
    SYS_fsconfig, SYS_fsmount, SYS_fsopen, SYS_fspick, SYS_init_module, SYS_io_uring_enter, SYS_io_uring_register,
    SYS_io_uring_setup, SYS_ioctl, SYS_kcmp, SYS_kexec_file_load, SYS_kexec_load, SYS_keyctl, SYS_mount, SYS_mount_setattr,
    SYS_move_mount, SYS_name_to_handle_at, SYS_open_by_handle_at, SYS_open_tree, SYS_perf_event_open, SYS_personality,
    SYS_pidfd_getfd, SYS_pivot_root, SYS_process_madvise, SYS_process_vm_readv, SYS_process_vm_writev, SYS_ptrace,
    SYS_quotactl, SYS_reboot, SYS_request_key, SYS_setdomainname, SYS_sethostname, SYS_setns, SYS_setpgid, SYS_setsid,
    SYS_settimeofday, SYS_socket, SYS_swapoff, SYS_swapon, SYS_syslog, SYS_umount2, SYS_unshare, SYS_userfaultfd,
    SYS_vhangup, TIOCLINUX, TIOCSTI,
};
use seccompiler::SeccompCmpArgLen::Dword;
use seccompiler::SeccompCmpOp::{self, Eq, MaskedEq, Ne};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCondition, SeccompFilter, SeccompRule, TargetArch, apply_filter, sock_filter,
};

/// Denied whatever their arguments are: other processes' memory, mounts and namespaces, keys, the kernel itself, and the big
/// attack surfaces that no connector needs.
const DENIED: [i64; 49] = [
    SYS_acct,
    SYS_add_key,
    SYS_adjtimex,
    SYS_bpf,
    SYS_chroot,
    SYS_clock_adjtime,
    SYS_clock_settime,
    SYS_delete_module,
    SYS_fanotify_init,
    SYS_finit_module,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fsopen,
    SYS_fspick,
    SYS_init_module,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_io_uring_setup,
    SYS_kcmp,
    SYS_kexec_file_load,
    SYS_kexec_load,
    SYS_keyctl,
    SYS_mount,
    SYS_mount_setattr,
    SYS_move_mount,
    SYS_name_to_handle_at,
    SYS_open_by_handle_at,
    SYS_open_tree,
    SYS_perf_event_open,
    SYS_pidfd_getfd,
    SYS_pivot_root,
    SYS_process_madvise,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_ptrace,
    SYS_quotactl,
    SYS_reboot,
    SYS_request_key,
    SYS_setdomainname,
    SYS_sethostname,
    SYS_setns,
    SYS_settimeofday,
    SYS_swapoff,
    SYS_swapon,
    SYS_syslog,
    SYS_umount2,
    SYS_unshare,
    SYS_userfaultfd,
    SYS_vhangup,
];

/// Whether the kernel has system call filters.
pub(crate) fn available() -> bool {
    const SECCOMP_GET_ACTION_AVAIL: u32 = 2;
    let action: u32 = libc::SECCOMP_RET_ERRNO;
    // SAFETY: the kernel only reads the four bytes of `action`, which outlive the call (seccomp(2)).
    #[allow(unsafe_code)]
    let answer = unsafe { libc::syscall(libc::SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0_u32, &raw const action) };
    answer == 0
}

/// Filters the calling thread's system calls, and those of all it becomes.
///
/// `own_processes` says that the child is in a process namespace of its own. Where it is not, leaving the process group is denied
/// too, so that killing the group kills everything.
pub(crate) fn restrict(network: bool, own_processes: bool) -> Result<(), seccompiler::Error> {
    apply_filter(&denials(network, own_processes)?)?;
    apply_filter(&unknowns())
}

fn denials(network: bool, own_processes: bool) -> Result<BpfProgram, seccompiler::Error> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    rules.extend(DENIED.iter().map(|call| (*call, Vec::new())));
    if !own_processes {
        rules.extend([SYS_setsid, SYS_setpgid].map(|call| (call, Vec::new())));
    }
    rules.insert(SYS_socket, sockets(network)?);
    let namespaces = [libc::CLONE_NEWNS, libc::CLONE_NEWCGROUP, libc::CLONE_NEWUTS, libc::CLONE_NEWIPC];
    let namespaces = namespaces.into_iter().chain([libc::CLONE_NEWUSER, libc::CLONE_NEWPID, libc::CLONE_NEWNET]);
    let flags = namespaces.map(|flag| rule(&[(0, MaskedEq(flag as u64), flag as u64)])).collect::<Result<_, _>>()?;
    rules.insert(SYS_clone, flags);
    // Typing into a terminal that others read.
    rules.insert(SYS_ioctl, vec![rule(&[(1, Eq, TIOCSTI)])?, rule(&[(1, Eq, TIOCLINUX)])?]);
    // Anything but asking (0xffffffff) and the ordinary personality: old ones switch protections off.
    rules.insert(SYS_personality, vec![rule(&[(0, Ne, 0), (0, Ne, 0xffff_ffff)])?]);
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM as u32), arch)?;
    Ok(filter.try_into()?)
}

/// Which sockets are denied: everything but internet streams and datagrams and, for name look-ups, the routing table. So no Unix
/// sockets (a desktop's, a container engine's, the server's own); a socketpair is another call, and stays.
fn sockets(network: bool) -> Result<Vec<SeccompRule>, seccompiler::Error> {
    if !network {
        // No conditions: denied whatever the arguments.
        return Ok(Vec::new());
    }
    let [inet, inet6, netlink] = [AF_INET as u64, AF_INET6 as u64, AF_NETLINK as u64];
    const KIND: u64 = 0xf;
    let kind = |kind: i32| (1, MaskedEq(KIND), kind as u64);
    let mut rules = vec![
        rule(&[(0, Ne, inet), (0, Ne, inet6), (0, Ne, netlink)])?,
        rule(&[(0, Eq, netlink), (2, Ne, libc::NETLINK_ROUTE as u64)])?,
    ];
    let ordinary = [SOCK_STREAM, SOCK_DGRAM];
    for other in (0..=KIND as i32).filter(|other| !ordinary.contains(other)) {
        rules.push(rule(&[(0, Ne, netlink), kind(other)])?);
    }
    Ok(rules)
}

fn rule(conditions: &[(u8, SeccompCmpOp, u64)]) -> Result<SeccompRule, seccompiler::Error> {
    let conditions = conditions
        .iter()
        .map(|(argument, operator, value)| SeccompCondition::new(*argument, Dword, operator.clone(), *value));
    Ok(SeccompRule::new(conditions.collect::<Result<_, _>>()?)?)
}

/// Answers `ENOSYS` to the calls whose arguments a filter cannot read: `clone3` (runtimes then use `clone`), and every call made
/// by the second set of numbers that x86-64 has.
fn unknowns() -> BpfProgram {
    const LOAD: u16 = 0x20;
    const JUMP_IF_EQUAL: u16 = 0x15;
    #[cfg(target_arch = "x86_64")]
    const JUMP_IF_AT_LEAST: u16 = 0x35;
    const RETURN: u16 = 0x06;
    let step = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    vec![
        step(LOAD, 0, 0, 0),
        #[cfg(target_arch = "x86_64")]
        step(JUMP_IF_AT_LEAST, 1, 0, 0x4000_0000),
        step(JUMP_IF_EQUAL, 0, 1, SYS_clone3 as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}
