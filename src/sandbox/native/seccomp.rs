//! System call filters: the list of `seccomp_rules` compiled for the kernel.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, sock_filter,
};

use super::seccomp_rules::{
    CLONE_FLAGS_REFUSED, FAMILIES, FAMILIES_WITH_NETWORK, IOCTLS_REFUSED, PERSONALITIES, PROTOCOLS, REFUSED,
    REFUSED_HERE, REFUSED_WHERE_SAMPLED, Refusal,
};
use super::spec::{Fault, Net};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// The filters of a run, in the order in which they are applied; the kernel asks each, and the strictest answer holds.
/// `sampled` tells that no control group counts the memory of the run.
pub(super) fn filters(net: Net, sampled: bool) -> Result<Vec<BpfProgram>, Fault> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| fault(&error))?;
    let mut programs = vec![];
    for (refusal, errno) in [(Refusal::Eperm, libc::EPERM), (Refusal::Enosys, libc::ENOSYS)] {
        let mut rules: Rules = REFUSED
            .iter()
            .chain(REFUSED_HERE)
            .filter(|(_, how)| *how == refusal)
            .map(|(call, _)| (*call, Vec::new()))
            .collect();
        if refusal == Refusal::Enosys && sampled {
            rules.extend(REFUSED_WHERE_SAMPLED.iter().map(|call| (*call, Vec::new())));
        }
        if refusal == Refusal::Eperm {
            rules.extend(conditional(net).map_err(|error| fault(&error))?);
        }
        let errno = u32::try_from(errno).expect("error numbers are positive");
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno), arch);
        programs.push(filter.and_then(BpfProgram::try_from).map_err(|error| fault(&error))?);
    }
    programs.extend(other_numbering());
    Ok(programs)
}

/// Applies the filters to this process and all it starts. `no_new_privs` is set before.
pub(super) fn apply(filters: &[BpfProgram]) -> Result<(), Fault> {
    filters.iter().try_for_each(|filter| seccompiler::apply_filter(filter)).map_err(|error| fault(&error))
}

fn fault(error: &dyn std::error::Error) -> Fault {
    Fault { action: format!("filter system calls ({error})"), errno: libc::EINVAL }
}

/// Calls that are refused for some of their arguments.
fn conditional(net: Net) -> Result<Rules, seccompiler::BackendError> {
    let families = if net == Net::None { FAMILIES } else { FAMILIES_WITH_NETWORK };
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
    Ok(Rules::from([
        (libc::SYS_clone, clone),
        (libc::SYS_ioctl, ioctl),
        (libc::SYS_personality, vec![none_of(0, PERSONALITIES)?]),
        (libc::SYS_socket, sockets),
        (libc::SYS_socketpair, vec![none_of(0, &families)?]),
    ]))
}

/// Matches when an argument is none of `values`.
fn none_of(argument: u8, values: &[u64]) -> Result<SeccompRule, seccompiler::BackendError> {
    rule(values.iter().map(|value| condition(argument, SeccompCmpOp::Ne, *value)).collect::<Result<Vec<_>, _>>()?)
}

fn rule(conditions: impl Into<Vec<SeccompCondition>>) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(conditions.into())
}

/// All arguments that are looked at are 32 bits wide in the kernel; whatever stands in the upper half is ignored there,
/// and so it is here.
fn condition(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}

/// Refuses the second numbering of calls that x86-64 kernels may have (x32), which the other filters would not know.
#[cfg(target_arch = "x86_64")]
fn other_numbering() -> Option<BpfProgram> {
    const X32_BIT: u32 = 0x4000_0000;
    const LOAD_WORD: u16 = 0x20;
    const JUMP_IF_AT_LEAST: u16 = 0x35;
    const RETURN: u16 = 0x06;
    let refuse = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
    Some(vec![
        // The number of the call stands at the start of the data.
        sock_filter { code: LOAD_WORD, jt: 0, jf: 0, k: 0 },
        sock_filter { code: JUMP_IF_AT_LEAST, jt: 0, jf: 1, k: X32_BIT },
        sock_filter { code: RETURN, jt: 0, jf: 0, k: refuse },
        sock_filter { code: RETURN, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW },
    ])
}

#[cfg(not(target_arch = "x86_64"))]
fn other_numbering() -> Option<BpfProgram> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_compile_for_every_network() {
        for net in [Net::None, Net::Gateway, Net::Full] {
            for sampled in [false, true] {
                let filters = filters(net, sampled).unwrap();
                assert!(filters.iter().all(|filter| filter.len() > 3), "{net:?}");
            }
        }
    }

    #[test]
    fn no_call_is_named_twice() {
        let mut calls: Vec<_> = REFUSED.iter().chain(REFUSED_HERE).map(|(call, _)| *call).collect();
        calls.extend(REFUSED_WHERE_SAMPLED);
        let count = calls.len();
        calls.sort_unstable();
        calls.dedup();
        assert_eq!(calls.len(), count);
    }
}
