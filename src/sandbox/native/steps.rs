//! What an interpreter that was forked from a [`template`](super::template) does before it is told anything: the steps of
//! [`target`](super::target), as data.
//!
//! Only a process itself can enter namespaces, drop its rights and apply filters, and this one is an interpreter. So each step
//! is a system call that is written down here, once for all runs of a kind, and made there (`template.py`): a line with when it
//! is made, what it is for, the number of the call, and its arguments. An argument is a number, `=` and bytes that it points to,
//! `*` and a filter, or, the first, `$` and the place of a descriptor that comes along; bytes are hexadecimal. Before all lines
//! stand the numbers of what is done for the forks themselves.

use std::fmt::{self, Display, Formatter, Write as _};

use rustix::process::Resource;
use seccompiler::BpfProgram;

use super::seccomp::{Filters, Subject};
use super::spec::{Create, Fault, Tried};
use super::{ids, notify, process, target};

/// Namespaces that a run has, beside that of processes, which an interpreter is born into.
const NAMESPACES: libc::c_int =
    libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWNET | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
/// Which descriptor is the first process of the run, and which the Landlock rules, where there are any.
const FIRST: Argument = Argument::Descriptor(0);
const RULES: Argument = Argument::Descriptor(7);
/// The version of `capset` whose sets have 64 bits (`linux/capability.h`).
const CAPABILITY_VERSION: u32 = 0x2008_0522;

/// When a step is taken.
#[derive(Clone, Copy)]
enum When {
    Always,
    /// Where there are Landlock rules.
    Landlock,
    /// Where refused calls are told of: the first of these that the kernel knows, which makes the listener.
    Listen,
    /// Where there is a listener.
    Told,
    /// Where there is none.
    Untold,
}

impl When {
    fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Landlock => "landlock",
            Self::Listen => "listen",
            Self::Told => "told",
            Self::Untold => "untold",
        }
    }
}

/// What a system call is given.
enum Argument {
    Number(libc::c_long),
    Descriptor(usize),
    Bytes(Vec<u8>),
    Filter(Vec<u8>),
}

impl Display for Argument {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (mark, bytes) = match self {
            Self::Number(number) => return write!(f, "{number}"),
            Self::Descriptor(place) => return write!(f, "${place}"),
            Self::Bytes(bytes) => ('=', bytes),
            Self::Filter(bytes) => ('*', bytes),
        };
        f.write_char(mark)?;
        bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<N: Into<libc::c_long>> From<N> for Argument {
    fn from(number: N) -> Self {
        Self::Number(number.into())
    }
}

/// The steps of the interpreters of runs as `create` says, in the working directory `cwd`.
pub(super) fn of(create: &Create, cwd: &str) -> Result<String, Fault> {
    let mut steps = Steps::begin(create.trace)?;
    steps.rights(create.target())?;
    steps.add(When::Landlock, "restrict with Landlock", libc::SYS_landlock_restrict_self, [RULES, 0.into()]);
    let cwd = [cwd.as_bytes(), b"\0"].concat();
    steps.add(When::Always, "enter the working directory", libc::SYS_chdir, [Argument::Bytes(cwd)]);
    for (resource, limit) in target::limits(&create.caps) {
        steps.limit(resource, limit);
    }
    steps.filters(create)?;
    Ok(steps.0)
}

struct Steps(String);

impl Steps {
    fn begin(trace: bool) -> Result<Self, Fault> {
        let into_group = libc::c_long::try_from(process::CLONE_INTO_CGROUP).map_err(std::io::Error::other);
        let unlistened = if trace && !notify::has_known_shape() { libc::ENOTSUP } else { 0 };
        let numbers = [
            libc::SYS_setns,
            libc::CLONE_NEWPID.into(),
            libc::SYS_clone3,
            into_group.tried("start a process in a control group")?,
            libc::SIGCHLD.into(),
            unlistened.into(),
        ];
        let mut steps = Self(numbers.map(|number| number.to_string()).join("\t"));
        steps.0.push('\n');
        steps.add(When::Always, "enter the namespaces", libc::SYS_setns, [FIRST, NAMESPACES.into()]);
        // After the control groups were entered: from inside, they are then the root.
        steps.add(When::Always, "make a cgroup namespace", libc::SYS_unshare, [libc::CLONE_NEWCGROUP.into()]);
        steps.add(When::Always, "start a session", libc::SYS_setsid, []);
        steps.prctl("allow huge pages", [libc::PR_SET_THP_DISABLE.into(), 0, 0, 0, 0]);
        Ok(steps)
    }

