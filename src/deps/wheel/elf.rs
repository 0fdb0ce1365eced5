//! Native code: which kind it is and, for ELF, for which machine and with which shared libraries.
//!
//! Nothing of it runs here. The numbers are used to say before a run what would only be seen as a failed import.

/// Headers of segments that are read.
const SEGMENTS_MAX: usize = 256;

/// Entries of the dynamic section that are read.
const DYNAMIC_ENTRIES_MAX: usize = 8192;

/// Needed libraries that are read.
const NEEDED_MAX: usize = 512;

/// Bytes of one library's name.
const NAME_BYTES_MAX: usize = 255;

/// First bytes of a file that say which kind of native code it is.
pub const PREFIX_BYTES: usize = 20;

/// A kind of native code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Native {
    /// ELF, for the machine with this number.
    Elf(u16),
    /// Of Windows.
    Pe,
    /// Of macOS.
    MachO,
}

/// The kind of native code that a file with these first bytes is, if it is any.
#[must_use]
pub fn native(prefix: &[u8]) -> Option<Native> {
    match prefix {
        [0x7f, b'E', b'L', b'F', _, order, ..] if prefix.len() >= PREFIX_BYTES => {
            let machine = [prefix[18], prefix[19]];
            let is_big = *order == 2;
            Some(Native::Elf(if is_big { u16::from_be_bytes(machine) } else { u16::from_le_bytes(machine) }))
        }
        [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => Some(Native::MachO),
        // The number of machines in a fat file tells it from a class of Java, which begins alike.
        [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 1..=20, ..] => Some(Native::MachO),
        [b'M', b'Z', ..] if prefix.len() >= PREFIX_BYTES && !prefix.is_ascii() => Some(Native::Pe),
        _ => None,
    }
}

/// The name that Python and Linux have for a machine of ELF.
#[must_use]
pub fn machine_name(machine: u16) -> Option<&'static str> {
    match machine {
        3 => Some("i686"),
        20 => Some("ppc"),
        21 => Some("ppc64le"),
        22 => Some("s390x"),
        40 => Some("armv7l"),
        62 => Some("x86_64"),
        183 => Some("aarch64"),
        243 => Some("riscv64"),
        258 => Some("loongarch64"),
        _ => None,
    }
}

/// What a dynamic object of ELF needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// The number of its machine.
    pub machine: u16,
    /// The shared libraries that it names, in order.
    pub libraries: Vec<String>,
    /// Where it looks for them first: `RUNPATH` or `RPATH`, parts between colons.
    pub run_paths: Vec<String>,
}

/// Reads fields in the byte order and width of one file.
#[derive(Clone, Copy)]
struct File<'a> {
    bytes: &'a [u8],
    is_wide: bool,
    is_big: bool,
}

