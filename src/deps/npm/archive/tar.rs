//! The members of a tar archive that is in memory as a whole, read strictly: what could be read in two ways is refused.
//!
//! The forms are those that npm's archives have had over the years: POSIX ustar with extended headers, GNU's long names,
//! and the oldest without a magic. Members are files and folders alone.

use std::ops::Range;

use super::super::limits::NpmLimits;
use super::Wrong;

const BLOCK: usize = 512;

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) is_executable: bool,
    /// Where its content is in the archive.
    pub(super) content: Range<usize>,
}

/// What a header in front says of the member that follows.
#[derive(Default)]
struct Ahead {
    name: Option<String>,
    size: Option<u64>,
}

/// The members of `bytes`, in order.
pub(super) fn members(bytes: &[u8], limits: &NpmLimits) -> Result<Vec<Member>, Wrong> {
    let mut members = Vec::new();
    let mut ahead = Ahead::default();
    let mut at = 0;
    while at < bytes.len() {
        let block = bytes.get(at..at + BLOCK).ok_or_else(|| malformed("it breaks off"))?;
        if block.iter().all(|&byte| byte == 0) {
            if bytes[at..].iter().any(|&byte| byte != 0) {
                return Err(malformed("something stands behind its end"));
            }
            break;
        }
        let header = Header::read(block)?;
        let size = ahead.size.take().unwrap_or(header.size);
        let start = at + BLOCK;
        let size = usize::try_from(size).map_err(|_| malformed("a member is larger than it can be"))?;
        let end = start.checked_add(size).filter(|end| *end <= bytes.len());
        let content = start..end.ok_or_else(|| malformed("it breaks off within a member"))?;
        at = content.end.next_multiple_of(BLOCK);
        if matches!(header.kind, b'x' | b'g' | b'L') {
            if content.len() as u64 > limits.header_bytes_max {
                return Err(malformed("it has an extended header that is too long"));
            }
            let found = extended(header.kind, &bytes[content])?;
            // What is said of all members is said of none in particular: git writes a comment there.
            if header.kind != b'g' {
                ahead = Ahead { name: found.name.or(ahead.name), size: found.size.or(ahead.size) };
            }
            continue;
        }
        let name = ahead.name.take().map_or_else(|| header.name(), Ok)?;
        members.push(header.member(name, content)?);
        if members.len() as u64 > limits.members_max {
            return Err(Wrong::new("node-archive-bomb", format!("it has more than {} members", limits.members_max)));
        }
    }
    if ahead.name.is_some() || ahead.size.is_some() {
        return Err(malformed("it ends with a header"));
    }
    Ok(members)
}

/// One header, its checksum proved.
struct Header<'a> {
    block: &'a [u8],
    kind: u8,
    mode: u64,
    size: u64,
}

impl<'a> Header<'a> {
    fn read(block: &'a [u8]) -> Result<Self, Wrong> {
        let unreadable = || malformed("it has a header that cannot be read");
        let sum: u64 = block
            .iter()
            .enumerate()
            .map(|(at, &byte)| u64::from(if (148..156).contains(&at) { b' ' } else { byte }))
            .sum();
        if octal(&block[148..156]) != Some(sum) {
            return Err(malformed("it has a header whose checksum is wrong"));
        }
        let mode = octal(&block[100..108]).ok_or_else(unreadable)?;
        let size = octal(&block[124..136]).ok_or_else(unreadable)?;
        Ok(Self { block, kind: block[156], mode, size })
    }

    fn name(&self) -> Result<String, Wrong> {
        let name = text(&self.block[..100])?;
        // GNU's form has times where ustar has the prefix.
        let prefix = if &self.block[257..263] == b"ustar\0" { text(&self.block[345..500])? } else { "" };
        Ok(if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") })
    }

    fn member(&self, name: String, content: Range<usize>) -> Result<Member, Wrong> {
        let kind = match self.kind {
            // The oldest form tells folders by their names alone.
            b'0' | 0 if name.ends_with('/') && content.is_empty() => Kind::Folder,
            b'0' | 0 => Kind::File,
            b'5' if content.is_empty() => Kind::Folder,
            b'5' => return Err(malformed("a folder in it has content")),
            b'1' | b'2' => {
                let message = format!("`{}` is a link", super::shown(&name));
                return Err(Wrong::new("node-archive-link", message));
            }
            _ => {
                let message = format!("`{}` is neither a file nor a folder", super::shown(&name));
                return Err(Wrong::new("node-archive-special", message));
            }
        };
        Ok(Member { name, kind, is_executable: self.mode & 0o111 != 0, content })
    }
}

/// What an extended header says.
fn extended(kind: u8, content: &[u8]) -> Result<Ahead, Wrong> {
    if kind == b'L' {
        let name = text(content)?;
        return Ok(Ahead { name: Some(name.to_owned()), size: None });
    }
    let unreadable = || malformed("it has an extended header that cannot be read");
    let mut ahead = Ahead::default();
    let mut rest = content;
    // `27 path=package/index.js\n`: the number counts the whole record.
    while !rest.is_empty() {
        let blank = rest.iter().take(20).position(|&byte| byte == b' ').ok_or_else(unreadable)?;
        let length =
            decimal(&rest[..blank]).filter(|length| *length > blank as u64 + 1 && *length <= rest.len() as u64);
        let length = usize::try_from(length.ok_or_else(unreadable)?).map_err(|_| unreadable())?;
        let record = rest[blank + 1..length].strip_suffix(b"\n").ok_or_else(unreadable)?;
        let equals = record.iter().position(|&byte| byte == b'=').ok_or_else(unreadable)?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        match key {
            b"path" => once(&mut ahead.name, std::str::from_utf8(value).map_err(|_| unreadable())?.to_owned())?,
            b"size" => once(&mut ahead.size, decimal(value).ok_or_else(unreadable)?)?,
            _ if key.starts_with(b"GNU.sparse") => return Err(malformed("it has a file with holes")),
            _ => {}
        }
        rest = &rest[length..];
    }
    Ok(ahead)
}

/// What is said twice could be read in two ways.
fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), Wrong> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(malformed("it has an extended header that says something twice")),
    }
}

/// Text up to the first zero byte.
fn text(field: &[u8]) -> Result<&str, Wrong> {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    std::str::from_utf8(&field[..end]).map_err(|_| malformed("a name in it is not UTF-8"))
}

/// An octal number with blanks before it, and blanks and zero bytes behind; nothing is 0.
fn octal(field: &[u8]) -> Option<u64> {
    let field = std::str::from_utf8(field).ok()?.trim_matches([' ', '\0']);
    if field.is_empty() {
        return Some(0);
    }
    let is_plain = field.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    is_plain.then(|| u64::from_str_radix(field, 8).ok())?
}

fn decimal(text: &[u8]) -> Option<u64> {
    let is_plain = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    is_plain.then(|| std::str::from_utf8(text).ok()?.parse().ok())?
}

fn malformed(what: &str) -> Wrong {
    Wrong::new("node-archive-malformed", what.to_owned())
}
