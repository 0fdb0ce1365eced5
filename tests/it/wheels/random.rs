//! Any bytes, and sound wheels with some bytes changed: they are judged, and nothing panics.

use proptest::prelude::*;
use vetrun::deps::wheel::{WheelLimits, elf};

use super::builder::{Descriptor, zip};
use super::{benign, vetted};

/// A sound wheel with members of every form.
fn sound() -> Vec<u8> {
    let mut entries = benign().all();
    for (at, entry) in entries.iter_mut().enumerate().filter(|(_, entry)| !entry.name.ends_with('/')) {
        match at % 4 {
            0 => entry.method = 8,
            1 => (entry.method, entry.descriptor) = (8, Descriptor::Short { signature: true }),
            2 => entry.is_long = true,
            _ => {}
        }
    }
    zip(&entries)
}

/// Judges a wheel as far as it goes.
fn judge(bytes: &[u8]) {
    if let Ok(wheel) = vetted(&benign().name(), bytes) {
        let verified = wheel.verify();
        let sources: u64 =
            wheel.sources(&WheelLimits::default()).filter_map(|source| Some(source.content.ok()?.len() as u64)).sum();
        assert!(verified.len() <= wheel.files.len() && sources <= WheelLimits::default().unpacked_bytes_max);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        judge(&bytes);
        let _any = elf::needed(&bytes);
        let _any = elf::needed(&[&b"\x7fELF\x02\x01"[..], &bytes].concat());
        // With an end that is sound, more of it is read.
        let mut ended = bytes.clone();
        ended.extend(b"PK\x05\x06\0\0\0\0\x02\0\x02\0");
        ended.extend(u32::try_from(bytes.len() / 2).unwrap().to_le_bytes());
        ended.extend(u32::try_from(bytes.len() - bytes.len() / 2).unwrap().to_le_bytes());
        ended.extend([0, 0]);
        judge(&ended);
    }

    #[test]
    fn a_changed_wheel_is_judged(changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = sound();
        let length = bytes.len();
        changes.iter().for_each(|(at, byte)| bytes[at.index(length)] = *byte);
        judge(&bytes);
    }

    #[test]
    fn a_cut_wheel_is_refused(at in any::<proptest::sample::Index>(), count in 1..50_usize) {
        let mut bytes = sound();
        let start = at.index(bytes.len());
        let end = (start + count).min(bytes.len());
        bytes.drain(start..end);
        prop_assert!(vetted(&benign().name(), &bytes).is_err());
    }

    #[test]
    fn any_name_is_read(name in "[a-zA-Z0-9._+!-]{0,60}(\\.whl)?|.{0,40}") {
        if let Ok(name) = name.parse::<vetrun::deps::wheel::WheelName>() {
            prop_assert!(name.tags().count() >= 1);
        }
    }
}
