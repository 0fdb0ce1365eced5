//! A strict reader of zip archives.
//!
//! Installers read the same archive in different ways: the last of two members with one name, the second of two archives
//! in one file, the name in front of the data or the one in the directory. What a scanner vets is then not what is
//! installed. So an archive is admitted only if there is one way to read it: the directory accounts for every byte, what
//! stands beside the data says the same as the directory, and no two names are one file anywhere.
//!
//! All limits are decided from the directory alone, so that a bomb costs no more than the reading of its numbers.

mod fields;
mod inflate;
mod path;

pub use self::inflate::{Damage, Inflater};
pub(super) use self::path::{Clash, Taken};

use self::fields::{CENTRAL_BYTES, Central, End};
use super::fault::{Fault, Faults, shown};
use super::limits::WheelLimits;

/// Kinds of files in the upper bits of a mode of Unix.
const KIND_BITS: u32 = 0o170_000;
const KIND_FOLDER: u32 = 0o040_000;
const KIND_FILE: u32 = 0o100_000;
/// Bits that lend a program the rights of its owner, and the sticky bit.
const SPECIAL_BITS: u32 = 0o7_000;
const EXECUTE_BITS: u32 = 0o111;

/// The attribute of DOS that says that a member is a folder.
const DOS_FOLDER: u32 = 0x10;

/// Below so many bytes in all a high ratio is no bomb, but an empty log or a table of zeros.
const RATIO_FLOOR_BYTES: u64 = 16 << 20;

/// One file or folder of an archive.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    name: &'a str,
    packed: &'a [u8],
    deflated: bool,
    size: u64,
    crc32: u32,
    mode: u32,
}

impl<'a> Entry<'a> {
    /// Its name; that of a folder ends with `/`.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Bytes, inflated, as declared. Inflating proves it.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether it is a folder.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }

    /// Whether it is meant to be run.
    #[must_use]
    pub fn is_executable(&self) -> bool {
        self.mode & EXECUTE_BITS != 0
    }
}

/// An archive that can be read in one way alone.
#[derive(Debug)]
pub(super) struct Archive<'a> {
    entries: Vec<Entry<'a>>,
}

impl<'a> Archive<'a> {
    /// Reads the directory and holds it against what stands beside the data. What is wrong goes to `faults`; `None` where
    /// anything is.
    pub(super) fn open(bytes: &'a [u8], limits: &WheelLimits, faults: &mut Faults) -> Option<Self> {
        let read = fields::end(bytes).and_then(|end| directory(bytes, &end, limits));
        let (members, directory_start) = match read {
            Ok(read) => read,
            Err(fault) => {
                faults.push(&fault);
                return None;
            }
        };
        names(&members, limits, faults);
        attributes(&members, faults);
        if faults.block() {
            return None;
        }
        match entries(bytes, &members, directory_start as u64) {
            Ok(entries) => Some(Self { entries }),
            Err(fault) => {
                faults.push(&fault);
                None
            }
        }
    }

    /// Its members, in the order of the directory.
    pub(super) fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }
}

/// The members and where the directory begins.
fn directory<'a>(bytes: &'a [u8], end: &End, limits: &WheelLimits) -> Result<(Vec<Central<'a>>, usize), Fault> {
    if end.members > limits.members_max {
        let message = format!("the archive has {} members, {} are admitted", end.members, limits.members_max);
        return Err(Fault::new("wheel-too-many-members", message));
    }
    let directory = &bytes[end.directory.clone()];
    if end.members > (directory.len() / CENTRAL_BYTES) as u64 {
        return Err(Fault::new("wheel-archive-malformed", "the directory is too short for its members"));
    }
    let (mut members, mut at, mut unpacked) = (Vec::new(), 0, 0_u64);
    for _ in 0..end.members {
        let (member, next) = Central::read(directory, at)?;
        unpacked = unpacked.saturating_add(member.size);
        members.push(member);
        at = next;
    }
    if at != directory.len() {
        let message = format!("{} bytes of the directory belong to no member", directory.len() - at);
        return Err(Fault::new("wheel-hidden-bytes", message));
    }
    expansion(unpacked, bytes.len() as u64, limits)?;
    Ok((members, end.directory.start))
}

