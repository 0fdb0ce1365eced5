//! The raw records of a zip archive, read field by field.
//!
//! Only what wheels need is understood; every other feature of the format is refused, because installers read them in
//! different ways.

use std::ops::Range;

use super::super::fault::Fault;

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const END64: &[u8] = b"PK\x06\x06";
const LOCATOR64: &[u8] = b"PK\x06\x07";
const DESCRIPTOR: &[u8] = b"PK\x07\x08";

/// Bytes of the fixed parts.
const END_BYTES: usize = 22;
const END64_BYTES: usize = 56;
const LOCATOR64_BYTES: usize = 20;
pub(super) const CENTRAL_BYTES: usize = 46;

/// Stands in a field of 32 bits whose value is in the extra field of 64 bits.
const IN_EXTRA: u32 = u32::MAX;

/// Extra fields that hold the sizes of large members, and a second name or comment in Unicode.
const EXTRA_ZIP64: u16 = 0x0001;
const EXTRA_UNICODE: [u16; 2] = [0x7075, 0x6375];

/// Flags: sizes and digest stand behind the data; the name is UTF-8; how hard the packer tried.
const FLAG_DESCRIPTOR: u16 = 1 << 3;
const FLAG_UTF8: u16 = 1 << 11;
const FLAGS_EFFORT: u16 = 0b110;
/// Flags of the kinds of encryption.
const FLAGS_ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;

/// Reads little-endian fields from left to right.
#[derive(Clone, Copy)]
struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*taken)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn is(&mut self, signature: &[u8]) -> Option<()> {
        (self.take(signature.len())? == signature).then_some(())
    }
}

fn fields(bytes: &[u8], at: u64) -> Option<Fields<'_>> {
    Some(Fields { rest: bytes.get(usize::try_from(at).ok()?..)? })
}

/// Where the directory is, and how many members it names.
#[derive(Debug)]
pub(super) struct End {
    pub(super) members: u64,
    pub(super) directory: Range<usize>,
}

/// Reads the end of the archive, which must be the end of the bytes.
pub(super) fn end(bytes: &[u8]) -> Result<End, Fault> {
    let broken = || Fault::new("wheel-archive-malformed", "the archive does not end as a zip archive does");
    let at = bytes.len().checked_sub(END_BYTES).ok_or_else(broken)?;
    if !bytes[at..].starts_with(END) {
        let tail = &bytes[bytes.len().saturating_sub(END_BYTES + usize::from(u16::MAX))..];
        let hidden = memchr::memmem::rfind(tail, END).is_some();
        let trailing = Fault::new("wheel-hidden-bytes", "bytes follow the end of the archive");
        return Err(if hidden { trailing } else { broken() });
    }
    let mut record = Fields { rest: &bytes[at + END.len()..] };
    let (disks, here, all, size, offset, comment) =
        (|| Some((record.u32()?, record.u16()?, record.u16()?, record.u32()?, record.u32()?, record.u16()?)))()
            .ok_or_else(broken)?;
    if disks != 0 || here != all || comment != 0 {
        return Err(Fault::new(
            "wheel-archive-malformed",
            "the archive is one of several parts, or its end is cut off",
        ));
    }
    let short = (u64::from(all), u64::from(size), u64::from(offset));
    let is_long = all == u16::MAX || size == IN_EXTRA || offset == IN_EXTRA;
    let long = end64(bytes, at)?;
    let (limit, (members, size, offset)) = match long {
        Some((limit, long)) if agrees(short, long) => (limit, long),
        None if !is_long => (at, short),
        _ => return Err(Fault::new("wheel-headers-disagree", "the two ends of the archive do not say the same")),
    };
    let start = offset.checked_add(size).filter(|&end| end == limit as u64).and_then(|_| usize::try_from(offset).ok());
    let start = start.ok_or_else(|| {
        Fault::new("wheel-hidden-bytes", "the directory does not reach from where it should begin to the archive's end")
    })?;
    Ok(End { members, directory: start..limit })
}

/// Members, bytes and offset of the directory.
type Directory = (u64, u64, u64);

/// The end in 64 bits that stands before the end at `at`, if there is one, and where it begins.
fn end64(bytes: &[u8], at: usize) -> Result<Option<(usize, Directory)>, Fault> {
    let Some(locator) = at.checked_sub(LOCATOR64_BYTES).filter(|&at| bytes[at..].starts_with(LOCATOR64)) else {
        return Ok(None);
    };
    let read = || {
        let mut fields = Fields { rest: &bytes[locator + LOCATOR64.len()..] };
        let (disk, record, disks) = (fields.u32()?, fields.u64()?, fields.u32()?);
        let start = locator.checked_sub(END64_BYTES)?;
        let mut fields = Fields { rest: &bytes[start..locator] };
        fields.is(END64)?;
        let (length, _versions, numbers) = (fields.u64()?, fields.u32()?, fields.u64()?);
        let (here, all, size, offset) = (fields.u64()?, fields.u64()?, fields.u64()?, fields.u64()?);
        let is_whole = disk == 0 && disks <= 1 && numbers == 0 && here == all;
        let is_in_place = record == start as u64 && length == END64_BYTES as u64 - 12;
        (is_whole && is_in_place).then_some(Some((start, (all, size, offset))))
    };
    read().ok_or_else(|| Fault::new("wheel-archive-malformed", "the archive's end of 64 bits is not sound"))
}

