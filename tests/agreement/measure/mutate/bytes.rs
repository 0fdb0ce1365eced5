//! Bytes and characters that are rarely met: encodings and the lines that name them, byte order marks, NUL, line ends,
//! letters that only some versions of Unicode have, escapes in names.

use super::super::random::Random;
use super::{Dialect, boundary, is_word, replaced, tokens};

/// Names of encodings, known and unknown, as they are written in source files.
const ENCODINGS: &str = "utf-8 UTF-8 utf8 UTF8 U8 utf_8 utf-8-sig utf_8_sig utf-8-unix utf-8-foo cp65001 latin-1 latin1 \
    Latin-1 L1 iso-8859-1 ISO8859-1 iso8859-1 iso_8859_1 iso-latin-1 iso-latin-1-unix latin-1-unix 8859 cp819 ascii \
    us-ascii ASCII 646 ansi_x3.4_1968 cp1252 windows-1252 1252 cp1250 cp1251 windows-1251 cp437 437 IBM437 cp850 cp866 \
    cp874 cp932 ms932 932 mskanji cp949 949 uhc cp950 950 gbk 936 cp936 gb2312 euc-cn gb18030 big5 big5-tw big5hkscs \
    shift_jis sjis shiftjis s_jis shift_jisx0213 euc-jp eucjp ujis u-jis euc_jis_2004 euc-kr euckr ksc5601 johab \
    iso-2022-jp iso2022_jp iso2022-kr hz hzgb koi8-r koi8_r koi8-u koi8-t kz1048 mac_roman mac-roman macroman macintosh \
    mac-cyrillic mac-latin2 iso8859-15 iso-8859-15 latin9 latin-9 iso8859_2 l2 iso-8859-11 thai tis-620 ptcp154 hp-roman8 \
    roman8 palmos utf-16 utf16 utf-16le utf-16-be utf-32 utf-7 utf7 u7 unicode_escape unicode-escape raw_unicode_escape \
    raw-unicode-escape idna punycode rot13 rot_13 hex base64 bz2 zlib quopri uu mbcs oem undefined charmap foobar none \
    UTF-8.1 x-sjis cp037 cp500 cp1140 cp1026 EBCDIC-CP-CH utf-8x utf--8 utf utf-80 latin latin-10 iso-8859-16 cp720";

/// Signs that are no letters, or letters that look like something else.
const SIGNS: &str = "\u{a0}\u{ad}\u{85}\u{1680}\u{180e}\u{2000}\u{2009}\u{200b}\u{200c}\u{200d}\u{200e}\u{202e}\u{2028}\u{2029}\
    \u{2060}\u{2066}\u{2069}\u{3000}\u{feff}\u{fffd}\u{ffff}\u{b7}\u{387}\u{1369}\u{19da}\u{2118}\u{212e}\u{309b}\u{309c}\u{2e2f}\u{b2}\
    \u{aa}\u{ba}\u{fb01}\u{2160}\u{1d4d0}\u{1f600}\u{e0100}\u{37a}\u{e33}\u{eb3}\u{ff1a}\u{ff08}\u{2044}\u{2215}\u{201c}\u{2019}\u{ab}";

/// Comments that name an encoding, with `@` for the name.
const COOKIES: &[&str] = &[
    "# -*- coding: @ -*-\n",
    "# coding: @\n",
    "#coding=@\n",
    "# vim: set fileencoding=@ :\n",
    "# encoding: @\r\n",
    "#!/usr/bin/python\n# coding: @\n",
    "\n# coding: @\n",
    "# a\n# b\n# coding: @\n",
    "\"\"\"x\"\"\"\n# coding: @\n",
    "\u{c}# coding: @\n",
    "  # coding: @\n",
    "x = 1 # coding: @\n",
    "# coding : @\n",
    "# decoding:@;\n",
    "#\r# coding: @\n",
    "# coding: @\r",
    "# coding: utf-8 coding: @\n",
    "pass\n# coding: @\n",
    "\\\n# coding: @\n",
    "# coding: \"@\"\n",
];

/// The text with something rare in it, as bytes.
pub(crate) fn changed(text: &str, dialect: &Dialect, random: &mut Random) -> Vec<u8> {
    match random.below(12) {
        0 => raw_bytes(text.as_bytes(), random),
        1..4 => in_a_name(text, &rare_character(random).to_string(), dialect, random).into_bytes(),
        4 => {
            let at = boundary(text, random.below(text.len() + 1));
            replaced(text, at..at, &rare_character(random).to_string()).into_bytes()
        }
        5 | 6 if dialect.indented => with_cookie(text, random),
        5 | 6 => in_a_name(text, &escaped(random), dialect, random).into_bytes(),
        7 => [marks(random), text.as_bytes()].concat(),
        8 => control(text, random).into_bytes(),
        9 => line_ends(text, random).into_bytes(),
        10 => in_a_literal(text, random).into_bytes(),
        _ => wide(text, random),
    }
}

/// A few bytes that are no text by themselves, put in somewhere.
fn raw_bytes(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let at = random.below(bytes.len() + 1);
    let put = (0..=random.below(3)).map(|_| 0x80 + (random.next() % 0x80) as u8);
    [&bytes[..at], &put.collect::<Vec<u8>>(), &bytes[at..]].concat()
}

/// A character from anywhere in Unicode, or one of [`SIGNS`].
fn rare_character(random: &mut Random) -> char {
    let signs: Vec<char> = SIGNS.chars().collect();
    let (from, to) =
        [(0x80, 0x600), (0x600, 0x3100), (0xa000, 0x10000), (0x10000, 0x1e000), (0x1e000, 0x32000), (0, 0)]
            [random.below(6)];
    let code = from + random.below(to - from);
    let found = (to > 0).then(|| u32::try_from(code).ok().and_then(char::from_u32)).flatten();
    found.unwrap_or_else(|| signs[random.below(signs.len())])
}

