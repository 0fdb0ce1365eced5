//! System call filters: the list of `seccomp_rules` compiled for the kernel.
//!
//! A refused call gets its error number in one of two ways. Where nobody watches, the filter itself answers. Where a run is
//! traced, one filter, the telling one, stops the call and lets the listener answer with the same number: what is allowed
//! passes as before, at the same price. Without a listener the kernel answers such a call with `ENOSYS`, so it stays
//! refused whatever becomes of vetrun.
//!
//! What no listener may ever decide is answered by filters of the first kind in both cases, whose answer goes before:
//! the other numbering of calls, and listeners of the program's own. A program that had one could let calls go on that
//! the telling filter stopped, once ours were gone.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use seccompiler::{BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

use super::seccomp_confined;
use super::seccomp_rules::{
    CLONE_FLAGS_REFUSED, Call, FAMILIES, FAMILIES_WITH_NETWORK, IOCTLS_REFUSED, PERSONALITIES, PROTOCOLS, REFUSED,
    REFUSED_HERE, REFUSED_WHERE_SAMPLED, Refusal, UNTOLD,
};
use super::seccomp_tree::{compile, fault};
use super::spec::{Create, Fault, Ids, Net, Walls};

pub(super) type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// The instruction that ends a filter with an answer.
pub(super) const RETURN: u16 = 0x06;

/// What the filters of a run depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject {
    /// What can be reached.
    pub(super) net: Net,
    /// Whether no control group counts the memory of the run.
    pub(super) sampled: bool,
    /// What else keeps the program in.
    pub(super) walls: Walls,
    /// Whose user the program has.
    pub(super) ids: Ids,
}

impl Subject {
    /// That of a run.
    pub(super) fn of(create: &Create) -> Self {
        Self { net: create.net, sampled: create.caps.data_bytes.is_some(), walls: create.walls(), ids: create.ids }
    }
}

/// The filters of a run; the kernel asks each, and the strictest answer holds.
#[derive(Debug)]
pub(super) struct Filters {
    /// Stops what it tells of.
    pub(super) telling: Option<BpfProgram>,
    /// Answer by themselves.
    pub(super) refusing: Vec<BpfProgram>,
}

impl Filters {
    /// Filters that answer every refused call by themselves.
    pub(super) fn silent(subject: Subject) -> Result<Self, Fault> {
        let of = |refusal| whole(subject.sampled, move |call| call.refusal == refusal);
        let mut refused = of(Refusal::Eperm);
        refused.extend(conditional(subject).and_then(|rules| Ok(with(rules, listeners()?))).map_err(fault)?);
        let mut refusing = unwatched(subject)?;
        refusing.push(compile([(refused, Refusal::Eperm.into()), (of(Refusal::Enosys), Refusal::Enosys.into())])?);
        Ok(Self { telling: None, refusing })
    }

    /// The same with a telling filter, which also stops what is only to be told: programs that are executed (but with
    /// a `mark` as a fourth argument, which `execve` does not have: the run's own, where it is executed), and, beside an own
    /// network, connections and packets of messages.
    pub(super) fn telling(subject: Subject, mark: Option<u64>) -> Result<Self, Fault> {
        let told = |call: &Call| !UNTOLD.contains(&call.number);
        let rules = with(whole(subject.sampled, told), conditional(subject).map_err(fault)?);
        let rules = with(rules, passing(subject, mark).map_err(fault)?);
        // Compiled as one that writes a log, which no other part of it does, and then made to stop.
        let mut telling = compile([(rules, SeccompAction::Log)])?;
        for step in &mut telling {
            if step.code == RETURN && step.k == libc::SECCOMP_RET_LOG {
                step.k = libc::SECCOMP_RET_USER_NOTIF;
            }
        }
        let untold = UNTOLD.iter().map(|number| (*number, Vec::new())).collect();
        let mut silent = listeners().map_err(fault)?;
        if subject.net == Net::None {
            silent = with(silent, routes().map_err(fault)?);
        }
        let mut refusing = unwatched(subject)?;
        refusing.push(compile([(silent, Refusal::Eperm.into()), (untold, Refusal::Enosys.into())])?);
        Ok(Self { telling: Some(telling), refusing })
    }

    /// Applies the filters that answer by themselves to this process and all it starts. `no_new_privs` is set before.
    pub(super) fn apply(&self) -> Result<(), Fault> {
        self.refusing.iter().try_for_each(|filter| seccompiler::apply_filter(filter)).map_err(fault)
    }
}