/// Whether each short number is the long one, or says that it does not fit.
fn agrees(short: Directory, long: Directory) -> bool {
    let in_extra = u64::from(IN_EXTRA);
    (short.0 == u64::from(u16::MAX) || short.0 == long.0)
        && (short.1 == in_extra || short.1 == long.1)
        && (short.2 == in_extra || short.2 == long.2)
}

/// One member, as the directory has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Central<'a> {
    pub(super) name: &'a str,
    flags: u16,
    method: u16,
    pub(super) crc32: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    /// Where its local header is.
    pub(super) offset: u64,
    /// File attributes: those of Unix in the upper half.
    pub(super) attributes: u32,
}

impl<'a> Central<'a> {
    /// Reads the record at `at` of `directory`, and says where the next one is.
    pub(super) fn read(directory: &'a [u8], at: usize) -> Result<(Self, usize), Fault> {
        let malformed =
            || Fault::new("wheel-archive-malformed", "the directory of the archive is cut off or not sound");
        let mut fields = Fields { rest: directory.get(at..).ok_or_else(malformed)? };
        let before = fields.rest.len();
        let raw = Raw::read(&mut fields).ok_or_else(malformed)?;
        let member = raw.member()?;
        Ok((member, at + before - fields.rest.len()))
    }

    pub(super) fn is_deflated(&self) -> bool {
        self.method == 8
    }

    fn has_descriptor(&self) -> bool {
        self.flags & FLAG_DESCRIPTOR != 0
    }
}

/// A record of the directory, not yet judged.
struct Raw<'a> {
    flags: u16,
    method: u16,
    crc32: u32,
    sizes: [u32; 2],
    name: &'a [u8],
    extra: &'a [u8],
    comment: &'a [u8],
    disk: u16,
    attributes: u32,
    offset: u32,
}

impl<'a> Raw<'a> {
    fn read(fields: &mut Fields<'a>) -> Option<Self> {
        fields.is(CENTRAL)?;
        let _versions = fields.u32()?;
        let (flags, method, _time) = (fields.u16()?, fields.u16()?, fields.u32()?);
        let (crc32, sizes) = (fields.u32()?, [fields.u32()?, fields.u32()?]);
        let (name, extra, comment) = (fields.u16()?, fields.u16()?, fields.u16()?);
        let (disk, _internal, attributes, offset) = (fields.u16()?, fields.u16()?, fields.u32()?, fields.u32()?);
        let mut take = |length: u16| fields.take(usize::from(length));
        let (name, extra, comment) = (take(name)?, take(extra)?, take(comment)?);
        Some(Self { flags, method, crc32, sizes, name, extra, comment, disk, attributes, offset })
    }

    fn member(&self) -> Result<Central<'a>, Fault> {
        let name = name_of(self.name, self.flags)?;
        let quoted = super::super::fault::shown(name);
        if self.flags & FLAGS_ENCRYPTED != 0 {
            return Err(Fault::new("wheel-member-encrypted", format!("`{quoted}` is encrypted")));
        }
        if !matches!(self.method, 0 | 8) {
            let message = format!("`{quoted}` is packed by method {}; wheels store or deflate", self.method);
            return Err(Fault::new("wheel-member-method", message));
        }
        let malformed = |what: &str| Fault::new("wheel-archive-malformed", format!("`{quoted}` {what}"));
        if self.flags & !(FLAG_DESCRIPTOR | FLAG_UTF8 | FLAGS_EFFORT) != 0 {
            return Err(malformed("has flags that wheels do not use"));
        }
        if !self.comment.is_empty() {
            return Err(Fault::new("wheel-hidden-bytes", format!("`{quoted}` has a comment")));
        }
        let mut extra = extra(self.extra).map_err(malformed)?;
        let mut long = |short: u32| match (short, &mut extra) {
            (IN_EXTRA, Some(fields)) => fields.u64().ok_or_else(|| malformed("has no size of 64 bits")),
            (IN_EXTRA, None) => Err(malformed("has no size of 64 bits")),
            (short, _) => Ok(u64::from(short)),
        };
        let [packed, size] = self.sizes;
        let (size, packed, offset) = (long(size)?, long(packed)?, long(self.offset)?);
        if self.disk != 0 || extra.is_some_and(|rest| !rest.rest.is_empty()) {
            return Err(malformed("has an extra field that is not sound"));
        }
        let Self { flags, method, crc32, attributes, .. } = *self;
        Ok(Central { name, flags, method, crc32, packed, size, offset, attributes })
    }
}