/// Puts `what` behind a name of the text, or in front of it.
fn in_a_name(text: &str, what: &str, dialect: &Dialect, random: &mut Random) -> String {
    let tokens = tokens(text, dialect);
    let names: Vec<_> = tokens.into_iter().filter(|range| text[range.clone()].starts_with(is_word)).collect();
    if names.is_empty() {
        return format!("{what} = 1\n{text}");
    }
    let name = names[random.below(names.len())].clone();
    let at = if random.below(2) == 0 { name.start } else { name.end };
    replaced(text, at..at, what)
}

/// A letter of a name, as JavaScript can write it too.
fn escaped(random: &mut Random) -> String {
    let code = match random.below(3) {
        0 => 0x61 + random.below(26),
        1 => random.below(0x80),
        _ => random.below(0x11_2000),
    };
    if random.below(2) == 0 { format!("\\u{code:04x}") } else { format!("\\u{{{code:x}}}") }
}

/// A comment that names an encoding, and now and then bytes that mean something only in it.
fn with_cookie(text: &str, random: &mut Random) -> Vec<u8> {
    let names: Vec<&str> = ENCODINGS.split_whitespace().collect();
    let cookie = random.pick(COOKIES).replace('@', random.pick(&names));
    let body: Vec<u8> = match random.below(3) {
        // One byte for each character, as in Latin-1.
        0 => text.chars().map(|char| u8::try_from(u32::from(char)).unwrap_or(b'?')).collect(),
        1 => raw_bytes(format!("'' # x\n{text}").as_bytes(), random),
        _ => text.as_bytes().to_vec(),
    };
    let mark: &[u8] = if random.below(6) == 0 { b"\xef\xbb\xbf" } else { b"" };
    [mark, cookie.as_bytes(), &body].concat()
}

fn marks(random: &mut Random) -> &'static [u8] {
    const MARKS: &[&[u8]] = &[
        b"\xef\xbb\xbf",
        b"\xef\xbb\xbf\xef\xbb\xbf",
        b"\xef\xbb",
        b"\xff\xfe",
        b"\xfe\xff",
        b"\x00",
        b"\x1a",
        b"\x0c",
        b"\xef\xbb\xbf#!/usr/bin/env x\n",
        b" #!/usr/bin/env x\n",
        b"\n#!/usr/bin/env x\n",
        b"\xef\xbb\xbf# coding: utf-8\n",
        b"#!/usr/bin/env x\r",
        b"#!/usr/bin/env \xff\n",
        b"\xe2\x80\xa8",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
    ];
    MARKS[random.below(MARKS.len())]
}

fn control(text: &str, random: &mut Random) -> String {
    let at = boundary(text, random.below(text.len() + 1));
    let code = u8::try_from(random.below(0x20)).expect("it is small");
    replaced(text, at..at, &char::from(if random.below(8) == 0 { 0x7f } else { code }).to_string())
}

fn line_ends(text: &str, random: &mut Random) -> String {
    const ENDS: &[&str] =
        &["\r", "\r\n", "\r\r\n", "\n\r", "\u{c}\n", "\n\u{c}", "\u{b}", "\u{85}", "\u{2028}", "\u{2029}", " \\\n"];
    let end = random.pick(ENDS);
    if random.below(2) == 0 {
        return text.replace('\n', end);
    }
    let places: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    if places.is_empty() {
        return [text, end].concat();
    }
    let at = places[random.below(places.len())];
    replaced(text, at..at + 1, end)
}

/// An escape, or a rare character, behind a quote of the text.
fn in_a_literal(text: &str, random: &mut Random) -> String {
    const ESCAPES: &[&str] = &[
        "\\x4",
        "\\x41",
        "\\u12",
        "\\u1234",
        "\\U00110000",
        "\\U0001F600",
        "\\N{DASH}",
        "\\N{EM DASH}",
        "\\N{em dash}",
        "\\N{LATIN SMALL LETTER A}",
        "\\N{HANGUL SYLLABLE GA}",
        "\\N{CJK UNIFIED IDEOGRAPH-4E00}",
        "\\N{VS1}",
        "\\N{",
        "\\400",
        "\\8",
        "\\0",
        "\\08",
        "\\u{61}",
        "\\u{110000}",
        "\\u{}",
        "\\c",
        "\\\r\n",
        "\\\u{2028}",
        "\u{2028}",
        "\u{e9}",
        "\r",
        "\\ud800",
        "\\d",
        "{",
        "}",
        "${",
        "\0",
    ];
    let places: Vec<usize> = text.match_indices(['\'', '"', '`', '/']).map(|(at, _)| at + 1).collect();
    if places.is_empty() {
        return format!("'{}'\n{text}", random.pick(ESCAPES));
    }
    let at = places[random.below(places.len())];
    replaced(text, at..at, random.pick(ESCAPES))
}

/// The text in an encoding of two or four bytes a character.
fn wide(text: &str, random: &mut Random) -> Vec<u8> {
    let kind = random.below(4);
    let marked = (kind < 2).then_some('\u{feff}');
    let units: Vec<u16> = marked.into_iter().chain(text.chars()).map(|char| u32::from(char) as u16).collect();
    match kind {
        0 => units.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
        1 => units.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
        2 => units.iter().flat_map(|unit| u32::from(*unit).to_le_bytes()).collect(),
        _ => raw_bytes(text.as_bytes(), random),
    }
}