fn expansion(unpacked: u64, packed: u64, limits: &WheelLimits) -> Result<(), Fault> {
    if unpacked > limits.unpacked_bytes_max {
        let message = format!("{unpacked} bytes come out of the archive, {} are admitted", limits.unpacked_bytes_max);
        return Err(Fault::new("wheel-expands-too-much", message));
    }
    if unpacked > RATIO_FLOOR_BYTES && unpacked / packed.max(1) > limits.ratio_max {
        let message = format!("{unpacked} bytes come out of {packed}; {} times as many are admitted", limits.ratio_max);
        return Err(Fault::new("wheel-expands-too-much", message));
    }
    Ok(())
}

fn names(members: &[Central<'_>], limits: &WheelLimits, faults: &mut Faults) {
    let mut taken = Taken::default();
    for member in members.iter().filter(|member| path::check(member.name, limits, faults)).collect::<Vec<_>>() {
        match taken.take(member.name) {
            Ok(()) => {}
            Err(Clash::Twice(other)) => faults.high(
                "wheel-member-duplicated",
                format_args!("`{}` and `{}` are one file", shown(member.name), shown(other)),
            ),
            Err(Clash::FolderAndFile(other)) => faults.high(
                "wheel-path-conflict",
                format_args!("`{}` needs `{}` to be a folder and a file", shown(member.name), shown(other)),
            ),
        }
    }
}

/// Links, devices, borrowed rights, and folders that are none.
fn attributes(members: &[Central<'_>], faults: &mut Faults) {
    for member in members {
        let mode = member.attributes >> 16;
        let kind = mode & KIND_BITS;
        let is_folder = member.name.ends_with('/');
        if kind != 0 && kind != KIND_FILE && kind != KIND_FOLDER {
            faults.high("wheel-member-link", format_args!("`{}` is a link or a device", shown(member.name)));
        } else if mode & SPECIAL_BITS != 0 {
            let name = shown(member.name);
            faults.high("wheel-member-setuid", format_args!("`{name}` would run with the rights of its owner"));
        } else if !is_folder && (kind == KIND_FOLDER || member.attributes & DOS_FOLDER != 0)
            || is_folder && (kind == KIND_FILE || member.size != 0)
        {
            let name = shown(member.name);
            faults
                .high("wheel-path-conflict", format_args!("`{name}` is a folder by its name alone, or by all but it"));
        }
    }
}

/// The members with their data. They must follow one another from the first byte to the directory.
fn entries<'a>(bytes: &'a [u8], members: &[Central<'a>], directory_start: u64) -> Result<Vec<Entry<'a>>, Fault> {
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by_key(|&at| members[at].offset);
    let starts = order.iter().map(|&at| members[at].offset).chain([directory_start]);
    if let Some(first) = starts.clone().next().filter(|&first| first != 0) {
        let message = format!("the first {first} bytes belong to no member");
        return Err(Fault::new("wheel-hidden-bytes", message));
    }
    let mut packed: Vec<&[u8]> = vec![&[]; members.len()];
    for (&at, next) in order.iter().zip(starts.skip(1)) {
        packed[at] = &bytes[fields::local(bytes, &members[at], next)?];
    }
    let entry = |(member, packed): (&Central<'a>, &'a [u8])| Entry {
        name: member.name,
        packed,
        deflated: member.is_deflated(),
        size: member.size,
        crc32: member.crc32,
        mode: member.attributes >> 16,
    };
    let all: Vec<_> = members.iter().zip(packed).map(entry).collect();
    match all.iter().find(|entry| !entry.deflated && entry.packed.len() as u64 != entry.size) {
        Some(entry) => Err(Fault::new("wheel-headers-disagree", format!("`{}` has two sizes", shown(entry.name)))),
        None => Ok(all),
    }
}
