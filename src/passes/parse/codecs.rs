//! The single-byte encodings of Python source that vetrun reads exactly as Python does.
//!
//! Names and tables are Python's, which differ from those of the WHATWG that `encoding_rs` follows: there `latin-1` is
//! windows-1252 and `iso-8859-9` windows-1254, and holes are filled with control characters.

use encoding_rs::Encoding;

/// How the bytes of a file become characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    /// UTF-8.
    Utf8,
    /// Seven bits.
    Ascii,
    /// Byte = code point.
    Latin1,
    /// Latin-1 with the six Turkish letters.
    Latin5,
    /// As `encoding_rs` has it, save that a byte which becomes a C1 control character is not valid.
    Windows(&'static Encoding),
    /// As `encoding_rs` has it.
    Whole(&'static Encoding),
}

/// The codec that Python finds under `name`; `None` for one that is not read here.
pub(super) fn codec(name: &str) -> Option<Codec> {
    let name: String =
        name.chars().map(|char| if matches!(char, '-' | '.') { '_' } else { char.to_ascii_lowercase() }).collect();
    Some(match name.as_str() {
        "utf_8" | "utf8" | "u8" | "utf" | "cp65001" | "utf8_ucs2" | "utf8_ucs4" | "utf_8_sig" => Codec::Utf8,
        "ascii" | "us_ascii" | "us" | "646" | "ansi_x3_4_1968" | "cp367" | "csascii" | "ibm367" | "iso646_us" => {
            Codec::Ascii
        }
        "latin_1" | "latin1" | "latin" | "l1" | "iso_8859_1" | "iso8859_1" | "8859" | "cp819" | "ibm819"
        | "iso8859" | "iso_8859_1_1987" | "iso_ir_100" | "csisolatin1" | "iso_latin_1" => Codec::Latin1,
        "iso_8859_9" | "iso8859_9" | "latin5" | "l5" => Codec::Latin5,
        "iso_8859_2" | "iso8859_2" | "latin2" | "l2" => Codec::Whole(encoding_rs::ISO_8859_2),
        "iso_8859_4" | "iso8859_4" | "latin4" | "l4" => Codec::Whole(encoding_rs::ISO_8859_4),
        "iso_8859_5" | "iso8859_5" | "cyrillic" => Codec::Whole(encoding_rs::ISO_8859_5),
        "iso_8859_10" | "iso8859_10" | "latin6" | "l6" => Codec::Whole(encoding_rs::ISO_8859_10),
        "iso_8859_13" | "iso8859_13" | "latin7" | "l7" => Codec::Whole(encoding_rs::ISO_8859_13),
        "iso_8859_14" | "iso8859_14" | "latin8" | "l8" => Codec::Whole(encoding_rs::ISO_8859_14),
        "iso_8859_15" | "iso8859_15" | "latin9" | "l9" => Codec::Whole(encoding_rs::ISO_8859_15),
        "iso_8859_16" | "iso8859_16" | "latin10" | "l10" => Codec::Whole(encoding_rs::ISO_8859_16),
        "koi8_r" | "cskoi8r" => Codec::Whole(encoding_rs::KOI8_R),
        "cp866" | "866" | "ibm866" | "csibm866" => Codec::Whole(encoding_rs::IBM866),
        "mac_roman" | "macroman" | "macintosh" => Codec::Whole(encoding_rs::MACINTOSH),
        "cp1250" | "1250" | "windows_1250" => Codec::Windows(encoding_rs::WINDOWS_1250),
        "cp1251" | "1251" | "windows_1251" => Codec::Windows(encoding_rs::WINDOWS_1251),
        "cp1252" | "1252" | "windows_1252" => Codec::Windows(encoding_rs::WINDOWS_1252),
        "cp1254" | "1254" | "windows_1254" => Codec::Windows(encoding_rs::WINDOWS_1254),
        "cp1257" | "1257" | "windows_1257" => Codec::Windows(encoding_rs::WINDOWS_1257),
        _ => return None,
    })
}

/// The text that `bytes` are in `codec`, or the offset of the first byte that is not valid.
pub(super) fn decode(codec: Codec, bytes: &[u8]) -> Result<String, usize> {
    let mut table = ['\0'; 256];
    let mut valid = [true; 256];
    for byte in 0..=u8::MAX {
        let char = char_of(codec, byte);
        table[usize::from(byte)] = char.unwrap_or('\0');
        valid[usize::from(byte)] = char.is_some();
    }
    match bytes.iter().position(|&byte| !valid[usize::from(byte)]) {
        Some(at) => Err(at),
        None => Ok(bytes.iter().map(|&byte| table[usize::from(byte)]).collect()),
    }
}

fn char_of(codec: Codec, byte: u8) -> Option<char> {
    let latin1 = char::from(byte);
    match codec {
        Codec::Utf8 | Codec::Ascii => latin1.is_ascii().then_some(latin1),
        Codec::Latin1 => Some(latin1),
        Codec::Latin5 => Some(match byte {
            0xd0 => 'Ğ',
            0xdd => 'İ',
            0xde => 'Ş',
            0xf0 => 'ğ',
            0xfd => 'ı',
            0xfe => 'ş',
            _ => latin1,
        }),
        Codec::Windows(encoding) => {
            whole(encoding, byte).filter(|char| byte < 0x80 || !('\u{80}'..='\u{9f}').contains(char))
        }
        Codec::Whole(encoding) => whole(encoding, byte),
    }
}

fn whole(encoding: &'static Encoding, byte: u8) -> Option<char> {
    let bytes = [byte];
    let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes)?;
    text.chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_pythons() {
        assert_eq!(codec("Latin-1"), Some(Codec::Latin1));
        assert_eq!(codec("ISO-8859-1"), Some(Codec::Latin1));
        assert_eq!(codec("iso8859-9"), Some(Codec::Latin5));
        assert_eq!(codec("utf_7"), None);
    }

    #[test]
    fn latin_1_is_not_windows_1252() {
        assert_eq!(decode(Codec::Latin1, b"\x80").as_deref(), Ok("\u{80}"));
        assert_eq!(decode(Codec::Windows(encoding_rs::WINDOWS_1252), b"\x80").as_deref(), Ok("€"));
        assert_eq!(decode(Codec::Windows(encoding_rs::WINDOWS_1252), b"a\x9d"), Err(1));
    }
}
