//! How the processes of a run are forked.
#![expect(unsafe_code, reason = "fork and clone3")]

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::process::Pid;

/// The flag of `clone3` (`linux/sched.h`), for which the C library's names have too narrow a type.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

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
