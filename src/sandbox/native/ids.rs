//! Users, groups and capabilities: how a process inside stops being somebody.
#![expect(unsafe_code, reason = "prctl and setgroups have no safe wrapper that takes what is needed here")]

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rustix::event::PollFlags;
use rustix::fs::{Mode, OFlags};
use rustix::process::Signal;
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::spec::{Fault, INIT_ID, Ids, TARGET_ID, Tried, Walls};
use super::wait::events_of;

/// Capabilities are numbered from 0; the kernel refuses the first that it does not know.
const CAPABILITIES_MAX: u32 = 64;

/// Asks to be killed when the parent dies, and makes sure that it has not died before.
///
/// The kernel forgets this whenever a process changes its user, so it is asked for again after that.
pub(super) fn die_with_parent() -> Result<(), Fault> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).tried("ask to die with the parent")
}

/// Fails when the process at the other end of `socket` is gone: it may have died before this one asked to die with it.
pub(super) fn check_parent(socket: impl AsFd) -> Result<(), Fault> {
    let events = events_of(socket, PollFlags::IN, Duration::ZERO).tried("look for the parent")?;
    if events.contains(PollFlags::HUP) {
        return Err(Fault { action: "find the parent".to_owned(), errno: libc::ESRCH });
    }
    Ok(())
}

/// Writes the id maps of the process `pid` (as the host numbers it), which has made itself a user namespace.
///
/// `proc` is the host's `/proc`, opened before the root folder was changed.
pub(super) fn write_maps(proc: BorrowedFd<'_>, pid: &str, ids: Ids) -> Result<(), Fault> {
    let (users, groups) = match ids {
        Ids::Root { base } => {
            debug_assert_eq!(INIT_ID, TARGET_ID + 1);
            (format!("{TARGET_ID} {base} 2\n"), format!("{TARGET_ID} {base} 2\n"))
        }
        Ids::User { uid, gid } => {
            write(proc, &format!("{pid}/setgroups"), "deny")?;
            (format!("{TARGET_ID} {uid} 1\n"), format!("{TARGET_ID} {gid} 1\n"))
        }
    };
    write(proc, &format!("{pid}/uid_map"), &users)?;
    write(proc, &format!("{pid}/gid_map"), &groups)
}

/// Writes an id map that shows the files of `from` as files of `to`, for a mount.
pub(super) fn write_file_map(proc: BorrowedFd<'_>, pid: &str, from: (u32, u32), to: (u32, u32)) -> Result<(), Fault> {
    write(proc, &format!("{pid}/uid_map"), &format!("{} {} 1\n", from.0, to.0))?;
    write(proc, &format!("{pid}/gid_map"), &format!("{} {} 1\n", from.1, to.1))
}

fn write(proc: BorrowedFd<'_>, path: &str, text: &str) -> Result<(), Fault> {
    let file = rustix::fs::openat(proc.as_fd(), path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
        .tried_with(|| format!("open /proc/{path}"))?;
    rustix::io::write(&file, text.as_bytes()).tried_with(|| format!("write /proc/{path}"))?;
    Ok(())
}

/// Becomes the user `id` of the present user namespace, for good: no groups, no capability, none to be had.
pub(super) fn settle(ids: Ids, walls: Walls, id: u32) -> Result<(), Fault> {
    let is_root = matches!(ids, Ids::Root { .. });
    // In namespaces the first process has done it for both. An ordinary user outside a user namespace has no right to do that,
    // and no capability to drop: without new privileges there will be none.
    if is_root && walls == Walls::Landlock {
        drop_bounding_set()?;
    }
    if is_root {
        become_user([id; 3])?;
    }
    drop_capabilities()?;
    die_with_parent()
}

/// Makes the launcher of a run without namespaces a stranger to the host and to the program, which it can still signal:
/// it acts as the program's user, and is another to whoever would signal it (`kill(2)`: the sender's real or effective user
/// must be the receiver's real or saved one). An ordinary user's launcher stays who it is.
pub(super) fn stand_apart(ids: Ids) -> Result<(), Fault> {
    if let Ids::Root { base } = ids {
        drop_bounding_set()?;
        become_user([base + 1, base, base + 1])?;
    }
    drop_capabilities()
}

/// Takes the real, the effective and the saved user and group from unused ids, and drops all groups.
fn become_user([real, effective, saved]: [u32; 3]) -> Result<(), Fault> {
    rustix::thread::set_thread_groups(&[]).tried("drop the groups")?;
    let [r, e, s] = [real, effective, saved].map(rustix::process::Gid::from_raw);
    rustix::thread::set_thread_res_gid(r, e, s).tried("change the group")?;
    let [r, e, s] = [real, effective, saved].map(rustix::process::Uid::from_raw);
    rustix::thread::set_thread_res_uid(r, e, s).tried("change the user")
}

fn drop_capabilities() -> Result<(), Fault> {
    rustix::thread::clear_ambient_capability_set().tried("clear the ambient capabilities")?;
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
        .tried("drop the capabilities")
}

/// Empties the set of capabilities that could ever be had again, for this process and all it starts. It goes first: it needs a
/// capability itself.
pub(super) fn drop_bounding_set() -> Result<(), Fault> {
    each_capability(libc::PR_CAPBSET_DROP, "drop the bounding set").map(drop)
}

/// How many capabilities the kernel knows.
pub(super) fn capability_count() -> Result<u32, Fault> {
    each_capability(libc::PR_CAPBSET_READ, "read the bounding set")
}

/// Does something with the bounding set for each capability that the kernel knows; how many these are.
fn each_capability(option: libc::c_int, action: &str) -> Result<u32, Fault> {
    for capability in 0..CAPABILITIES_MAX {
        // SAFETY: these options of prctl take plain numbers and touch no memory of ours.
        if unsafe { libc::prctl(option, libc::c_ulong::from(capability), 0, 0, 0) } >= 0 {
            continue;
        }
        let error = std::io::Error::last_os_error();
        if error.raw_os_error() == Some(libc::EINVAL) {
            return Ok(capability);
        }
        return Err(Fault::new(action, error));
    }
    Ok(CAPABILITIES_MAX)
}

/// Makes the namespaces named by `flags` and enters them; where there are several threads, this one alone does.
pub(super) fn unshare(flags: rustix::thread::UnshareFlags, action: &str) -> Result<(), Fault> {
    debug_assert!(!flags.contains(rustix::thread::UnshareFlags::FILES));
    // SAFETY: the one unsound flag, FILES, is never given.
    unsafe { rustix::thread::unshare_unsafe(flags) }.tried(action)
}
