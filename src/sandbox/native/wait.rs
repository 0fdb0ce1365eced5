//! Waiting for descriptors.

use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};

/// What became true of `fd` within this time: some of `events`, or that it has ended; nothing where nothing did.
pub(super) fn events_of(fd: impl AsFd, events: PollFlags, within: Duration) -> rustix::io::Result<PollFlags> {
    let mut fds = [PollFd::new(&fd, events)];
    rustix::io::retry_on_intr(|| rustix::event::poll(&mut fds, Some(&timespec(within))))?;
    Ok(fds[0].revents())
}

/// Waits until there is something to read, or the end of it.
pub(super) fn is_readable(fd: impl AsFd, within: Duration) -> bool {
    events_of(fd, PollFlags::IN, within).is_ok_and(|events| !events.is_empty())
}

/// A duration as the kernel takes it.
pub(super) fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX), tv_nsec: duration.subsec_nanos().into() }
}
