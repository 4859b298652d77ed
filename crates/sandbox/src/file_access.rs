//! The Landlock layer: which files a child may open, whatever their modes say.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    Scope, path_beneath_rules,
};

use crate::visible::{ETC, PROC, SYSTEM};
use crate::wire::Plan;

/// The Landlock ABI of the running kernel, if it has any.
pub(crate) fn kernel_abi() -> Option<u8> {
    const LANDLOCK_CREATE_RULESET_VERSION: u32 = 1;
    // SAFETY: with this flag the kernel takes no attributes and only returns a number (landlock_create_ruleset(2)).
    #[allow(unsafe_code)]
    let version = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, LANDLOCK_CREATE_RULESET_VERSION)
    };
    u8::try_from(version).ok().filter(|version| *version > 0)
}

/// Confines the calling thread, and all it becomes, at the given ABI. Anything less than all of it is an error.
pub(crate) fn restrict(plan: &Plan, abi: u8) -> Result<(), RulesetError> {
    let bubblewrap = plan.bubblewrap.is_some();
    let abi = ABI::from(i32::from(abi));
    let read = AccessFs::from_read(abi);
    let mut ruleset =
        Ruleset::default().set_compatibility(CompatLevel::HardRequirement).handle_access(AccessFs::from_all(abi))?;
    if !Scope::from_all(abi).is_empty() {
        ruleset = ruleset.scope(Scope::from_all(abi))?;
    }
    if !plan.network && !AccessNet::from_all(abi).is_empty() {
        ruleset = ruleset.handle_access(AccessNet::from_all(abi))?;
    }
    // In its own process namespace /proc shows the child's processes alone; elsewhere it would show everybody's.
    let proc: &[&str] = if bubblewrap { &["/proc"] } else { &PROC };
    let read_only = SYSTEM.iter().chain(&ETC).chain(proc).map(Path::new);
    let read_only =
        read_only.chain(["/etc/passwd", "/etc/group", "/dev/zero", "/dev/random", "/dev/urandom"].map(Path::new));
    let read_only = read_only.chain(plan.visible.iter().map(|path| path.as_path())).chain([plan.folder.as_path()]);
    ruleset
        .create()?
        .add_rules(path_beneath_rules(read_only, read))?
        .add_rules(path_beneath_rules(["/dev/null"], AccessFs::ReadFile | AccessFs::WriteFile))?
        .add_rules(path_beneath_rules([&plan.scratch], AccessFs::from_all(abi)))?
        .restrict_self()?;
    Ok(())
}
