//! How the processes of a run come to be.
#![expect(unsafe_code, reason = "fork, clone and clone3")]

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::mm::{MapFlags, ProtFlags};
use rustix::process::Pid;

/// The flag of `clone3` (`linux/sched.h`), for which the C library's names have too narrow a type.
pub(super) const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Bytes of the stack of a child that shares memory; what is not used takes no room.
const STACK_BYTES: usize = 2 << 20;
/// Bytes at its lower end that cannot be used.
const GUARD_BYTES: usize = 64 << 10;

/// Forks this process. The child; `None` in the child itself.
///
/// # Safety
/// This process has a single thread: then the child may do anything that this process may.
pub(super) unsafe fn fork() -> std::io::Result<Option<Pid>> {
    // SAFETY: as above.
    forked(unsafe { libc::fork() }.into())
}

/// The same, and the child begins its life in the control group (version 2) whose folder `group` is: nothing has to be moved,
/// for which the kernel would make all forks wait. Kernels before 5.7, and filters that cannot look into the arguments, refuse
/// it.
///
/// # Safety
/// As [`fork`].
pub(super) unsafe fn fork_into(group: BorrowedFd<'_>) -> std::io::Result<Option<Pid>> {
    // SAFETY: all-zero bytes are valid for these arguments, which are plain numbers.
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = CLONE_INTO_CGROUP;
    arguments.exit_signal = libc::SIGCHLD as u64;
    arguments.cgroup = group.as_raw_fd() as u64;
    // SAFETY: the arguments are valid for reads of the size that is given. No memory is shared, so the child is as one that
    // was forked.
    forked(unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<libc::clone_args>()) })
}

/// Starts a child that runs `main`, and ends with the code that it gives, in this process's own memory. This process stands
/// still until the child has executed a program or has ended, as with `vfork`. To copy the memory for that, and to give the copy
/// up again, would take as long as all that the child does in between. All else is the child's own: its descriptors, its
/// working directory, its ids, what it may not do.
///
/// # Safety
/// This process has a single thread, and `main` keeps nothing of it to itself: whatever the child moves out of `main`, or
/// leaves half done, is so here, too.
pub(super) unsafe fn stand_still_for<F: FnMut() -> i32>(mut main: F) -> std::io::Result<Pid> {
    extern "C" fn enter<F: FnMut() -> i32>(main: *mut libc::c_void) -> libc::c_int {
        // SAFETY: the parent gave its own `main`, and stands still in the call that gave it.
        unsafe { (*main.cast::<F>())() }
    }
    let stack = stack()?;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the stack is the child's alone, and `main` outlives the call, in which this process stays until the child needs
    // neither any more.
    let answer = unsafe { libc::clone(enter::<F>, stack, flags, (&raw mut main).cast()) };
    forked(answer.into())?.ok_or_else(|| std::io::ErrorKind::Other.into())
}

/// Starts a child in a user namespace of its own, in which it does nothing until it is killed, or ends with its process
/// namespace.
pub(super) fn idle_in_user_namespace() -> std::io::Result<Pid> {
    extern "C" fn idle(_: *mut libc::c_void) -> libc::c_int {
        // SAFETY: a plain call.
        unsafe { libc::pause() }
    }
    let flags = libc::CLONE_VM | libc::CLONE_NEWUSER | libc::SIGCHLD;
    let none = std::ptr::null_mut();
    // SAFETY: the stack is the child's alone, and the child uses no other memory.
    forked(unsafe { libc::clone(idle, stack()?, flags, none) }.into())?.ok_or_else(|| std::io::ErrorKind::Other.into())
}