/// The name, which is ASCII or flagged as UTF-8: what else it may mean depends on who reads it.
fn name_of(bytes: &[u8], flags: u16) -> Result<&str, Fault> {
    let name = std::str::from_utf8(bytes).ok().filter(|name| flags & FLAG_UTF8 != 0 || name.is_ascii());
    name.ok_or_else(|| {
        let shown = super::super::fault::shown(&String::from_utf8_lossy(bytes));
        Fault::new("wheel-path-malformed", format!("the name `{shown}` is not UTF-8, or not flagged as such"))
    })
}

/// The extra field with numbers of 64 bits, if there is one. A second name in Unicode is refused: not all read it.
fn extra(bytes: &[u8]) -> Result<Option<Fields<'_>>, &'static str> {
    let (mut fields, mut found) = (Fields { rest: bytes }, None);
    while !fields.rest.is_empty() {
        let header = (|| Some((fields.u16()?, fields.u16()?)))();
        let field = header.and_then(|(id, length)| Some((id, fields.take(usize::from(length))?)));
        let (id, content) = field.ok_or("has an extra field that is cut off")?;
        if EXTRA_UNICODE.contains(&id) {
            return Err("has a second name");
        }
        if id == EXTRA_ZIP64 && found.replace(Fields { rest: content }).is_some() {
            return Err("has two extra fields for one thing");
        }
    }
    Ok(found)
}

/// Where the data of `member` begin and where all that belongs to it ends; `next` is where the next member begins.
/// What stands before and behind the data must say the same as the directory.
pub(super) fn local(bytes: &[u8], member: &Central<'_>, next: u64) -> Result<Range<usize>, Fault> {
    let quoted = super::super::fault::shown(member.name);
    let disagrees = || Fault::new("wheel-headers-disagree", format!("`{quoted}` is not what the directory says of it"));
    let mut fields = fields(bytes, member.offset).ok_or_else(disagrees)?;
    let before = fields.rest.len() as u64;
    agrees_locally(&mut fields, member).ok_or_else(disagrees)?;
    let start = member.offset + (before - fields.rest.len() as u64);
    let overlap = || Fault::new("wheel-members-overlap", format!("`{quoted}` reaches into what follows it"));
    let end = start.checked_add(member.packed).filter(|&end| end <= next).ok_or_else(overlap)?;
    let (Ok(start), Ok(end), Ok(next)) = (usize::try_from(start), usize::try_from(end), usize::try_from(next)) else {
        return Err(overlap());
    };
    let behind = bytes.get(end..next).ok_or_else(overlap)?;
    match (member.has_descriptor(), behind.len()) {
        (false, 0) => Ok(start..end),
        (false, _) => {
            let message = format!("{} bytes behind `{quoted}` belong to no member", behind.len());
            Err(Fault::new("wheel-hidden-bytes", message))
        }
        (true, _) => descriptor(behind, member).map(|()| start..end).ok_or_else(disagrees),
    }
}

/// Reads the local header up to the data; `None` where it differs from the directory.
fn agrees_locally(fields: &mut Fields<'_>, member: &Central<'_>) -> Option<()> {
    fields.is(LOCAL)?;
    let _version = fields.u16()?;
    let (flags, method, _time) = (fields.u16()?, fields.u16()?, fields.u32()?);
    let (crc32, packed, size) = (fields.u32()?, fields.u32()?, fields.u32()?);
    let (name, extra_bytes) = (fields.u16()?, fields.u16()?);
    let name = fields.take(usize::from(name))?;
    let mut extra = extra(fields.take(usize::from(extra_bytes))?).ok()?;
    let mut long = |short: u32| match (short, &mut extra) {
        (IN_EXTRA, Some(fields)) => fields.u64(),
        (short, _) => Some(u64::from(short)),
    };
    let (size, packed) = (long(size)?, long(packed)?);
    let same = (crc32, packed, size) == (member.crc32, member.packed, member.size);
    // With a descriptor, the numbers were not known yet when the header was written.
    let later = member.has_descriptor() && (crc32, packed, size) == (0, 0, 0);
    let is_it = name == member.name.as_bytes() && flags == member.flags && method == member.method;
    (is_it && (same || later)).then_some(())
}

/// Whether the bytes behind the data are a descriptor with the directory's numbers, in one of its four forms.
fn descriptor(behind: &[u8], member: &Central<'_>) -> Option<()> {
    let mut fields = Fields { rest: behind };
    let has_signature = matches!(behind.len(), 16 | 24);
    if has_signature {
        fields.is(DESCRIPTOR)?;
    }
    let crc32 = fields.u32()?;
    let (packed, size) = match behind.len() {
        12 | 16 => (u64::from(fields.u32()?), u64::from(fields.u32()?)),
        20 | 24 => (fields.u64()?, fields.u64()?),
        _ => return None,
    };
    ((crc32, packed, size) == (member.crc32, member.packed, member.size)).then_some(())
}
