//! The encodings of Python source that vetrun reads exactly as Python does, by the names that Python has for them.
//!
//! Names and tables are Python's, which differ from those of the WHATWG that `encoding_rs` follows: there `latin-1` is
//! windows-1252, holes are filled with control characters, and `shift_jis` is what Python calls `cp932`. So the tables
//! beside this module were measured with the real interpreters; `encoding_rs` is asked only where it was found to agree.

mod multi;
mod single;

use crate::language::PythonVersion;

/// How the bytes of a file become characters.
#[derive(Debug)]
pub(super) enum Codec {
    /// UTF-8.
    Utf8,
    /// Each byte is a character; the table of those from 0x80 on, without those that are none.
    Single(Box<[Option<char>; 128]>),
    /// Some characters are several bytes.
    Multi(Box<multi::Multi>),
}

/// Why there is no codec for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Python knows no such encoding.
    Unknown,
    /// Python has a codec of that name, which makes bytes of bytes.
    NotText,
    /// Python's codec that refuses everything.
    Undefined,
    /// In it, what reads as a comment may be a statement.
    HidesCode,
    /// Python reads it, and nothing here does so in exactly the same way.
    NotExact,
}

/// Encodings in which characters of ASCII mean something else, so that nobody sees in an editor what Python will run.
const HIDE_CODE: &[&str] = &[
    "utf_7",
    "utf7",
    "u7",
    "unicode_1_1_utf_7",
    "unicode_escape",
    "raw_unicode_escape",
    "idna",
    "punycode",
    // Two and four bytes a character: a file that begins with a line in ASCII can go on in them.
    "utf_16",
    "u16",
    "utf16",
    "utf_16_be",
    "utf_16be",
    "unicodebigunmarked",
    "utf_16_le",
    "utf_16le",
    "unicodelittleunmarked",
    "utf_32",
    "u32",
    "utf32",
    "utf_32_be",
    "utf_32be",
    "utf_32_le",
    "utf_32le",
    // EBCDIC, and a code page whose percent sign is not one.
    "cp037",
    "037",
    "csibm037",
    "ebcdic_cp_ca",
    "ebcdic_cp_nl",
    "ebcdic_cp_us",
    "ebcdic_cp_wt",
    "ibm037",
    "ibm039",
    "cp1026",
    "1026",
    "csibm1026",
    "ibm1026",
    "cp1140",
    "1140",
    "cp01140",
    "csibm01140",
    "ebcdic_us_37_euro",
    "ibm01140",
    "ibm1140",
    "cp273",
    "273",
    "csibm273",
    "ibm273",
    "cp424",
    "424",
    "csibm424",
    "ebcdic_cp_he",
    "ibm424",
    "cp500",
    "500",
    "csibm500",
    "ebcdic_cp_be",
    "ebcdic_cp_ch",
    "ibm500",
    "cp864",
    "864",
    "csibm864",
    "ibm864",
    "cp875",
    // The backslash is a yen sign.
    "shift_jis_2004",
    "s_jis_2004",
    "shiftjis2004",
    "sjis_2004",
    "shift_jisx0213",
    "s_jisx0213",
    "shiftjisx0213",
    "sjisx0213",
];

/// Encodings that change their meaning on the way, and those that `encoding_rs` does not have.
const NOT_EXACT: &[&str] = &[
    "euc_jis_2004",
    "euc_jis2004",
    "eucjis2004",
    "jisx0213",
    "euc_jisx0213",
    "eucjisx0213",
    "hz",
    "hz_gb",
    "hz_gb_2312",
    "hzgb",
    "iso2022_jp",
    "csiso2022jp",
    "iso2022jp",
    "iso_2022_jp",
    "iso2022_jp_1",
    "iso2022jp_1",
    "iso_2022_jp_1",
    "iso2022_jp_2",
    "iso2022jp_2",
    "iso_2022_jp_2",
    "iso2022_jp_2004",
    "iso2022jp_2004",
    "iso_2022_jp_2004",
    "iso2022_jp_3",
    "iso2022jp_3",
    "iso_2022_jp_3",
    "iso2022_jp_ext",
    "iso2022jp_ext",
    "iso_2022_jp_ext",
    "iso2022_kr",
    "csiso2022kr",
    "iso2022kr",
    "iso_2022_kr",
    "johab",
    "cp1361",
    "ms1361",
];

/// Codecs that make bytes of bytes.
const NOT_TEXT: &[&str] = &[
    "base64",
    "base64_codec",
    "base_64",
    "bz2",
    "bz2_codec",
    "hex",
    "hex_codec",
    "quopri",
    "quopri_codec",
    "quoted_printable",
    "quotedprintable",
    "rot13",
    "rot_13",
    "uu",
    "uu_codec",
    "zip",
    "zlib",
    "zlib_codec",
];

