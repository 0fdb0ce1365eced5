//! Decoders: what encoded and compressed data means, within limits.

use std::io::Read as _;

use super::limits::FOLD_BYTES_MAX;

/// Data that is decompressed, as far as the limit of folded bytes lets it be; `None` where it is not of the format, or is
/// longer.
pub(super) fn inflated(data: &[u8], format: Compressed) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let most = u64::try_from(FOLD_BYTES_MAX + 1).ok()?;
    let read = match format {
        Compressed::Zlib => flate2::read::ZlibDecoder::new(data).take(most).read_to_end(&mut out),
        Compressed::Gzip => flate2::read::MultiGzDecoder::new(data).take(most).read_to_end(&mut out),
        Compressed::Raw => flate2::read::DeflateDecoder::new(data).take(most).read_to_end(&mut out),
    };
    read.ok()?;
    (out.len() <= FOLD_BYTES_MAX).then_some(out)
}

/// How data is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compressed {
    Zlib,
    Gzip,
    Raw,
}

/// Compressed data of whatever format it says it is.
pub(super) fn inflated_any(data: &[u8]) -> Option<Vec<u8>> {
    match data {
        [0x1f, 0x8b, ..] => inflated(data, Compressed::Gzip),
        _ => inflated(data, Compressed::Zlib).or_else(|| inflated(data, Compressed::Raw)),
    }
}

/// The text that Punycode means (RFC 3492): letters after the last hyphen say which others stand where.
pub(super) fn punycode(data: &[u8]) -> Option<String> {
    let (base, t_min, t_max, skew, damp) = (36_u32, 1_u32, 26_u32, 38_u32, 700_u32);
    let written = std::str::from_utf8(data).ok().filter(|text| text.is_ascii())?;
    let (plain, coded) = written.rsplit_once('-').unwrap_or(("", written));
    let mut out: Vec<char> = plain.chars().collect();
    let (mut code, mut at, mut bias) = (128_u32, 0_u32, 72_u32);
    let mut digits = coded.bytes();
    while digits.len() > 0 {
        let (before, mut weight, mut k) = (at, 1_u32, base);
        loop {
            let digit = char::from(digits.next()?).to_ascii_lowercase();
            let digit = if digit.is_ascii_digit() { digit as u32 - 22 } else { (digit as u32).checked_sub(97)? };
            at = at.checked_add(digit.checked_mul(weight)?)?;
            let t = k.saturating_sub(bias).clamp(t_min, t_max);
            if digit < t {
                break;
            }
            weight = weight.checked_mul(base - t)?;
            k += base;
        }
        let count = u32::try_from(out.len() + 1).ok()?;
        let mut delta = if before == 0 { at / damp } else { (at - before) / 2 };
        delta += delta / count;
        k = 0;
        while delta > (base - t_min) * t_max / 2 {
            delta /= base - t_min;
            k += base;
        }
        bias = k + (base - t_min + 1) * delta / (delta + skew);
        code = code.checked_add(at / count)?;
        at %= count;
        out.insert(at as usize, char::from_u32(code)?);
        at += 1;
    }
    Some(out.into_iter().collect())
}

/// The bytes that a base32 text means, in the alphabet of RFC 4648 or, with `hex`, in its extended one.
pub(super) fn base32(data: &[u8], hex: bool) -> Option<Vec<u8>> {
    let (mut bits, mut count, mut out) = (0_u64, 0_u32, Vec::with_capacity(data.len() * 5 / 8));
    for &byte in data.iter().filter(|byte| **byte != b'=' && !byte.is_ascii_whitespace()) {
        let upper = byte.to_ascii_uppercase();
        let digit = match (upper, hex) {
            (b'A'..=b'Z', false) => upper - b'A',
            (b'2'..=b'7', false) => upper - b'2' + 26,
            (b'0'..=b'9', true) => upper - b'0',
            (b'A'..=b'V', true) => upper - b'A' + 10,
            _ => return None,
        };
        bits = (bits << 5 | u64::from(digit)) & 0xffff;
        count += 5;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(out)
}

/// The bytes that a base85 text means, in the alphabet that Python calls `b85`.
pub(super) fn base85(data: &[u8]) -> Option<Vec<u8>> {
    const ALPHABET: &[u8; 85] =
        b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
    let digits: Option<Vec<u32>> =
        data.iter().map(|byte| u32::try_from(ALPHABET.iter().position(|one| one == byte)?).ok()).collect();
    groups_of_85(&digits?)
}

/// The bytes that an Ascii85 text means, with or without the frame of Adobe.
pub(super) fn ascii85(data: &[u8]) -> Option<Vec<u8>> {
    let text = data.strip_prefix(b"<~").unwrap_or(data);
    let text = text.strip_suffix(b"~>").unwrap_or(text);
    let mut digits = Vec::with_capacity(text.len());
    for &byte in text.iter().filter(|byte| !byte.is_ascii_whitespace()) {
        match byte {
            b'z' if digits.len() % 5 == 0 => digits.extend([0; 5]),
            b'!'..=b'u' => digits.push(u32::from(byte - b'!')),
            _ => return None,
        }
    }
    groups_of_85(&digits)
}

fn groups_of_85(digits: &[u32]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(digits.len() * 4 / 5);
    for group in digits.chunks(5) {
        let mut word = 0_u64;
        for at in 0..5 {
            word = word * 85 + u64::from(group.get(at).copied().unwrap_or(84));
        }
        let bytes = u32::try_from(word).ok()?.to_be_bytes();
        out.extend_from_slice(&bytes[..group.len().saturating_sub(1)]);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punycode_is_that_of_its_standard() {
        let decoded = |text: &str| punycode(text.as_bytes());
        assert_eq!(decoded("os-").as_deref(), Some("os"));
        assert_eq!(decoded("mnchen-3ya").as_deref(), Some("münchen"));
        assert_eq!(decoded("egbpdaj6bu4bxfgehfvwxn").as_deref(), Some("ليهمابتكلموشعربي؟"));
        assert_eq!(decoded("a-!"), None);
    }

    #[test]
    fn decoders_agree_with_python() {
        assert_eq!(base32(b"ON4XG5DFNU======", false).as_deref(), Some(&b"system"[..]));
        assert_eq!(base32(b"EDSN6T35DK======", true), base32(b"EDSN6T35DK", true));
        assert_eq!(base85(b"b9r-gWo-").as_deref(), Some(&b"system"[..]));
        assert_eq!(ascii85(b"F*VhKASh").as_deref(), Some(&b"system"[..]));
    }

    #[test]
    fn what_grows_too_large_is_not_read() {
        use std::io::Write as _;
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![0; FOLD_BYTES_MAX + 1]).expect("memory takes it");
        let bomb = encoder.finish().expect("memory takes it");
        assert_eq!(inflated(&bomb, Compressed::Zlib), None);
        assert_eq!(inflated_any(b"nothing of the kind"), None);
    }
}
