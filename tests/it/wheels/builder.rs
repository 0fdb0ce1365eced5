//! Wheels and archives made by hand, such that any part of them can lie.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use vetrun::deps::wheel::WheelName;

/// What stands behind the data of a member whose header has no numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Descriptor {
    None,
    Short { signature: bool },
    Long { signature: bool },
}

/// A member of an archive. What is `None` is as it should be.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) content: Vec<u8>,
    pub(super) mode: u32,
    pub(super) method: u16,
    pub(super) flags: u16,
    pub(super) descriptor: Descriptor,
    pub(super) local_name: Option<String>,
    pub(super) size: Option<u32>,
    pub(super) crc32: Option<u32>,
    pub(super) extra: Vec<u8>,
    pub(super) comment: String,
    /// Bytes between this member and the next.
    pub(super) gap: Vec<u8>,
    /// The directory points to the member with this number instead.
    pub(super) data_of: Option<usize>,
    /// Sizes and place are in extra fields of 64 bits.
    pub(super) is_long: bool,
}

pub(super) fn entry(name: &str, content: impl AsRef<[u8]>) -> Entry {
    Entry {
        name: name.to_owned(),
        content: content.as_ref().to_vec(),
        mode: if name.ends_with('/') { 0o040_755 } else { 0o100_644 },
        method: 0,
        flags: if name.is_ascii() { 0 } else { 1 << 11 },
        descriptor: Descriptor::None,
        local_name: None,
        size: None,
        crc32: None,
        extra: Vec::new(),
        comment: String::new(),
        gap: Vec::new(),
        data_of: None,
        is_long: false,
    }
}

impl Entry {
    pub(super) fn deflated(self) -> Self {
        Self { method: 8, ..self }
    }

    /// The numbers of the headers: digest, packed size, size.
    fn numbers(&self, packed: usize) -> [u32; 3] {
        let mut crc = flate2::Crc::new();
        crc.update(&self.content);
        [self.crc32.unwrap_or(crc.sum()), number(packed), self.size.unwrap_or(number(self.content.len()))]
    }

    fn packed(&self) -> Vec<u8> {
        if self.method != 8 {
            return self.content.clone();
        }
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&self.content).expect("memory holds it");
        encoder.finish().expect("memory holds it")
    }

    fn flags(&self) -> u16 {
        self.flags | if self.descriptor == Descriptor::None { 0 } else { 1 << 3 }
    }
}

/// An archive around its members.
#[derive(Clone, Debug, Default)]
pub(super) struct Zip {
    pub(super) entries: Vec<Entry>,
    /// Bytes before the first member, that offsets count or do not.
    pub(super) lead: Vec<u8>,
    pub(super) lead_counts: bool,
    /// Bytes between the last member and the directory.
    pub(super) gap: Vec<u8>,
    pub(super) comment: Vec<u8>,
    /// Bytes after the end.
    pub(super) tail: Vec<u8>,
    pub(super) members: Option<u16>,
    /// With an end of 64 bits.
    pub(super) is_long: bool,
}

pub(super) fn zip(entries: &[Entry]) -> Vec<u8> {
    Zip { entries: entries.to_vec(), ..Zip::default() }.bytes()
}

