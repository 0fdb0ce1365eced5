//! The kernel's side of a trace: a filter that stops calls, the listener to it, and the memory of who made a call.
//!
//! The listener is a descriptor. Whoever holds it decides what a stopped call returns; when nobody does any more, stopped
//! calls return `ENOSYS`.
#![expect(unsafe_code, reason = "seccomp, its ioctls and process_vm_readv have no safe wrapper")]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use libc::{c_int, c_long, c_ulong};
use seccompiler::BpfProgram;

/// Bytes of a page, at least: what is read never crosses one in a single piece.
const PAGE_BYTES: u64 = 4096;
/// Wakes the other side up on the processor that the answer comes from (Linux 6.6).
const SYNC_WAKE_UP: c_ulong = 1;

/// The flags of a filter with a listener, the best first. From when a call was read until it is answered, nothing but a kill
/// interrupts it (Linux 5.19). Before that a signal that is handled may, and the kernel starts the call again.
pub(super) const LISTENER_FLAGS: [c_ulong; 2] = [
    libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
    libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
];

/// Applies a filter that stops calls, to this process and all it starts. The listener is closed when a program is executed.
///
/// # Errors
/// `EBUSY` where somebody listens to this process already, `EINVAL` before Linux 5.0.
pub(super) fn listen(filter: &BpfProgram) -> io::Result<OwnedFd> {
    if !has_known_shape() {
        return Err(io::Error::from_raw_os_error(libc::ENOTSUP));
    }
    let [patient, plain] = LISTENER_FLAGS;
    install(filter, patient).or_else(|_| install(filter, plain))
}

fn install(filter: &BpfProgram, flags: c_ulong) -> io::Result<OwnedFd> {
    let len = u16::try_from(filter.len()).map_err(|_| io::Error::from_raw_os_error(libc::E2BIG))?;
    // The kernel only reads it. Both types have the kernel's layout.
    let program = libc::sock_fprog { len, filter: filter.as_ptr().cast_mut().cast() };
    // SAFETY: `program` and the `len` instructions that it points to live through the call, which reads them.
    let fd = unsafe {
        libc::syscall(libc::SYS_seccomp, c_ulong::from(libc::SECCOMP_SET_MODE_FILTER), flags, &raw const program)
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    let fd = c_int::try_from(fd).map_err(|_| io::Error::from_raw_os_error(libc::EBADF))?;
    // SAFETY: the call has just made this descriptor, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Whether the kernel's notices have the size that is known here.
pub(super) fn has_known_shape() -> bool {
    let mut sizes = libc::seccomp_notif_sizes { seccomp_notif: 0, seccomp_notif_resp: 0, seccomp_data: 0 };
    // SAFETY: the call writes one `seccomp_notif_sizes`, which `sizes` is.
    let asked = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_NOTIF_SIZES, 0, &raw mut sizes) };
    asked == 0
        && usize::from(sizes.seccomp_notif) == size_of::<libc::seccomp_notif>()
        && usize::from(sizes.seccomp_notif_resp) == size_of::<libc::seccomp_notif_resp>()
}

/// A call that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Notice {
    id: u64,
    /// The thread that made it, as this process numbers it.
    pub(super) thread: i32,
    /// The number of the call.
    pub(super) number: c_long,
    /// Its arguments.
    pub(super) arguments: [u64; 6],
}

/// Hears of stopped calls and answers them.
#[derive(Debug)]
pub(super) struct Listener(OwnedFd);

impl Listener {
    /// A listener from its descriptor.
    pub(super) fn new(fd: OwnedFd) -> Self {
        // SAFETY: this ioctl takes a number. It makes answers quicker where it is known; elsewhere it is refused.
        unsafe { libc::ioctl(fd.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS, SYNC_WAKE_UP) };
        Self(fd)
    }

    /// The next call; `None` where the one that was there is gone. Does not wait once the descriptor is readable.
    pub(super) fn receive(&self) -> io::Result<Option<Notice>> {
        // SAFETY: all-zero bytes are a valid `seccomp_notif`, which is plain data; the kernel asks for just that.
        let mut notice: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        // SAFETY: this ioctl writes one `seccomp_notif`, whose size was compared with the kernel's.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut notice) };
        if result < 0 {
            let error = io::Error::last_os_error();
            return match error.raw_os_error() {
                Some(libc::ENOENT | libc::EINTR) => Ok(None),
                _ => Err(error),
            };
        }
        Ok(Some(Notice {
            id: notice.id,
            thread: notice.pid.cast_signed(),
            number: c_long::from(notice.data.nr),
            arguments: notice.data.args,
        }))
    }

    /// Lets the call fail with `errno`.
    pub(super) fn refuse(&self, notice: &Notice, errno: c_int) {
        self.answer(libc::seccomp_notif_resp { id: notice.id, val: 0, error: -errno, flags: 0 });
    }

    /// Lets the call go on. Never a decision about safety: what the arguments point to may be another thing by the time
    /// the kernel looks at it.
    pub(super) fn proceed(&self, notice: &Notice) {
        let flags = u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE).expect("the flag is in the low bits");
        self.answer(libc::seccomp_notif_resp { id: notice.id, val: 0, error: 0, flags });
    }

    /// Whoever is killed while it waits needs no answer any more; that is the one way in which this fails.
    fn answer(&self, mut answer: libc::seccomp_notif_resp) {
        // SAFETY: this ioctl reads one `seccomp_notif_resp`, whose size was compared with the kernel's.
        unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut answer) };
    }

    /// Whether the call still waits, so that what was read since really is of the thread that made it.
    pub(super) fn waits(&self, notice: &Notice) -> bool {
        // SAFETY: this ioctl reads one number.
        unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &raw const notice.id) == 0 }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Reads up to `bytes_max` bytes at `address` of the memory of `thread`, as many as are there; at most a page.