    fn add<const N: usize>(&mut self, when: When, action: &str, number: libc::c_long, arguments: [Argument; N]) {
        const { assert!(N <= 6, "a system call has six arguments") };
        let _ = write!(self.0, "{}\t{action}\t{number}", when.name());
        for argument in arguments {
            let _ = write!(self.0, "\t{argument}");
        }
        self.0.push('\n');
    }

    fn prctl<const N: usize>(&mut self, action: &str, arguments: [libc::c_long; N]) {
        self.add(When::Always, action, libc::SYS_prctl, arguments.map(Argument::Number));
    }

    /// Becomes the user `id`, with no right that it could ever use. Whoever enters a user namespace has them all.
    fn rights(&mut self, id: u32) -> Result<(), Fault> {
        for capability in 0..ids::capability_count()? {
            self.prctl("drop the bounding set", [libc::PR_CAPBSET_DROP.into(), capability.into()]);
        }
        let id = || Argument::from(id);
        self.add(When::Always, "drop the groups", libc::SYS_setgroups, [0.into(), 0.into()]);
        self.add(When::Always, "change the group", libc::SYS_setresgid, [id(), id(), id()]);
        self.add(When::Always, "change the user", libc::SYS_setresuid, [id(), id(), id()]);
        let clear = libc::PR_CAP_AMBIENT_CLEAR_ALL.into();
        self.prctl("clear the ambient capabilities", [libc::PR_CAP_AMBIENT.into(), clear, 0, 0, 0]);
        let header = [CAPABILITY_VERSION.to_ne_bytes(), 0_u32.to_ne_bytes()].concat();
        let none = vec![0; 2 * 3 * size_of::<u32>()];
        let sets = [Argument::Bytes(header), Argument::Bytes(none)];
        self.add(When::Always, "drop the capabilities", libc::SYS_capset, sets);
        self.prctl("give up new privileges", [libc::PR_SET_NO_NEW_PRIVS.into(), 1, 0, 0, 0]);
        // As the execution of a program does: what `/proc` has of it belongs to it.
        self.prctl("open this process to itself", [libc::PR_SET_DUMPABLE.into(), 1, 0, 0, 0]);
        Ok(())
    }

    fn limit(&mut self, resource: Resource, limit: u64) {
        let action = format!("set the limit {resource:?}");
        let both = Argument::Bytes([limit.to_ne_bytes(); 2].concat());
        let resource = Argument::from(resource as u32);
        self.add(When::Always, &action, libc::SYS_prlimit64, [0.into(), resource, both, 0.into()]);
    }

    /// The last: they would refuse some of the others.
    fn filters(&mut self, create: &Create) -> Result<(), Fault> {
        let subject = Subject::of(create);
        if create.trace && notify::has_known_shape() {
            // It executes nothing that is not to be told of.
            let filters = Filters::telling(subject, None)?;
            if let Some(telling) = &filters.telling {
                for flags in notify::LISTENER_FLAGS {
                    self.filter(When::Listen, "watch refused calls", flags, telling)?;
                }
            }
            for filter in &filters.refusing {
                self.filter(When::Told, "refuse calls", 0, filter)?;
            }
        }
        for filter in &Filters::silent(subject)?.refusing {
            self.filter(When::Untold, "refuse calls", 0, filter)?;
        }
        Ok(())
    }

