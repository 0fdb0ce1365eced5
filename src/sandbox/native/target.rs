//! The program: the last steps between a fork and its execution, in the one order in which each still can be done.
#![expect(unsafe_code, reason = "signal dispositions and execve")]

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::io::FdFlags;
use rustix::process::{Resource, Rlimit};
use rustix::rand::GetRandomFlags;
use rustix::thread::UnshareFlags;

use super::launcher::{Given, exit_now};
use super::seccomp::{Filters, Subject};
use super::spec::{Caps, Create, Event, Fault, Start, Tried, Walls};
use super::{channel, ids, landlock, notify};

/// The stack of a process, in bytes. Unlimited stacks let one deep recursion take all memory.
const STACK_BYTES: u64 = 16 << 20;
/// Highest signal number, real-time signals included.
const SIGNALS_MAX: libc::c_int = 64;

/// Becomes the program, once `program` tells which; returns only by ending the process.
///
/// Nothing that it gets is dropped here: the memory may be its parent's, too. All descriptors are closed when a program is
/// executed.
pub(super) fn run(given: &Given, program: &OwnedFd) -> ! {
    let event = match become_program(&given.create, &given.control, program) {
        Err(fault) => Event::Failed(fault),
        Ok(Some(event)) => event,
        Ok(None) => exit_now(0),
    };
    let _ = channel::send(&given.control, &event, &[]);
    exit_now(127)
}

/// Everything that is given up is given up before it is known what will run. `None` when nothing will.
fn become_program(create: &Create, control: &OwnedFd, program: &OwnedFd) -> Result<Option<Event>, Fault> {
    let walls = create.walls();
    if walls == Walls::Namespaces {
        // After the control groups were entered: from inside, they are then the root.
        ids::unshare(UnshareFlags::NEWCGROUP, "make a cgroup namespace")?;
    }
    rustix::process::setsid().tried("start a session")?;
    allow_huge_pages();
    reset_signals();
    ids::settle(create.ids, walls, create.target())?;
    rustix::thread::set_no_new_privs(true).tried("give up new privileges")?;
    let landlock = walls == Walls::Landlock || landlock::restrict(create.net)?;
    let mark = mark(create.trace)?;
    let (listener, untraced) = apply_filters(create, mark)?;
    let fds: Vec<_> = listener.iter().map(AsFd::as_fd).collect();
    channel::send(control.as_fd(), &Event::Created { landlock, untraced }, &fds).tried("report to vetrun")?;
    // Vetrun has it now, and the program must not.
    drop(listener);
    let Some((mut start, streams)) = wait_for_start(program)? else { return Ok(None) };
    take_streams(streams)?;
    if let Some(grounds) = &create.grounds {
        // Not before it is known what is lent: nothing can be added to what Landlock allows.
        landlock::confine(create, grounds, &start.lent)?;
    }
    rustix::process::chdir(&start.cwd).tried_with(|| format!("enter {}", start.cwd))?;
    if start.waits {
        rustix::io::fcntl_setfd(program, FdFlags::empty()).tried("keep the socket")?;
        start.argv.push(program.as_raw_fd().to_string());
    }
    let candidates = Candidates::new(&start)?;
    // Last of all: until here more files may have been open than the program may have.
    set_limits(&create.caps, |_| true)?;
    let error = candidates.execute(mark.unwrap_or(0));
    Ok(Some(Event::NoProgram(Fault::new(format!("execute {}", start.argv.first().map_or("", |a| a)), error))))
}

/// Waits for what to execute, and its streams; `None` when it does not come.
fn wait_for_start(program: &OwnedFd) -> Result<Option<(Start, [OwnedFd; 3])>, Fault> {
    let Some(((), fds)) = channel::receive::<()>(program, true).tried("receive the job")? else { return Ok(None) };
    let [job, stdin, stdout, stderr] = <[OwnedFd; 4]>::try_from(fds)
        .map_err(|_| Fault { action: "receive the job".to_owned(), errno: libc::EBADMSG })?;
    let start = channel::unsealed(&job).tried("read the job")?;
    Ok(Some((start, [stdin, stdout, stderr])))
}

/// A number that nobody can guess, by which the telling filter knows the execution of the run's own program; `None` where
/// nothing is told. No trace of it is left once that program runs.
fn mark(trace: bool) -> Result<Option<u64>, Fault> {
    let mut bytes = [0; 8];
    if trace {
        rustix::rand::getrandom(&mut bytes, GetRandomFlags::empty()).tried("get a random number")?;
    }
    Ok(trace.then(|| u64::from_ne_bytes(bytes)))
}