impl Zip {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = if self.lead_counts { self.lead.clone() } else { Vec::new() };
        let mut offsets = Vec::new();
        let mut directory = Vec::new();
        for entry in &self.entries {
            offsets.push(out.len());
            let packed = entry.packed();
            local(entry, &packed, &mut out);
            let at = offsets[entry.data_of.unwrap_or(offsets.len() - 1)];
            if entry.data_of.is_some() {
                out.truncate(offsets[offsets.len() - 1]);
            }
            central(entry, packed.len(), at, &mut directory);
            out.extend(&entry.gap);
        }
        out.extend(&self.gap);
        let start = out.len();
        out.extend(&directory);
        self.end(start, directory.len(), &mut out);
        if self.lead_counts { out } else { [self.lead.clone(), out].concat() }
    }

    fn end(&self, start: usize, size: usize, out: &mut Vec<u8>) {
        let count = self.members.unwrap_or(u16::try_from(self.entries.len()).expect("few members"));
        let (count16, size32, start32) =
            if self.is_long { (u16::MAX, u32::MAX, u32::MAX) } else { (count, number(size), number(start)) };
        if self.is_long {
            let at = out.len() as u64;
            out.extend(b"PK\x06\x06");
            out.extend(44_u64.to_le_bytes());
            out.extend([45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            for value in [u64::from(count), u64::from(count), size as u64, start as u64] {
                out.extend(value.to_le_bytes());
            }
            out.extend(b"PK\x06\x07\0\0\0\0");
            out.extend(at.to_le_bytes());
            out.extend(1_u32.to_le_bytes());
        }
        out.extend(b"PK\x05\x06\0\0\0\0");
        out.extend(count16.to_le_bytes());
        out.extend(count16.to_le_bytes());
        out.extend(size32.to_le_bytes());
        out.extend(start32.to_le_bytes());
        out.extend(short(self.comment.len()));
        out.extend(&self.comment);
        out.extend(&self.tail);
    }
}

fn local(entry: &Entry, packed: &[u8], out: &mut Vec<u8>) {
    let name = entry.local_name.as_ref().unwrap_or(&entry.name);
    let numbers @ [crc32, packed_size, size] = entry.numbers(packed.len());
    let mut extra = entry.extra.clone();
    out.extend(b"PK\x03\x04\x14\0");
    out.extend(entry.flags().to_le_bytes());
    out.extend(entry.method.to_le_bytes());
    out.extend([0, 0, 0x21, 0]);
    let written = match (entry.descriptor, entry.is_long) {
        (Descriptor::None, false) => numbers,
        (Descriptor::None, true) => {
            extra.extend([1, 0, 16, 0]);
            extra.extend(u64::from(size).to_le_bytes());
            extra.extend(u64::from(packed_size).to_le_bytes());
            [crc32, u32::MAX, u32::MAX]
        }
        _ => [0; 3],
    };
    written.iter().for_each(|number| out.extend(number.to_le_bytes()));
    out.extend(short(name.len()));
    out.extend(short(extra.len()));
    out.extend(name.as_bytes());
    out.extend(extra);
    out.extend(packed);
    let (signature, is_long) = match entry.descriptor {
        Descriptor::None => return,
        Descriptor::Short { signature } => (signature, false),
        Descriptor::Long { signature } => (signature, true),
    };
    if signature {
        out.extend(b"PK\x07\x08");
    }
    out.extend(crc32.to_le_bytes());
    for number in [packed_size, size] {
        out.extend(number.to_le_bytes());
        out.extend(&[0; 4][..if is_long { 4 } else { 0 }]);
    }
}

fn central(entry: &Entry, packed: usize, offset: usize, out: &mut Vec<u8>) {
    let [crc32, packed, size] = entry.numbers(packed);
    let mut extra = entry.extra.clone();
    let (mut sizes, mut place) = ([packed, size], number(offset));
    if entry.is_long {
        extra.extend([1, 0, 24, 0]);
        for number in [size, packed, place] {
            extra.extend(u64::from(number).to_le_bytes());
        }
        (sizes, place) = ([u32::MAX; 2], u32::MAX);
    }
    out.extend(b"PK\x01\x02\x14\x03\x14\0");
    out.extend(entry.flags().to_le_bytes());
    out.extend(entry.method.to_le_bytes());
    out.extend([0, 0, 0x21, 0]);
    out.extend(crc32.to_le_bytes());
    sizes.iter().for_each(|size| out.extend(size.to_le_bytes()));
    out.extend(short(entry.name.len()));
    out.extend(short(extra.len()));
    out.extend(short(entry.comment.len()));
    out.extend([0; 4]);
    out.extend((entry.mode << 16).to_le_bytes());
    out.extend(place.to_le_bytes());
    out.extend(entry.name.as_bytes());
    out.extend(extra);
    out.extend(entry.comment.as_bytes());
}

fn number(value: usize) -> u32 {
    u32::try_from(value).expect("a small archive")
}

fn short(value: usize) -> [u8; 2] {
    u16::try_from(value).expect("a short text").to_le_bytes()
}

/// A wheel of `sample` 1.0, sound until something is changed.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) distribution: &'static str,
    pub(super) entries: Vec<Entry>,
    pub(super) metadata: String,
    pub(super) wheel: String,
    pub(super) entry_points: String,
    /// Lines of `RECORD` after the right ones.
    pub(super) record: String,
    /// A file with a wrong digest, one that is not listed.
    pub(super) lie_about: &'static str,
    pub(super) leave_out: &'static str,
    pub(super) has_record: bool,
}

pub(super) fn draft(files: &[(&str, &str)]) -> Draft {
    draft_of("sample", files)
}

pub(super) fn draft_of(distribution: &'static str, files: &[(&str, &str)]) -> Draft {
    Draft {
        distribution,
        entries: files.iter().map(|(name, content)| entry(name, content)).collect(),
        metadata: format!("Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"),
        wheel: "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n".to_owned(),
        entry_points: String::new(),
        record: String::new(),
        lie_about: "",
        leave_out: "",
        has_record: true,
    }
}

impl Draft {
    pub(super) fn name(&self) -> WheelName {
        format!("{}-1.0-py3-none-any.whl", self.distribution).parse().expect("a wheel's name")
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The files, with the descriptions behind them.
    pub(super) fn all(&self) -> Vec<Entry> {
        let info = format!("{}-1.0.dist-info", self.distribution);
        let mut all = self.entries.clone();
        all.push(entry(&format!("{info}/METADATA"), &self.metadata));
        all.push(entry(&format!("{info}/WHEEL"), &self.wheel));
        if !self.entry_points.is_empty() {
            all.push(entry(&format!("{info}/entry_points.txt"), &self.entry_points));
        }
        let mut record = String::new();
        for entry in all.iter().filter(|entry| !entry.name.ends_with('/') && entry.name != self.leave_out) {
            let seen: &[u8] = if entry.name == self.lie_about { b"something else" } else { &entry.content };
            let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(seen));
            let name = entry.name.replace('"', "\"\"");
            record.push_str(&format!("\"{name}\",sha256={digest},{}\n", entry.content.len()));
        }
        record.push_str(&format!("{}{info}/RECORD,,\n", self.record));
        if self.has_record {
            all.push(entry(&format!("{info}/RECORD"), record));
        }
        all
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        zip(&self.all())
    }
}
