//! What a stopped call was for, read from its arguments and from the memory of who made it.
//!
//! Everything here is the program's word, and may be another by the time the kernel looks at it: it is shown, and nothing
//! is decided by it. Each piece that is read has a limit.

use std::cell::Cell;
use std::collections::BTreeSet;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};

use super::address::{self, Address};
use super::attempts::Passing;
use super::notify::{self, Notice};
use super::question;
use super::seccomp_rules::{CLONE_FLAGS_REFUSED, NAMESPACES, Shows};
use crate::sandbox::AttemptKind;

/// Bytes that are kept of a path, a name or a word.
const TEXT_BYTES_MAX: usize = 256;
/// Bytes that are kept of a command line.
const COMMAND_BYTES_MAX: usize = 512;
/// Words of a command line that are read.
const WORDS_READ_MAX: usize = 16;
/// Messages of a packet that are looked at.
const MESSAGES_READ_MAX: usize = 8;
/// Bytes of each of them.
const MESSAGE_BYTES_MAX: usize = 512;
/// Bytes of a socket address, at most.
const ADDRESS_BYTES_MAX: usize = 128;
/// Bytes of a pointer.
const POINTER_BYTES: usize = 8;
/// Bytes of the kernel's `mmsghdr`.
const MESSAGE_HEADER_BYTES: usize = 64;
/// Bytes of the kernel's `iovec`.
const IOVEC_BYTES: usize = 16;

/// What a call comes to: what kind of attempt, and at what.
type Seen = (AttemptKind, Option<String>);

/// Reads what one call was for.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    notice: &'a Notice,
    /// Whether this process may not read the other's memory.
    denied: Cell<bool>,
}

impl<'a> Reader<'a> {
    /// A reader of one call.
    pub(super) fn new(notice: &'a Notice) -> Self {
        Self { notice, denied: Cell::new(false) }
    }

    /// Whether something was not read because this host forbids it.
    pub(super) fn was_denied(&self) -> bool {
        self.denied.get()
    }

    /// What the argument that `shows` names tells.
    pub(super) fn shown(&self, shows: Shows) -> Option<String> {
        let argument = |index: u8| self.notice.arguments[usize::from(index)];
        match shows {
            Shows::Nothing => None,
            Shows::Text(index) => self.text(argument(index)).map(|text| readable(&text)),
            Shows::Namespaces(index) => namespaces(argument(index)),
            Shows::Number(index) => Some(format!("{:#x}", low(argument(index)))),
            Shows::Socket => Some(address::socket(low(argument(0)), low(argument(2)))),
        }
    }

    /// What a call that goes on comes to; nothing where it is of no interest.
    pub(super) fn passing(&self, call: Passing) -> Vec<Seen> {
        let [first, second, third, ..] = self.notice.arguments;
        match call {
            Passing::Execve => self.program(None, first, second),
            Passing::Execveat => self.program(Some(first), second, third),
            Passing::Connect => self.address(second, third).into_iter().collect(),
            Passing::Sendmmsg => self.messages(second, third),
        }
    }

    /// A socket address, where it is of interest.
    fn address(&self, pointer: u64, length: u64) -> Option<Seen> {
        Address::read(&self.memory(pointer, low(length), ADDRESS_BYTES_MAX))?.seen()
    }

    /// The messages of one packet: where to, or which names they ask for.
    fn messages(&self, pointer: u64, count: u64) -> Vec<Seen> {
        let headers_max = MESSAGES_READ_MAX * MESSAGE_HEADER_BYTES;
        let headers = self.memory(pointer, low(count).saturating_mul(MESSAGE_HEADER_BYTES as u64), headers_max);
        let mut seen = BTreeSet::new();
        for header in headers.chunks_exact(MESSAGE_HEADER_BYTES) {
            let (name, name_length, parts) = (number(header, 0), number(header, 8), number(header, 16));
            if name != 0 {
                seen.extend(self.address(name, name_length));
            }
            let part = self.memory(parts, IOVEC_BYTES as u64, IOVEC_BYTES);
            if part.len() == IOVEC_BYTES {
                let message = self.memory(number(&part, 0), number(&part, 8), MESSAGE_BYTES_MAX);
                seen.extend(question::name(&message).map(|name| (AttemptKind::Lookup, Some(name))));
            }
        }
        seen.into_iter().collect()
    }

    /// A program to be executed, where its file is there: a search along `PATH` asks for many that are not. An empty path
    /// stands for the descriptor `from` itself.
    fn program(&self, from: Option<u64>, path: u64, words: u64) -> Vec<Seen> {
        let Some(path) = self.text(path) else { return vec![(AttemptKind::Started, None)] };
        if self.is_missing(&path) {
            return Vec::new();
        }
        let file = match from {
            Some(descriptor) if path.is_empty() => self.descriptor(low(descriptor)),
            _ => readable(&path),
        };
        vec![(AttemptKind::Started, Some(command(&file, &self.words(words))))]
    }

    /// What a descriptor of the program is, as the host names it.
    fn descriptor(&self, descriptor: u64) -> String {
        let link = std::fs::read_link(format!("/proc/{}/fd/{descriptor}", self.notice.thread));
        link.map_or_else(|_| format!("descriptor {descriptor}"), |path| readable(path.as_os_str().as_encoded_bytes()))
    }