/// Filters that answer by themselves, whether the run is traced or not.
fn unwatched(subject: Subject) -> Result<Vec<BpfProgram>, Fault> {
    let mut filters: Vec<BpfProgram> = other_numbering().into_iter().collect();
    if subject.walls == Walls::Landlock {
        let refused = seccomp_confined::refused(subject.net).map_err(fault)?;
        let mut parts = vec![(refused, Refusal::Eperm.into()), (seccomp_confined::absent(), Refusal::Enosys.into())];
        if matches!(subject.ids, Ids::User { .. }) {
            parts.push((seccomp_confined::without_effect(), SeccompAction::Errno(0)));
        }
        filters.push(compile(parts)?);
    }
    Ok(filters)
}

impl From<Refusal> for SeccompAction {
    fn from(refusal: Refusal) -> Self {
        Self::Errno(refusal.errno().unsigned_abs())
    }
}

/// Both sets of rules; a call that is in both matches by either. Without conditions a call always matches.
fn with(mut rules: Rules, more: Rules) -> Rules {
    for (call, conditions) in more {
        match rules.entry(call) {
            Entry::Vacant(entry) => {
                entry.insert(conditions);
            }
            Entry::Occupied(mut entry) if conditions.is_empty() || entry.get().is_empty() => entry.get_mut().clear(),
            Entry::Occupied(mut entry) => entry.get_mut().extend(conditions),
        }
    }
    rules
}

/// Calls that are refused whatever their arguments, of those that `wanted` names.
fn whole(sampled: bool, wanted: impl Fn(&Call) -> bool) -> Rules {
    let where_sampled = if sampled { REFUSED_WHERE_SAMPLED } else { &[] };
    let calls = REFUSED.iter().chain(REFUSED_HERE).chain(where_sampled);
    calls.filter(|call| wanted(call)).map(|call| (call.number, Vec::new())).collect()
}

/// Calls that are refused for some of their arguments.
fn conditional(subject: Subject) -> Result<Rules, seccompiler::BackendError> {
    let families = if subject.net == Net::None { FAMILIES } else { FAMILIES_WITH_NETWORK };
    let families: Vec<u64> = families.iter().map(|family| u64::from(family.unsigned_abs())).collect();
    let mut clone = Vec::new();
    for flag in CLONE_FLAGS_REFUSED {
        let flag = u64::from(flag.cast_unsigned());
        clone.push(rule([condition(0, SeccompCmpOp::MaskedEq(flag), flag)?])?);
    }
    let mut ioctl = Vec::new();
    for request in IOCTLS_REFUSED {
        ioctl.push(rule([condition(1, SeccompCmpOp::Eq, *request)?])?);
    }
    let netlink = u64::from(libc::AF_NETLINK.unsigned_abs());
    let sockets = vec![
        none_of(0, &families)?,
        none_of(2, PROTOCOLS)?,
        rule([condition(0, SeccompCmpOp::Eq, netlink)?, condition(2, SeccompCmpOp::Ne, 0)?])?,
    ];
    let rules = Rules::from([
        (libc::SYS_clone, clone),
        (libc::SYS_ioctl, ioctl),
        (libc::SYS_personality, vec![none_of(0, PERSONALITIES)?]),
        (libc::SYS_socket, sockets),
        (libc::SYS_socketpair, vec![none_of(0, &families)?]),
    ]);
    match subject.walls {
        Walls::Namespaces => Ok(rules),
        Walls::Landlock => Ok(with(rules, seccomp_confined::sockets(subject.net)?)),
    }
}

/// A filter of the program's own that would have a listener.
fn listeners() -> Result<Rules, seccompiler::BackendError> {
    let flag = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    Ok(Rules::from([(libc::SYS_seccomp, vec![rule([condition(1, SeccompCmpOp::MaskedEq(flag), flag)?])?])]))
}

/// The socket by which the C library asks for the host's addresses before it resolves a name; it goes on without them.
fn routes() -> Result<Rules, seccompiler::BackendError> {
    let netlink = u64::from(libc::AF_NETLINK.unsigned_abs());
    let socket = rule([condition(0, SeccompCmpOp::Eq, netlink)?, condition(2, SeccompCmpOp::Eq, 0)?])?;
    Ok(Rules::from([(libc::SYS_socket, vec![socket])]))
}

/// What is stopped to be told of, and goes on.
fn passing(subject: Subject, mark: Option<u64>) -> Result<Rules, seccompiler::BackendError> {
    let unmarked = |mark| rule([SeccompCondition::new(3, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, mark)?]);
    let others = mark.map(unmarked).transpose()?.into_iter().collect();
    let mut rules = Rules::from([(libc::SYS_execve, others), (libc::SYS_execveat, Vec::new())]);
    // Without namespaces there is no socket to connect.
    if subject.net != Net::Full && subject.walls == Walls::Namespaces {
        rules.extend([(libc::SYS_connect, Vec::new()), (libc::SYS_sendmmsg, Vec::new())]);
    }
    Ok(rules)
}