const UTF_8: &[&str] = &["utf_8", "utf8", "u8", "utf", "cp65001", "utf8_ucs2", "utf8_ucs4"];

/// The codec that Python of this version finds under a name.
pub(super) fn find(name: &str, version: PythonVersion) -> Result<Codec, Refusal> {
    let name = normal_name(name);
    let is_in = |names: &[&str]| names.contains(&name.as_str());
    if is_in(UTF_8) {
        return Ok(Codec::Utf8);
    }
    if let Some(table) = single::find(&name, version) {
        return Ok(Codec::Single(Box::new(table)));
    }
    if let Some(multi) = multi::find(&name, version) {
        return Ok(Codec::Multi(Box::new(multi)));
    }
    Err(match () {
        () if is_in(HIDE_CODE) => Refusal::HidesCode,
        () if is_in(NOT_EXACT) => Refusal::NotExact,
        () if is_in(NOT_TEXT) => Refusal::NotText,
        () if name == "undefined" => Refusal::Undefined,
        () => Refusal::Unknown,
    })
}

/// What Python's `encodings.normalize_encoding` makes of a name.
fn normal_name(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    let mut parted = false;
    for char in name.chars() {
        if char.is_ascii_alphanumeric() || char == '.' {
            if parted && !normal.is_empty() {
                normal.push('_');
            }
            parted = false;
            normal.push(char.to_ascii_lowercase());
        } else {
            parted = true;
        }
    }
    normal
}

/// Whether one of the names of a table, parted by white space, is `name`. Behind an `@` stands the version of Python
/// since which it is known; before a name that is no alias but that of a module, in which dots cannot stand for
/// underlines, stands a `=`.
fn is_named(names: &str, name: &str, version: PythonVersion) -> bool {
    names.split_whitespace().any(|entry| {
        let (entry, since) = entry.split_once('@').unwrap_or((entry, "3.9"));
        let matches = match entry.strip_prefix('=') {
            Some(module) => module == name,
            None => entry == name || (name.contains('.') && entry == name.replace('.', "_")),
        };
        matches && PythonVersion::of_release(since).is_some_and(|since| since <= version)
    })
}

/// A byte at which a text ends that could be decoded up to there, and what Python says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Undecodable {
    /// The offset of the byte.
    pub(super) at: usize,
    /// The characters before it.
    pub(super) before: String,
    /// Why, in Python's words.
    pub(super) reason: &'static str,
}

impl Codec {
    /// The text that `bytes` are.
    pub(super) fn decode(&self, bytes: &[u8]) -> Result<String, Undecodable> {
        match self {
            Self::Utf8 => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(text.to_owned()),
                Err(error) => {
                    let at = error.valid_up_to();
                    let before = String::from_utf8_lossy(&bytes[..at]).into_owned();
                    Err(Undecodable { at, before, reason: utf8_reason(bytes, at, error.error_len()) })
                }
            },
            Self::Single(table) => single::decode(table, bytes),
            Self::Multi(multi) => multi.decode(bytes),
        }
    }

    /// What Python calls the codec in its messages.
    pub(super) fn python_name(&self) -> &str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Single(table) if table.iter().all(Option::is_none) => "ascii",
            Self::Single(_) => "charmap",
            Self::Multi(multi) => multi.name,
        }
    }
}