/// The upper end of a stack for a child that shares memory. It is never given back: who calls this lives for one run.
fn stack() -> std::io::Result<*mut libc::c_void> {
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::STACK;
    // SAFETY: this makes new memory, at a place that the kernel chooses.
    let lower = unsafe {
        rustix::mm::mmap_anonymous(std::ptr::null_mut(), STACK_BYTES, ProtFlags::READ | ProtFlags::WRITE, flags)?
    };
    // SAFETY: the lowest page is part of what was just made, and nobody uses it yet. It catches who goes too deep.
    unsafe { rustix::mm::mprotect(lower, GUARD_BYTES, rustix::mm::MprotectFlags::empty())? };
    // SAFETY: this is the end of the same memory.
    Ok(unsafe { lower.byte_add(STACK_BYTES) })
}

fn forked(answer: libc::c_long) -> std::io::Result<Option<Pid>> {
    if answer < 0 {
        return Err(std::io::Error::last_os_error());
    }
    Ok(Pid::from_raw(i32::try_from(answer).map_err(std::io::Error::other)?))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::path::PathBuf;

    use rustix::process::WaitOptions;

    use super::*;
    use crate::sandbox::native::launcher::exit_now;

    /// A new control group of version 2, where this user may make one.
    fn group() -> Option<PathBuf> {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
        let line = mounts.lines().find(|line| line.contains(" - cgroup2 "))?;
        let folder = PathBuf::from(line.split(' ').nth(4)?).join(format!("vetrun-test-{}", std::process::id()));
        std::fs::create_dir(&folder).ok().map(|()| folder)
    }

    /// Runs a test in a process of a single thread; what it exits with.
    fn alone(test: impl FnOnce() -> i32) -> Option<i32> {
        // SAFETY: the child makes system calls alone, and ends without returning.
        let Some(child) = unsafe { fork() }.unwrap() else { exit_now(test()) };
        let (_, status) = rustix::process::waitpid(Some(child), WaitOptions::empty()).unwrap().unwrap();
        status.exit_status()
    }

    #[test]
    fn a_parent_stands_still_until_its_child_has_ended() {
        let code = alone(|| {
            let mut steps = 0;
            // SAFETY: this process has a single thread, and the child changes a number.
            let child = unsafe {
                stand_still_for(|| {
                    std::thread::sleep(std::time::Duration::from_millis(30));
                    steps = 7;
                    5
                })
            };
            // It gives the memory up before it can be waited for.
            let is_done = steps == 7;
            let ended = child.and_then(|child| Ok(rustix::process::waitpid(Some(child), WaitOptions::empty())?));
            match ended {
                Ok(Some((_, status))) if is_done => status.exit_status().unwrap_or(1),
                _ => 1,
            }
        });
        assert_eq!(code, Some(5));
    }

    #[test]
    fn an_idle_child_has_a_user_namespace() {
        let code = alone(|| {
            let Ok(child) = idle_in_user_namespace() else { return 1 };
            let of = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/user")).ok();
            let namespace = of(&child.as_raw_nonzero().to_string());
            let differs = namespace.is_some() && namespace != of("self");
            let killed = rustix::process::kill_process(child, rustix::process::Signal::KILL).is_ok();
            i32::from(!(differs && killed && rustix::process::waitpid(Some(child), WaitOptions::empty()).is_ok()))
        });
        assert_eq!(code, Some(0));
    }

    #[test]
    fn a_child_begins_in_its_control_group() {
        let Some(path) = group() else { return };
        let folder = std::fs::File::open(&path).unwrap();
        // SAFETY: the child makes system calls alone, and ends without returning.
        let child = unsafe { fork_into(folder.as_fd()) };
        if matches!(child, Ok(None)) {
            let file = rustix::fs::open("/proc/self/cgroup", rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty());
            let mut text = [0; 4096];
            let length = file.and_then(|file| rustix::io::read(file, &mut text)).unwrap_or(0);
            let name = path.file_name().unwrap().as_encoded_bytes();
            exit_now(i32::from(!text[..length].windows(name.len()).any(|part| part == name)));
        }
        let child = child.unwrap().unwrap();
        let (_, status) = rustix::process::waitpid(Some(child), WaitOptions::empty()).unwrap().unwrap();
        std::fs::remove_dir(&path).unwrap();
        assert_eq!(status.exit_status(), Some(0));
    }
}