/// Matches when an argument is none of `values`.
pub(super) fn none_of(argument: u8, values: &[u64]) -> Result<SeccompRule, seccompiler::BackendError> {
    rule(values.iter().map(|value| condition(argument, SeccompCmpOp::Ne, *value)).collect::<Result<Vec<_>, _>>()?)
}

pub(super) fn rule(conditions: impl Into<Vec<SeccompCondition>>) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(conditions.into())
}

/// All arguments that are looked at are 32 bits wide in the kernel; whatever stands in the upper half is ignored there,
/// and so it is here.
pub(super) fn condition(
    argument: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}

/// Refuses the second numbering of calls that x86-64 kernels may have (x32), which the other filters would not know.
#[cfg(target_arch = "x86_64")]
fn other_numbering() -> Option<BpfProgram> {
    use super::seccomp_tree::{JUMP_IF_AT_LEAST, LOAD_WORD, step};
    const X32_BIT: u32 = 0x4000_0000;
    let refuse = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
    Some(vec![
        step(LOAD_WORD, 0, 0, 0),
        step(JUMP_IF_AT_LEAST, 0, 1, X32_BIT),
        step(RETURN, 0, 0, refuse),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ])
}

#[cfg(not(target_arch = "x86_64"))]
fn other_numbering() -> Option<BpfProgram> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::native::seccomp_rules::REFUSED_BY_ARGUMENT;

    const ROOT: Ids = Ids::Root { base: 7 };
    const USER: Ids = Ids::User { uid: 7, gid: 7 };

    fn subject(net: Net) -> Subject {
        Subject { net, sampled: true, walls: Walls::Namespaces, ids: ROOT }
    }

    #[test]
    fn filters_compile_for_every_subject() {
        for net in [Net::None, Net::Gateway, Net::Full] {
            for (walls, ids) in [(Walls::Namespaces, ROOT), (Walls::Landlock, ROOT), (Walls::Landlock, USER)] {
                for sampled in [false, true] {
                    let subject = Subject { net, sampled, walls, ids };
                    for filters in [Filters::silent(subject), Filters::telling(subject, Some(7))] {
                        let Filters { telling, refusing } = filters.unwrap();
                        assert!(refusing.iter().chain(&telling).all(|filter| filter.len() > 3), "{subject:?}");
                    }
                }
            }
        }
    }

    /// Every way out of a filter.
    fn answers(filter: &BpfProgram) -> Vec<u32> {
        let mut answers: Vec<u32> = filter.iter().filter(|step| step.code == RETURN).map(|step| step.k).collect();
        answers.sort_unstable();
        answers.dedup();
        answers
    }

    #[test]
    fn the_telling_filter_stops_and_never_logs() {
        let filters = Filters::telling(subject(Net::None), Some(7)).unwrap();
        let telling = answers(&filters.telling.unwrap());
        assert!(telling.contains(&libc::SECCOMP_RET_USER_NOTIF) && !telling.contains(&libc::SECCOMP_RET_LOG));
        for filter in filters.refusing.iter().chain(&Filters::silent(subject(Net::None)).unwrap().refusing) {
            assert!(!answers(filter).contains(&libc::SECCOMP_RET_USER_NOTIF));
        }
    }

    #[test]
    fn what_is_let_go_on_is_never_refused() {
        let refused: Vec<i64> =
            whole(true, |_| true).into_keys().chain(conditional(subject(Net::None)).unwrap().into_keys()).collect();
        for call in passing(subject(Net::None), Some(7)).unwrap().keys() {
            assert!(!refused.contains(call), "{call}");
        }
    }

    #[test]
    fn no_call_is_named_twice_and_each_has_a_row() {
        let rows = || REFUSED.iter().chain(REFUSED_HERE).chain(REFUSED_WHERE_SAMPLED).chain(REFUSED_BY_ARGUMENT);
        let mut calls: Vec<_> = rows().map(|call| call.number).collect();
        let count = calls.len();
        calls.sort_unstable();
        calls.dedup();
        assert_eq!(calls.len(), count);
        assert!(conditional(subject(Net::Full)).unwrap().keys().all(|call| calls.contains(call)));
        assert!(UNTOLD.iter().all(|call| calls.contains(call)));
    }
}
