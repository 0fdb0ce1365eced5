//! Questions to a name server, of which a trace tells the name.

/// Bytes before the first question of a message.
const HEADER_BYTES: usize = 12;
/// Bytes of a name, at most, by the protocol.
const NAME_BYTES_MAX: usize = 255;
/// The bits of the flags that say "a plain question": an answer, another operation and errors have others.
const QUESTION_BITS: u8 = 0b1111_1000;

/// The name that a message asks for; `None` where it is no question.
pub(super) fn name(message: &[u8]) -> Option<String> {
    let (header, mut rest) = message.split_at_checked(HEADER_BYTES)?;
    let is_question = header[2] & QUESTION_BITS == 0 && header[4..10] == [0, 1, 0, 0, 0, 0];
    if !is_question {
        return None;
    }
    let mut name = String::new();
    loop {
        let (&length, after) = rest.split_first()?;
        if length == 0 {
            // A type and a class follow.
            return (after.len() >= 4 && !name.is_empty()).then_some(name);
        }
        let (label, after) = after.split_at_checked(length.into())?;
        if length >= 64 || name.len() > NAME_BYTES_MAX {
            return None;
        }
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(&String::from_utf8_lossy(label));
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_tells_its_name() {
        let question = |flags: u8, count: u8, name: &[u8]| {
            [&[7, 7, flags, 0, 0, count, 0, 0, 0, 0, 0, 0][..], name, &[0, 1, 0, 1]].concat()
        };
        let name_bytes = b"\x07example\x07invalid\0";
        assert_eq!(name(&question(1, 1, name_bytes)).as_deref(), Some("example.invalid"));
        assert_eq!(name(&question(0, 1, b"\x01a\0")).as_deref(), Some("a"));
        for other in [
            question(0x81, 1, name_bytes),
            question(1, 2, name_bytes),
            question(1, 1, b"\0"),
            question(1, 1, b"\xc0\x0c"),
            question(1, 1, b"\x3fshort"),
            name_bytes.to_vec(),
            question(1, 1, name_bytes)[..20].to_vec(),
            Vec::new(),
        ] {
            assert_eq!(name(&other), None, "{other:?}");
        }
    }

    #[test]
    fn a_name_has_an_end() {
        let endless = [&[7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &b"\x01a".repeat(1000)].concat();
        assert_eq!(name(&endless), None);
    }
}