/// Forbids what is refused. The listener, where the run is traced; what the kernel said, where it was to be and is not.
fn apply_filters(create: &Create, mark: Option<u64>) -> Result<(Option<OwnedFd>, Option<i32>), Fault> {
    let subject = Subject::of(create);
    let mut untraced = None;
    if mark.is_some() {
        let filters = Filters::telling(subject, mark)?;
        // First of all: the others forbid listeners.
        match filters.telling.as_ref().map(notify::listen) {
            Some(Ok(listener)) => return filters.apply().map(|()| (Some(listener), None)),
            Some(Err(error)) => untraced = error.raw_os_error(),
            None => {}
        }
    }
    Filters::silent(subject)?.apply()?;
    Ok((None, untraced))
}

/// A program may have huge pages, which its launcher did without; it would inherit that.
fn allow_huge_pages() {
    // SAFETY: this option of prctl takes plain numbers and touches no memory of ours. Kernels without huge pages refuse it.
    unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, 0, 0, 0, 0) };
}

/// Ignored signals stay ignored across an execution; this runtime ignores one, and vetrun's parent may ignore others.
pub(super) fn reset_signals() {
    for signal in 1..=SIGNALS_MAX {
        // SAFETY: the default disposition runs no code of ours; signals that cannot be changed are refused.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

pub(super) fn take_streams([stdin, stdout, stderr]: [OwnedFd; 3]) -> Result<(), Fault> {
    rustix::stdio::dup2_stdin(&stdin).tried("attach standard input")?;
    rustix::stdio::dup2_stdout(&stdout).tried("attach standard output")?;
    rustix::stdio::dup2_stderr(&stderr).tried("attach standard error")
}

/// Limits of each process. A limit is only ever lowered: raising one needs a right that even root may lack.
pub(super) fn limits(caps: &Caps) -> Vec<(Resource, u64)> {
    let mut limits = vec![
        (Resource::Nofile, caps.open_files),
        (Resource::Fsize, caps.file_bytes),
        (Resource::Core, 0),
        (Resource::Stack, STACK_BYTES),
        (Resource::Nproc, caps.pids),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
    ];
    limits.extend(caps.data_bytes.map(|bytes| (Resource::Data, bytes)));
    for (resource, limit) in &mut limits {
        *limit = rustix::process::getrlimit(*resource).maximum.map_or(*limit, |hard| hard.min(*limit));
    }
    limits
}

/// Sets those of these limits that are `wanted`.
pub(super) fn set_limits(caps: &Caps, wanted: impl Fn(Resource) -> bool) -> Result<(), Fault> {
    for (resource, limit) in limits(caps).into_iter().filter(|(resource, _)| wanted(*resource)) {
        let value = Some(limit);
        rustix::process::setrlimit(resource, Rlimit { current: value, maximum: value })
            .tried_with(|| format!("set the limit {resource:?}"))?;
    }
    Ok(())
}

/// The paths at which the program may be, in order, with what `execve` wants.
pub(super) struct Candidates {
    paths: Vec<CString>,
    args: Vec<CString>,
    env: Vec<CString>,
}

impl Candidates {
    /// Those of a command line.
    pub(super) fn new(start: &Start) -> Result<Self, Fault> {
        let name = start.argv.first().map_or("", |name| name);
        let paths: Vec<String> = if name.contains('/') {
            vec![name.to_owned()]
        } else {
            let search = start.env.get("PATH").map_or("", |path| path);
            search.split(':').filter(|dir| dir.starts_with('/')).map(|dir| format!("{dir}/{name}")).collect()
        };
        Ok(Self {
            paths: c_strings(paths)?,
            args: c_strings(start.argv.iter().cloned())?,
            env: c_strings(start.env.iter().map(|(key, value)| format!("{key}={value}")))?,
        })
    }

    /// Executes the first candidate that is there; returns why none could be. `mark` is for the filter alone.
    pub(super) fn execute(&self, mark: u64) -> std::io::Error {
        let (args, env) = (pointers(&self.args), pointers(&self.env));
        let mut told = std::io::Error::from_raw_os_error(libc::ENOENT);
        for path in &self.paths {
            // SAFETY: all strings end in a zero byte, both arrays end in a null pointer, and all outlive the call.
            // The kernel has no fourth argument and does not look at one.
            unsafe { libc::syscall(libc::SYS_execve, path.as_ptr(), args.as_ptr(), env.as_ptr(), mark) };
            let error = std::io::Error::last_os_error();
            if !matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR)) {
                told = error;
                break;
            }
        }
        told
    }
}

fn c_strings(strings: impl IntoIterator<Item = String>) -> Result<Vec<CString>, Fault> {
    let strings = strings.into_iter().map(CString::new).collect::<Result<Vec<_>, _>>();
    strings.map_err(|_| Fault { action: "pass an argument that holds a zero byte".to_owned(), errno: libc::EINVAL })
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|string| string.as_ptr()).chain(std::iter::once(std::ptr::null())).collect()
}