    /// Whether there is no file at an absolute path, as the thread sees the file system. It is looked up and not opened. A
    /// path of which only a part was read counts as there.
    fn is_missing(&self, path: &[u8]) -> bool {
        if !path.starts_with(b"/") || path.len() > TEXT_BYTES_MAX {
            return false;
        }
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let root = rustix::fs::openat(CWD, format!("/proc/{}/root", self.notice.thread), flags, Mode::empty());
        let Ok(root) = root else { return false };
        let found = rustix::fs::openat2(&root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT);
        matches!(found, Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR))
    }

    /// The words of a command line.
    fn words(&self, pointer: u64) -> Vec<String> {
        let bytes = WORDS_READ_MAX * POINTER_BYTES;
        let pointers = self.memory(pointer, bytes as u64, bytes);
        let mut left = COMMAND_BYTES_MAX;
        let mut words = Vec::new();
        for pointer in pointers.chunks_exact(POINTER_BYTES).map(|bytes| number(bytes, 0)) {
            if pointer == 0 || left == 0 {
                break;
            }
            let word = self.text(pointer).unwrap_or_default();
            left = left.saturating_sub(word.len());
            words.push(readable(&word));
        }
        words
    }

    /// The bytes of a text, up to its zero byte, and at most one more than are kept; `None` where it cannot be read.
    fn text(&self, pointer: u64) -> Option<Vec<u8>> {
        let mut bytes = self.memory(pointer, TEXT_BYTES_MAX as u64 + 1, TEXT_BYTES_MAX + 1);
        if bytes.is_empty() {
            return None;
        }
        bytes.truncate(bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()));
        Some(bytes)
    }

    /// As many bytes as are there, of `length`, of `bytes_max` at most.
    fn memory(&self, pointer: u64, length: u64, bytes_max: usize) -> Vec<u8> {
        let length = usize::try_from(length).unwrap_or(bytes_max).min(bytes_max);
        notify::memory(self.notice.thread, pointer, length).unwrap_or_else(|error| {
            self.denied.set(self.denied.get() || error.raw_os_error() == Some(libc::EPERM));
            Vec::new()
        })
    }
}

/// The half of an argument that the kernel looks at where it wants 32 bits.
fn low(argument: u64) -> u64 {
    argument & u64::from(u32::MAX)
}

/// The namespaces that flags would make.
fn namespaces(flags: u64) -> Option<String> {
    let named = CLONE_FLAGS_REFUSED.iter().zip(NAMESPACES);
    let named = named.filter(|(flag, _)| flags & u64::from(flag.cast_unsigned()) != 0);
    let names: Vec<&str> = named.map(|(_, name)| name).collect();
    (!names.is_empty()).then(|| names.join("|"))
}

/// A command line for reading: the file, the name that it is given where that is another, and the other words.
fn command(file: &str, words: &[String]) -> String {
    let base = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
    let mut line = quoted(file);
    if let Some(name) = words.first().filter(|name| base(name) != base(file)) {
        line.push_str(&format!(" (as {})", quoted(name)));
    }
    for word in words.iter().skip(1) {
        line.push(' ');
        line.push_str(&quoted(word));
    }
    clipped(line, COMMAND_BYTES_MAX)
}

fn quoted(word: &str) -> String {
    let plain = |char: char| char.is_alphanumeric() || "-_./=:,@%+…".contains(char);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A text for reading: what is not UTF-8 is U+FFFD, and what is too long ends in a mark.
fn readable(bytes: &[u8]) -> String {
    clipped(String::from_utf8_lossy(bytes).into_owned(), TEXT_BYTES_MAX)
}

fn clipped(text: String, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text;
    }
    format!("{}…", &text[..text.floor_char_boundary(bytes_max)])
}

/// The 64-bit number at an offset, as this machine writes it; 0 where it is not there.
fn number(bytes: &[u8], offset: usize) -> u64 {
    bytes.get(offset..offset + 8).map_or(0, |bytes| u64::from_ne_bytes(bytes.try_into().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_read() {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let cases = [
            ("/bin/ls", &["ls", "-l", "a b"][..], "/bin/ls -l 'a b'"),
            ("/bin/ls", &["/usr/bin/ls"], "/bin/ls"),
            ("/bin/busybox", &["sh", "-c", "it's"], r"/bin/busybox (as sh) -c 'it'\''s'"),
            ("/bin/ls", &[], "/bin/ls"),
            ("/memfd:x (deleted)", &[""], "'/memfd:x (deleted)' (as '')"),
        ];
        for (file, given, expected) in cases {
            assert_eq!(command(file, &words(given)), expected);
        }
        let long = command("/bin/echo", &words(&["echo", &"ä".repeat(1000)]));
        assert!(long.ends_with('…') && long.len() <= COMMAND_BYTES_MAX + '…'.len_utf8(), "{long}");
    }

    #[test]
    fn flags_are_named() {
        assert_eq!(namespaces(0x1000_0000 | 0x2_0000 | 17).as_deref(), Some("CLONE_NEWNS|CLONE_NEWUSER"));
        assert_eq!(namespaces(17), None);
    }
}
