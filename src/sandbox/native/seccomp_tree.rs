//! Filters of system calls as trees: a call is found among those that a filter names by halves, not one after another.
//!
//! The kernel runs a new filter once for every call that it has, to learn which of them it need not ask about again. Through a
//! list of all the calls that a filter names, that takes longer than everything else that a filter costs.

use std::collections::BTreeMap;

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, sock_filter};

use super::seccomp::{RETURN, Rules};
use super::spec::{Fault, Tried};

/// Skips steps where the word is this one.
const JUMP_IF_EQUAL: u16 = 0x15;
/// Skips steps where the word is this one or a higher one.
pub(super) const JUMP_IF_AT_LEAST: u16 = 0x35;
/// Skips steps.
const JUMP: u16 = 0x05;
/// Loads a word of what a call is described by, which its number is the first of.
pub(super) const LOAD_WORD: u16 = 0x20;

/// A filter that gives calls which match rules the answer beside those, and allows all others. No call may be in two of them.
pub(super) fn compile(parts: impl IntoIterator<Item = (Rules, SeccompAction)>) -> Result<BpfProgram, Fault> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(fault)?;
    let whole = |rules, answer| {
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, answer, arch);
        filter.and_then(BpfProgram::try_from).map_err(fault)
    };
    // One without rules looks at the architecture, and then allows.
    let mut program = whole(Rules::new(), SeccompAction::Log)?;
    program.pop();
    let skipped = program.len();
    program.push(step(LOAD_WORD, 0, 0, 0));
    let mut leaves = BTreeMap::new();
    for (rules, answer) in parts {
        for (number, conditions) in rules {
            let call = u32::try_from(number).map_err(std::io::Error::other).tried("filter a system call")?;
            let mut leaf = vec![step(JUMP_IF_EQUAL, 1, 0, call), end(SeccompAction::Allow)];
            match conditions.is_empty() {
                true => leaf.push(end(answer.clone())),
                false => leaf.extend(whole(Rules::from([(number, conditions)]), answer.clone())?.split_off(skipped)),
            }
            if leaves.insert(call, leaf).is_some() {
                return Err(Fault { action: format!("filter system call {call} in two ways"), errno: libc::EINVAL });
            }
        }
    }
    let leaves: Vec<(u32, BpfProgram)> = leaves.into_iter().collect();
    program.extend(search(&leaves));
    Ok(program)
}

/// The steps that lead to the one of `leaves`, in the order of their calls, that may be about a call; each looks for itself.
fn search(leaves: &[(u32, BpfProgram)]) -> BpfProgram {
    match leaves {
        [] => vec![end(SeccompAction::Allow)],
        [(_, leaf)] => leaf.clone(),
        _ => {
            let (lower, upper) = leaves.split_at(leaves.len() / 2);
            let first = upper[0].0;
            let lower = search(lower);
            let mut steps = match (u8::try_from(lower.len()), u32::try_from(lower.len())) {
                (Ok(length), _) => vec![step(JUMP_IF_AT_LEAST, length, 0, first)],
                (Err(_), length) => {
                    let length = length.expect("a filter has some thousand steps at most");
                    vec![step(JUMP_IF_AT_LEAST, 0, 1, first), step(JUMP, 0, 0, length)]
                }
            };
            steps.extend(lower);
            steps.extend(search(upper));
            steps
        }
    }
}

/// A step; where it is a jump, it skips as many as `jt` says when what it asks is so, else as many as `jf` says.
pub(super) const fn step(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

/// The step that gives an answer.
fn end(answer: SeccompAction) -> sock_filter {
    step(RETURN, 0, 0, answer.into())
}

/// What is said where a filter cannot be made.
pub(super) fn fault(error: impl std::error::Error) -> Fault {
    Fault { action: format!("filter system calls ({error})"), errno: libc::EINVAL }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::native::seccomp::{condition, none_of, rule};
    use seccompiler::SeccompCmpOp::{Eq, MaskedEq, Ne};

    /// What the kernel does with a filter: its answer, and after how many steps it comes.
    fn run(program: &[sock_filter], data: &[u32; 16]) -> (u32, usize) {
        let (mut at, mut word, mut steps) = (0, 0, 0);
        loop {
            let sock_filter { code, jt, jf, k } = program[at].clone();
            let branch = |is_so: bool| usize::from(if is_so { jt } else { jf });
            steps += 1;
            at += 1 + match code {
                RETURN => return (k, steps),
                LOAD_WORD => {
                    word = data[k as usize / 4];
                    0
                }
                0x54 => {
                    word &= k;
                    0
                }
                JUMP => k as usize,
                JUMP_IF_EQUAL => branch(word == k),
                0x25 => branch(word > k),
                JUMP_IF_AT_LEAST => branch(word >= k),
                0x45 => branch(word & k != 0),
                _ => panic!("step {code:#x}"),
            };
        }
    }

    fn rules() -> Rules {
        let is = |argument, value| rule([condition(argument, Eq, value).unwrap()]).unwrap();
        let flag = |value| rule([condition(0, MaskedEq(value), value).unwrap()]).unwrap();
        let mut rules: Rules = (0..200).step_by(3).map(|call| (call, Vec::new())).collect();
        rules.insert(9, vec![none_of(0, &[1, 2, 3]).unwrap(), none_of(2, &[0]).unwrap()]);
        rules.insert(16, (0..90).map(|value| is(1, value)).collect());
        rules.insert(56, [1, 2, 4, 8].map(flag).into());
        rules.insert(400, vec![rule([condition(0, Ne, 5).unwrap(), condition(2, Eq, 7).unwrap()]).unwrap()]);
        rules
    }

    #[test]
    fn a_tree_answers_as_a_list_does() {
        let answer = SeccompAction::Errno(1);
        let arch = TargetArch::try_from(std::env::consts::ARCH).unwrap();
        let list = SeccompFilter::new(rules(), SeccompAction::Allow, answer.clone(), arch).unwrap();
        let list = BpfProgram::try_from(list).unwrap();
        let (lower, upper): (Rules, Rules) = rules().into_iter().partition(|(call, _)| call % 2 == 0);
        let tree = compile([(lower, answer.clone()), (upper, answer)]).unwrap();
        let (arch, mut most) = (list[1].k, 0);
        for call in (0..=700).chain([0x4000_0000, u32::MAX]) {
            for arguments in (0..1000).map(|n| [n % 10, n / 10 % 10, n / 100]).chain([[89, 89, 89], [6, 200, 7]]) {
                for arch in [arch, arch ^ 1] {
                    let mut data = [0; 16];
                    (data[0], data[1]) = (call, arch);
                    (data[4], data[6], data[8]) = (arguments[0], arguments[1], arguments[2]);
                    let (answer, steps) = run(&tree, &data);
                    assert_eq!(answer, run(&list, &data).0, "{call} {arguments:?}");
                    most = if rules().contains_key(&call.into()) { most } else { most.max(steps) };
                }
                if !matches!(call, 9 | 16 | 56 | 400) {
                    break;
                }
            }
        }
        assert!(most < 16, "{most}");
    }

    #[test]
    fn no_call_is_answered_in_two_ways() {
        let one = || Rules::from([(7, Vec::new())]);
        assert!(compile([(one(), SeccompAction::Errno(1)), (one(), SeccompAction::Errno(38))]).is_err());
        assert!(compile([(one(), SeccompAction::Errno(1))]).is_ok());
    }
}