///
/// # Errors
/// `EFAULT` where nothing is there, `ESRCH` where the thread is gone, `EPERM` where this host forbids it.
pub(super) fn memory(thread: i32, address: u64, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0_u8; bytes_max.min(PAGE_BYTES as usize)];
    let to_page_end = usize::try_from(PAGE_BYTES - address % PAGE_BYTES).unwrap_or(usize::MAX);
    let first = buffer.len().min(to_page_end);
    let piece = |start: u64, len| libc::iovec { iov_base: start as *mut libc::c_void, iov_len: len };
    // What the kernel cannot read ends the transfer at the piece that holds it.
    let theirs = [piece(address, first), piece(address.wrapping_add(first as u64), buffer.len() - first)];
    let ours = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: `ours` is the whole of `buffer`, which lives through the call; `theirs` is memory of another process, which
    // the kernel checks.
    let read = unsafe { libc::process_vm_readv(thread, &raw const ours, 1, theirs.as_ptr(), 2, 0) };
    let read = usize::try_from(read).map_err(|_| io::Error::last_os_error())?;
    buffer.truncate(read);
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::native::seccomp::Filters;
    use crate::sandbox::native::seccomp::Subject;
    use crate::sandbox::native::spec::{Ids, Net, Walls};

    const SUBJECT: Subject =
        Subject { net: Net::None, sampled: false, walls: Walls::Namespaces, ids: Ids::Root { base: 7 } };

    /// Runs `steps` in a child, which may only make system calls, and returns what it exits with.
    fn in_a_child(steps: impl FnOnce() -> c_int) -> c_int {
        // SAFETY: the child makes system calls alone, and ends without returning.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            let code = steps();
            // SAFETY: this only ends the process.
            unsafe { libc::_exit(code) };
        }
        let mut status = 0;
        // SAFETY: the pointer is to a local variable of the right type.
        assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
        assert!(libc::WIFEXITED(status), "{status}");
        libc::WEXITSTATUS(status)
    }

    fn error_of(result: c_long) -> c_int {
        if result == 0 { 0 } else { io::Error::last_os_error().raw_os_error().unwrap_or(0) }
    }

    /// Each of these would succeed, or fail otherwise, if it went on.
    fn attempts() -> [c_int; 3] {
        let argv = [c"/bin/true".as_ptr(), std::ptr::null()];
        // SAFETY: texts end in a zero byte and arrays in a null pointer; all outlive the calls.
        unsafe {
            [
                error_of(libc::syscall(libc::SYS_unshare, libc::CLONE_NEWUSER)),
                error_of(libc::syscall(libc::SYS_chroot, c"/nonexistent".as_ptr())),
                error_of(libc::syscall(libc::SYS_execve, argv[0], argv.as_ptr(), std::ptr::null::<c_int>(), 1)),
            ]
        }
    }

    fn forbids_privileges() {
        // SAFETY: this option of prctl takes plain numbers.
        unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    }

    #[test]
    fn without_a_listener_nothing_goes_on() {
        let filters = Filters::telling(SUBJECT, Some(7)).unwrap();
        let telling = filters.telling.as_ref().unwrap();
        let code = in_a_child(|| {
            forbids_privileges();
            let Ok(listener) = listen(telling) else { return 100 };
            if filters.apply().is_err() {
                return 101;
            }
            drop(listener);
            // A new listener would undo the filter that has lost its own.
            let again = match listen(telling) {
                Ok(_) => return 102,
                Err(error) => error.raw_os_error().unwrap_or(0),
            };
            match (attempts(), again) {
                ([libc::ENOSYS, libc::ENOSYS, libc::ENOSYS], libc::EPERM) => 42,
                _ => 103,
            }
        });
        assert_eq!(code, 42);
    }

    #[test]
    fn the_mark_lets_one_program_through() {
        let filters = Filters::telling(SUBJECT, Some(7)).unwrap();
        let telling = filters.telling.as_ref().unwrap();
        let code = in_a_child(|| {
            forbids_privileges();
            let Ok(_listener) = listen(telling) else { return 100 };
            let argv = [c"/bin/true".as_ptr(), std::ptr::null()];
            // SAFETY: texts end in a zero byte and arrays in a null pointer; all outlive the call.
            unsafe { libc::syscall(libc::SYS_execve, argv[0], argv.as_ptr(), std::ptr::null::<c_int>(), 7) };
            101
        });
        assert_eq!(code, 0);
    }

    #[test]
    fn memory_is_read_as_far_as_it_goes() {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let text = b"some text".to_vec();
        let start = text.as_ptr() as u64;
        assert_eq!(memory(own, start, text.len()).unwrap(), text);
        assert_eq!(memory(own, start, 0).unwrap(), b"");
        let failed = |result: io::Result<Vec<u8>>| result.unwrap_err().raw_os_error();
        assert_eq!(failed(memory(own, 0, 10)), Some(libc::EFAULT));
        assert_eq!(failed(memory(own, u64::MAX - 3, 10)), Some(libc::EFAULT));
        assert_eq!(failed(memory(i32::MAX, start, 4)), Some(libc::ESRCH));
    }
}