/// What CPython says of the byte at which UTF-8 ends.
pub(super) fn utf8_reason(bytes: &[u8], at: usize, length: Option<usize>) -> &'static str {
    match (length, bytes[at]) {
        (None, _) => "unexpected end of data",
        (Some(_), 0xc2..=0xf4) => "invalid continuation byte",
        _ => "invalid start byte",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: PythonVersion = PythonVersion::NEWEST;

    fn text(name: &str, bytes: &[u8]) -> Result<String, (usize, String)> {
        let codec = find(name, NEW).unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
        codec.decode(bytes).map_err(|error| (error.at, error.before))
    }

    #[test]
    fn names_are_found_as_python_finds_them() {
        for name in ["Latin-1", "ISO-8859-1", "iso.8859.1", "-latin--1-", "cp819", "8859"] {
            assert!(matches!(find(name, NEW), Ok(Codec::Single(_))), "{name}");
        }
        for (name, refusal) in [
            ("utf_7", Refusal::HidesCode),
            ("UTF-16LE", Refusal::HidesCode),
            ("EBCDIC-CP-US", Refusal::HidesCode),
            ("iso-2022-jp", Refusal::NotExact),
            ("ROT13", Refusal::NotText),
            ("undefined", Refusal::Undefined),
            ("koi8.r", Refusal::Unknown),
            ("mbcs", Refusal::Unknown),
            ("aliases", Refusal::Unknown),
            ("csHPRoman8", Refusal::Unknown),
        ] {
            assert_eq!(find(name, NEW).err(), Some(refusal), "{name}");
        }
        assert_eq!(find("windows-31j", PythonVersion::Py312).err(), Some(Refusal::Unknown));
        assert!(find("windows-31j", PythonVersion::Py313).is_ok());
    }

    #[test]
    fn every_table_is_well_formed() {
        assert_eq!(single::names().count(), 64);
        for name in single::names() {
            assert!(find(name, NEW).is_ok(), "{name}");
        }
        assert_eq!(multi::names().count(), 11);
        for name in multi::names() {
            assert!(find(name, NEW).is_ok(), "{name}");
        }
    }

    #[test]
    fn single_bytes_are_pythons() {
        for (name, bytes, expected) in [
            ("latin-1", &b"\x80\xff"[..], Ok("\u{80}ÿ")),
            ("cp1252", b"\x80\x9f", Ok("€Ÿ")),
            ("cp1252", b"a\x9d", Err((1, "a"))),
            ("ascii", b"ab\x80", Err((2, "ab"))),
            ("koi8-r", b"\xc1\xc2", Ok("аб")),
            ("cp437", b"\x80\xff", Ok("Ç\u{a0}")),
            ("mac_roman", b"\x8a\xdb", Ok("ä€")),
            ("iso-8859-9", b"\xd0\xfe", Ok("Ğş")),
            ("iso8859-7", b"\xae", Err((0, ""))),
            ("cp866", b"\x80", Ok("А")),
        ] {
            let expected = expected.map(str::to_owned).map_err(|(at, before)| (at, before.to_owned()));
            assert_eq!(text(name, bytes), expected, "{name}");
        }
    }

    #[test]
    fn several_bytes_are_pythons() {
        for (name, bytes, expected) in [
            ("shift_jis", &b"\x83\x5c\\a"[..], Ok("ソ\\a")),
            // The wave dash is another one in Python than on the web.
            ("shift_jis", b"\x81\x60", Ok("〜")),
            ("cp932", b"\x81\x60", Ok("～")),
            ("cp932", b"\xb1\xa0", Ok("ｱ\u{f8f0}")),
            ("euc_jp", b"\xa4\xa2\x8f\xb0\xa1", Ok("あ丂")),
            ("gbk", b"\xc4\xe3", Ok("你")),
            ("gbk", b"a\x80", Err((1, "a"))),
            ("gb2312", b"\xa1\xa4", Ok("・")),
            ("gb2312", b"\x81\x40", Err((0, ""))),
            ("gb18030", b"\x81\x30\x81\x30\xa8\xbc", Ok("\u{80}\u{e7c7}")),
            ("big5", b"\xa7\x41\xa1\x45", Ok("你•")),
            ("big5", b"a\xa7", Err((1, "a"))),
            ("euc_kr", b"\xb0\xa1", Ok("가")),
            ("cp949", b"\x81\x41", Ok("갂")),
        ] {
            let expected = expected.map(str::to_owned).map_err(|(at, before)| (at, before.to_owned()));
            assert_eq!(text(name, bytes), expected, "{name} {bytes:x?}");
        }
    }

    /// What each of `sequences` is, as one digest, in the form that Python was asked for it.
    fn digest(codec: &Codec, sequences: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
        sequences.fold(Vec::new(), |mut all, bytes| {
            match codec.decode(&bytes) {
                Ok(text) => all.extend(text.bytes().chain([b'|'])),
                Err(_) => all.push(b'!'),
            }
            all
        })
    }

    fn sha(bytes: &[u8]) -> String {
        crate::artifact::Digest::of(bytes).to_string()["sha256:".len()..][..16].to_owned()
    }

    #[test]
    fn every_byte_of_every_single_byte_codec_is_pythons() {
        let mut all = Vec::new();
        for name in single::names() {
            let codec = find(name, NEW).unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
            all.extend(digest(&codec, (0x80..=u8::MAX).map(|byte| vec![byte])));
        }
        assert_eq!(sha(&all), "96d318435ce8ce4a");
    }

    #[test]
    fn every_pair_of_bytes_of_every_other_codec_is_pythons() {
        for (name, expected) in [
            ("shift_jis", "ac1c83271b736e3c"),
            ("cp932", "52ed8a30256c7c64"),
            ("euc_jp", "d363ab9415eaea76"),
            ("gbk", "e8470bf1052249a9"),
            ("gb2312", "4234058fd7dff189"),
            ("gb18030", "c52657d84d077317"),
            ("big5", "cc0f192b93edb046"),
            ("cp950", "2d2253140f5093a4"),
            ("big5hkscs", "30c284b1c218925c"),
            ("cp949", "6e390ac5515e7e87"),
            ("euc_kr", "940c27ef2ae1df90"),
        ] {
            let codec = find(name, NEW).unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
            let pairs = (0x80..=u8::MAX).flat_map(|lead| (0..=u8::MAX).map(move |trail| vec![lead, trail]));
            assert_eq!(sha(&digest(&codec, pairs)), expected, "{name}");
        }
    }
}