    fn filter(&mut self, when: When, action: &str, flags: libc::c_ulong, filter: &BpfProgram) -> Result<(), Fault> {
        let flags = libc::c_long::try_from(flags).map_err(std::io::Error::other).tried("apply a filter")?;
        let step = |step: &seccompiler::sock_filter| {
            let (code, k) = (step.code.to_ne_bytes(), step.k.to_ne_bytes());
            [code[0], code[1], step.jt, step.jf, k[0], k[1], k[2], k[3]]
        };
        let filter = Argument::Filter(filter.iter().flat_map(step).collect());
        let mode = Argument::from(libc::SECCOMP_SET_MODE_FILTER);
        self.add(when, action, libc::SYS_seccomp, [mode, Argument::Number(flags), filter]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::native::spec::{Caps, Entrances, Ids, Net, Part, View};

    fn create(trace: bool) -> Create {
        let caps = Caps {
            open_files: 100,
            file_bytes: 1 << 20,
            pids: 50,
            data_bytes: None,
            out_bytes: 1 << 20,
            out_files: 10,
            tmp_bytes: 1 << 20,
            shm_bytes: 1 << 20,
        };
        Create {
            ids: Ids::Root { base: 7 },
            grounds: None,
            view: View::default(),
            net: Net::None,
            caps,
            has_network: false,
            cgroups: Entrances::Files(0),
            trace,
            part: Part::Template,
        }
    }

    /// When each step is taken, and its call.
    fn steps(trace: bool) -> Vec<(String, i64)> {
        let text = of(&create(trace), "/work").unwrap();
        let lines = text.lines().skip(1).map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            assert!((3..=9).contains(&fields.len()), "{line}");
            (fields[0].to_owned(), fields[2].parse().unwrap())
        });
        lines.collect()
    }

    #[test]
    fn rights_are_given_up_in_the_order_in_which_each_still_can_be() {
        let steps = steps(true);
        let calls = [
            libc::SYS_setns,
            libc::SYS_unshare,
            libc::SYS_setresgid,
            libc::SYS_setresuid,
            libc::SYS_capset,
            libc::SYS_landlock_restrict_self,
            libc::SYS_prlimit64,
            libc::SYS_seccomp,
        ];
        let places = calls.map(|call| steps.iter().position(|(_, number)| *number == call).unwrap());
        assert!(places.is_sorted(), "{places:?}");
        let last = steps.iter().rposition(|(_, number)| *number != libc::SYS_seccomp).unwrap();
        assert!(last < places[7], "filters are the last: {steps:?}");
    }

    #[test]
    fn one_of_two_sets_of_filters_is_applied_whether_there_is_a_listener_or_not() {
        let count = |trace, when: &str| steps(trace).iter().filter(|(told, _)| told == when).count();
        assert_eq!(count(true, "listen"), 2);
        assert!(count(true, "told") > 0);
        assert_eq!(count(false, "listen") + count(false, "told"), 0);
        assert!(count(false, "untold") > 0);
        assert_eq!(count(true, "untold"), count(false, "untold"), "where the kernel has no listeners");
    }

    #[test]
    fn filters_and_limits_are_written_as_the_kernel_reads_them() {
        let text = of(&create(false), "/work").unwrap();
        let limit = format!("\t{}\t=", Resource::Nofile as u32);
        let line = text.lines().find(|line| line.contains(&limit)).unwrap();
        let bytes: String = [100_u64.to_ne_bytes(); 2].concat().iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(line.ends_with(&format!("{limit}{bytes}\t0")), "{line}");
        for line in text.lines().filter(|line| line.contains("\t*")) {
            let filter = line.split('*').nth(1).unwrap();
            assert_eq!(filter.len() % 16, 0, "whole instructions of eight bytes");
        }
    }
}
