//! What a stopped call was for, and the record of all of them.
//!
//! Everything that is read here is the program's word: it is shown, and nothing is decided by it. The record does not grow
//! with the number of calls: a flood is counted, and its targets are not kept.

use std::collections::{BTreeMap, BTreeSet};

use libc::c_long;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};

use super::address::Address;
use super::notify::{self, Notice};
use super::question;
use super::seccomp_rules::{
    CLONE_FLAGS_REFUSED, Call, NAMESPACES, REFUSED, REFUSED_BY_ARGUMENT, REFUSED_HERE, REFUSED_WHERE_SAMPLED, Shows,
};
use crate::sandbox::{Attempt, AttemptKind, Behaviour};

/// Different targets that are kept of one call.
const TARGETS_PER_CALL_MAX: usize = 64;
/// How often a text is read for one refused call; after that the call is only counted.
const TEXTS_READ_MAX: u64 = 1000;
/// Bytes that are kept of a path, a name or a word.
const TEXT_BYTES_MAX: usize = 256;
/// Bytes that are kept of a command line.
const COMMAND_BYTES_MAX: usize = 512;
/// Words of a command line that are read.
const WORDS_READ_MAX: usize = 16;
/// Messages of a packet that are looked at, and bytes of each.
const MESSAGES_READ_MAX: usize = 8;
const MESSAGE_BYTES_MAX: usize = 512;
/// Bytes of a socket address, at most.
const ADDRESS_BYTES_MAX: usize = 128;
/// Bytes of a pointer, of the kernel's `mmsghdr`, and of its `iovec`.
const POINTER_BYTES: usize = 8;
const MESSAGE_HEADER_BYTES: usize = 64;
const IOVEC_BYTES: usize = 16;

/// What a call comes to: what kind of attempt, and at what.
type Seen = (AttemptKind, Option<String>);

/// The record of a run.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    counts: BTreeMap<(AttemptKind, &'static str), Counts>,
    truncated: bool,
}

/// How often one call was made, by target.
#[derive(Debug, Default)]
struct Counts {
    answer: Option<&'static str>,
    all: u64,
    targets: BTreeMap<Option<String>, u64>,
}

/// What is done about a stopped call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Decision {
    /// It fails, as this row says.
    Refuse(&'static Call),
    /// It goes on: it was stopped only to be told of.
    Proceed(Passing),
    /// It fails with `EPERM`: no filter of ours stops it.
    Unknown,
}

/// The calls that go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passing {
    Execve,
    Execveat,
    Connect,
    Sendmmsg,
}

/// Decides about the call `number`, by its number alone.
pub(super) fn decide(number: c_long) -> Decision {
    let passing = match number {
        libc::SYS_execve => Passing::Execve,
        libc::SYS_execveat => Passing::Execveat,
        libc::SYS_connect => Passing::Connect,
        libc::SYS_sendmmsg => Passing::Sendmmsg,
        _ => {
            let mut rows = [REFUSED, REFUSED_HERE, REFUSED_BY_ARGUMENT, REFUSED_WHERE_SAMPLED].into_iter().flatten();
            return rows.find(|row| row.number == number).map_or(Decision::Unknown, Decision::Refuse);
        }
    };
    Decision::Proceed(passing)
}

impl Passing {
    const fn name(self) -> &'static str {
        match self {
            Self::Execve => "execve",
            Self::Execveat => "execveat",
            Self::Connect => "connect",
            Self::Sendmmsg => "sendmmsg",
        }
    }
}

impl Attempts {
    /// Records a stopped call. `waits` tells whether it still waits, after its thread's memory was read.
    pub(super) fn record(&mut self, notice: &Notice, decision: Decision, waits: impl Fn() -> bool) {
        match decision {
            Decision::Refuse(call) => {
                let target = self.wants_target(call).then(|| shown(notice, call.shows)).flatten();
                let target = target.filter(|_| !matches!(call.shows, Shows::Text(_)) || waits());
                self.count((AttemptKind::Refused, call.name), Some(call.refusal.name()), target);
            }
            Decision::Proceed(call) => {
                let seen = passing(notice, call);
                if !seen.is_empty() && waits() {
                    seen.into_iter().for_each(|(kind, target)| self.count((kind, call.name()), None, target));
                }
            }
            Decision::Unknown => {}
        }
    }

    /// Whether another target of `call` is read: reading is what costs, and a flood has told all that it has to tell.
    fn wants_target(&mut self, call: &Call) -> bool {
        let Shows::Text(_) = call.shows else { return true };
        let read = self.counts.get(&(AttemptKind::Refused, call.name)).is_none_or(|counts| counts.all < TEXTS_READ_MAX);
        self.truncated |= !read;
        read
    }