impl File<'_> {
    fn array<const N: usize>(&self, at: u64) -> Option<[u8; N]> {
        self.bytes.get(usize::try_from(at).ok()?..)?.first_chunk().copied()
    }

    fn u16(&self, at: u64) -> Option<u16> {
        let bytes = self.array(at)?;
        Some(if self.is_big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(&self, at: u64) -> Option<u32> {
        let bytes = self.array(at)?;
        Some(if self.is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn u64(&self, at: u64) -> Option<u64> {
        let bytes = self.array(at)?;
        Some(if self.is_big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }

    /// An address or offset, as wide as the file has them.
    fn word(&self, at: u64) -> Option<u64> {
        if self.is_wide { self.u64(at) } else { self.u32(at).map(u64::from) }
    }
}

/// A part of the file and where it is in memory.
struct Segment {
    kind: u32,
    offset: u64,
    address: u64,
    bytes: u64,
}

const SEGMENT_LOAD: u32 = 1;
const SEGMENT_DYNAMIC: u32 = 2;

/// Tags of the dynamic section.
const TAG_END: u64 = 0;
const TAG_NEEDED: u64 = 1;
const TAG_STRINGS: u64 = 5;
const TAG_RPATH: u64 = 15;
const TAG_RUNPATH: u64 = 29;

/// What the ELF object in `bytes` needs; `None` where it is none, or not sound. An object that needs nothing is sound.
#[must_use]
pub fn needed(bytes: &[u8]) -> Option<Needed> {
    let Some(Native::Elf(machine)) = native(bytes) else { return None };
    let file = File { bytes, is_wide: bytes[4] == 2, is_big: bytes[5] == 2 };
    let segments = segments(&file)?;
    let mut needed = Needed { machine, ..Needed::default() };
    let Some(dynamic) = segments.iter().find(|segment| segment.kind == SEGMENT_DYNAMIC) else {
        return Some(needed);
    };
    let (mut strings, mut libraries, mut paths) = (None, Vec::new(), Vec::new());
    for (tag, value) in entries(&file, dynamic) {
        match tag {
            TAG_STRINGS => strings = in_file(&segments, value),
            TAG_NEEDED if libraries.len() < NEEDED_MAX => libraries.push(value),
            TAG_RPATH | TAG_RUNPATH if paths.len() < NEEDED_MAX => paths.push(value),
            _ => {}
        }
    }
    let text = |offset: u64| text_at(bytes, strings?.checked_add(offset)?);
    needed.libraries = libraries.into_iter().map(text).collect::<Option<_>>()?;
    let paths = paths.into_iter().map(text).collect::<Option<Vec<_>>>()?;
    needed.run_paths = paths.iter().flat_map(|all| all.split(':').map(str::to_owned)).collect();
    Some(needed)
}

fn segments(file: &File<'_>) -> Option<Vec<Segment>> {
    let (table, sizes) = if file.is_wide { (file.u64(32)?, 54) } else { (u64::from(file.u32(28)?), 42) };
    let (size, count) = (u64::from(file.u16(sizes)?), usize::from(file.u16(sizes + 2)?));
    if count > SEGMENTS_MAX {
        return None;
    }
    let read = |at: usize| {
        let start = table.checked_add(size.checked_mul(at as u64)?)?;
        let field = |narrow: u64, wide: u64| file.word(start.checked_add(if file.is_wide { wide } else { narrow })?);
        Some(Segment { kind: file.u32(start)?, offset: field(4, 8)?, address: field(8, 16)?, bytes: field(16, 32)? })
    };
    (0..count).map(read).collect()
}

/// Tag and value of each entry of the dynamic section, up to its end.
fn entries(file: &File<'_>, dynamic: &Segment) -> impl Iterator<Item = (u64, u64)> {
    let width = if file.is_wide { 8 } else { 4 };
    let count = usize::try_from(dynamic.bytes / (2 * width)).unwrap_or(usize::MAX).min(DYNAMIC_ENTRIES_MAX);
    let (file, offset) = (*file, dynamic.offset);
    let read = move |at: usize| {
        let start = offset.checked_add(at as u64 * 2 * width)?;
        Some((file.word(start)?, file.word(start.checked_add(width)?)?))
    };
    (0..count).map_while(read).take_while(|(tag, _)| *tag != TAG_END)
}

/// Where an address of memory is in the file.
fn in_file(segments: &[Segment], address: u64) -> Option<u64> {
    let holds = |segment: &&Segment| {
        segment.kind == SEGMENT_LOAD && address.checked_sub(segment.address).is_some_and(|into| into < segment.bytes)
    };
    let segment = segments.iter().find(holds)?;
    (address - segment.address).checked_add(segment.offset)
}

fn text_at(bytes: &[u8], at: u64) -> Option<String> {
    let rest = bytes.get(usize::try_from(at).ok()?..)?;
    let end = rest.iter().take(NAME_BYTES_MAX + 1).position(|&byte| byte == 0)?;
    Some(String::from_utf8_lossy(&rest[..end]).into_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An object for x86-64 that needs `libm.so.6`, with its strings at another address than offset.
    pub(crate) fn object() -> Vec<u8> {
        let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1];
        bytes.resize(16, 0);
        bytes.extend(3_u16.to_le_bytes());
        bytes.extend(62_u16.to_le_bytes());
        bytes.extend([0; 12]);
        bytes.extend(64_u64.to_le_bytes());
        bytes.extend([0; 14]);
        bytes.extend([56, 0, 2, 0]);
        bytes.resize(64, 0);
        for (kind, offset, address, length) in [(1_u32, 176_u64, 0x1000_u64, 100_u64), (2, 176, 0x1000, 64)] {
            bytes.extend(kind.to_le_bytes());
            bytes.extend([0; 4]);
            for word in [offset, address, address, length, length, 0] {
                bytes.extend(word.to_le_bytes());
            }
        }
        for word in [1_u64, 1, 29, 11, 5, 0x1040, 0, 0] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(b"\0libm.so.6\0$ORIGIN:/x\0");
        bytes
    }

    #[test]
    fn needed_libraries_are_read() {
        let found = needed(&object()).unwrap();
        assert_eq!(found.libraries, ["libm.so.6"]);
        assert_eq!(found.run_paths, ["$ORIGIN", "/x"]);
        assert_eq!(machine_name(found.machine), Some("x86_64"));
    }

    #[test]
    fn a_cut_or_changed_object_is_read_to_its_end() {
        let object = object();
        for end in 0..object.len() {
            let _some_or_none = needed(&object[..end]);
        }
        for at in 0..object.len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut changed = object.clone();
                changed[at] = byte;
                let _some_or_none = needed(&changed);
            }
        }
        assert_eq!(needed(b"no object at all, but long enough"), None);
    }

    #[test]
    fn kinds_are_told_apart() {
        assert_eq!(native(&object()), Some(Native::Elf(62)));
        assert_eq!(native(b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\0\0\0\0"), Some(Native::Pe));
        assert_eq!(native(b"MZ is how this text begins, and no more"), None);
        assert_eq!(native(b"\xcf\xfa\xed\xfe1234"), Some(Native::MachO));
        assert_eq!(native(b"\xca\xfe\xba\xbe\0\0\0\x34"), None);
        assert_eq!(native(b""), None);
    }
}