    fn count(&mut self, what: (AttemptKind, &'static str), answer: Option<&'static str>, target: Option<String>) {
        let counts = self.counts.entry(what).or_default();
        counts.answer = answer;
        counts.all += 1;
        let full = counts.targets.len() >= TARGETS_PER_CALL_MAX && !counts.targets.contains_key(&target);
        self.truncated |= full && target.is_some();
        *counts.targets.entry(target.filter(|_| !full)).or_default() += 1;
    }

    /// The record, sorted.
    pub(super) fn finish(self) -> Behaviour {
        let mut attempts = Vec::new();
        for ((kind, call), Counts { answer, targets, .. }) in self.counts {
            let of = |(target, count)| Attempt { kind, call, target, answer, count };
            attempts.extend(targets.into_iter().map(of));
        }
        Behaviour { untraced: None, attempts, truncated: self.truncated }
    }
}

/// What the argument that `shows` names tells.
fn shown(notice: &Notice, shows: Shows) -> Option<String> {
    let argument = |index: u8| notice.arguments[usize::from(index)];
    match shows {
        Shows::Nothing => None,
        Shows::Text(index) => text(notice.thread, argument(index)),
        Shows::Namespaces(index) => namespaces(argument(index)),
        Shows::Number(index) => Some(format!("{:#x}", argument(index) & u64::from(u32::MAX))),
        Shows::Socket => Some(super::address::socket(argument(0), argument(2))),
    }
}

/// The namespaces that flags would make.
fn namespaces(flags: u64) -> Option<String> {
    let flags = flags.to_le_bytes();
    let flags = i32::from_le_bytes([flags[0], flags[1], flags[2], flags[3]]);
    let named = CLONE_FLAGS_REFUSED.iter().zip(NAMESPACES).filter(|(flag, _)| flags & **flag != 0);
    let names: Vec<&str> = named.map(|(_, name)| name).collect();
    (!names.is_empty()).then(|| names.join("|"))
}

/// What a call that goes on comes to; nothing where it is of no interest.
fn passing(notice: &Notice, call: Passing) -> Vec<Seen> {
    let [first, second, third, ..] = notice.arguments;
    match call {
        Passing::Execve => program(notice.thread, first, second),
        Passing::Execveat => program(notice.thread, second, third),
        Passing::Connect => address(notice.thread, second, third).into_iter().collect(),
        Passing::Sendmmsg => messages(notice.thread, second, third),
    }
}

/// A socket address, where it is of interest.
fn address(thread: i32, pointer: u64, length: u64) -> Option<Seen> {
    let length = usize::try_from(length & u64::from(u32::MAX)).unwrap_or(0).min(ADDRESS_BYTES_MAX);
    Address::read(&notify::memory(thread, pointer, length))?.seen()
}

/// The messages of one packet: where to, or which names they ask for.
fn messages(thread: i32, pointer: u64, count: u64) -> Vec<Seen> {
    let count = usize::try_from(count & u64::from(u32::MAX)).unwrap_or(0).min(MESSAGES_READ_MAX);
    let headers = notify::memory(thread, pointer, count * MESSAGE_HEADER_BYTES);
    let mut seen = BTreeSet::new();
    for header in headers.chunks_exact(MESSAGE_HEADER_BYTES) {
        let (name, name_length, parts) = (number(header, 0), number(header, 8), number(header, 16));
        if name != 0 {
            seen.extend(address(thread, name, name_length));
        }
        let part = notify::memory(thread, parts, IOVEC_BYTES);
        if part.len() == IOVEC_BYTES {
            let length = usize::try_from(number(&part, 8)).unwrap_or(usize::MAX).min(MESSAGE_BYTES_MAX);
            let asked = question::name(&notify::memory(thread, number(&part, 0), length));
            seen.extend(asked.map(|name| (AttemptKind::Lookup, Some(name))));
        }
    }
    seen.into_iter().collect()
}

/// A program to be executed, where its file is there: a search along `PATH` asks for many that are not.
fn program(thread: i32, path: u64, words: u64) -> Vec<Seen> {
    let path = text(thread, path).unwrap_or_default();
    if is_missing(thread, &path) {
        return Vec::new();
    }
    vec![(AttemptKind::Started, Some(command(&path, &command_words(thread, words))))]
}

/// Whether there is no file at an absolute path, as the thread sees the file system. It is only looked up, never opened.
fn is_missing(thread: i32, path: &str) -> bool {
    if !path.starts_with('/') {
        return false;
    }
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let Ok(root) = rustix::fs::openat(CWD, format!("/proc/{thread}/root"), flags, Mode::empty()) else { return false };
    let found = rustix::fs::openat2(&root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT);
    matches!(found, Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR))
}

fn command_words(thread: i32, pointer: u64) -> Vec<String> {
    let pointers = notify::memory(thread, pointer, WORDS_READ_MAX * POINTER_BYTES);
    let pointers = pointers.chunks_exact(POINTER_BYTES).map(|bytes| number(bytes, 0));
    let mut left = COMMAND_BYTES_MAX;
    let words = pointers.take_while(|pointer| *pointer != 0).map_while(|pointer| {
        let word = (left > 0).then(|| text(thread, pointer).unwrap_or_default())?;
        left = left.saturating_sub(word.len());
        Some(word)
    });
    words.collect()
}

/// A command line for reading: the file, the name that it is given where that is another, and the other words.
fn command(path: &str, words: &[String]) -> String {
    let base = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
    let mut line = quoted(path);
    if let Some(name) = words.first().filter(|name| base(name) != base(path)) {
        line.push_str(&format!(" (as {})", quoted(name)));
    }
    for word in words.iter().skip(1) {
        line.push(' ');
        line.push_str(&quoted(word));
    }
    clipped(&line, COMMAND_BYTES_MAX)
}

fn quoted(word: &str) -> String {
    let plain = |char: char| char.is_alphanumeric() || "-_./=:,@%+…".contains(char);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The text at an address, up to its zero byte; `None` where it cannot be read. Bytes that are not UTF-8 are U+FFFD.
fn text(thread: i32, address: u64) -> Option<String> {
    let bytes = notify::memory(thread, address, TEXT_BYTES_MAX + 1);
    if bytes.is_empty() {
        return None;
    }
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    Some(clipped(&String::from_utf8_lossy(&bytes[..end]), TEXT_BYTES_MAX))
}

/// The text, or as much of it as is kept and a mark that there was more.
fn clipped(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(bytes_max)])
}

/// The 64-bit number at an offset, as this machine writes it; 0 where it is not there.
fn number(bytes: &[u8], offset: usize) -> u64 {
    bytes.get(offset..offset + 8).map_or(0, |bytes| u64::from_ne_bytes(bytes.try_into().unwrap_or_default()))
}
