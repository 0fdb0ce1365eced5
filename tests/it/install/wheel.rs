//! Wheels made by hand, sound and otherwise.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use sha2::{Digest as _, Sha256};

/// A wheel: its file name and its bytes.
#[derive(Clone)]
pub(super) struct Wheel {
    pub(super) name: String,
    pub(super) filename: String,
    pub(super) bytes: Vec<u8>,
}

/// What goes into a wheel beside its files.
#[derive(Default)]
pub(super) struct Options<'a> {
    /// Lines of the metadata after name and version.
    pub(super) metadata: &'a str,
    /// Lines that stand in `RECORD` as they are, after the right ones.
    pub(super) record: &'a str,
    /// A path whose recorded digest is wrong.
    pub(super) lie_about: &'a str,
    /// A path that `RECORD` leaves out.
    pub(super) leave_out: &'a str,
}

/// A wheel of `files`; its `RECORD` is right unless the options say otherwise.
pub(super) fn wheel(name: &str, version: &str, files: &[(&str, &str)], options: &Options<'_>) -> Wheel {
    let folder = format!("{name}-{version}.dist-info");
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{}\n", options.metadata);
    let tag = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n".to_owned();
    let mut all: Vec<(String, String)> =
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    all.push((format!("{folder}/METADATA"), metadata));
    all.push((format!("{folder}/WHEEL"), tag));
    let mut record = String::new();
    for (path, text) in all.iter().filter(|(path, _)| path != options.leave_out) {
        let seen = if path == options.lie_about { "something else" } else { text };
        record.push_str(&format!("{path},sha256={},{}\n", base64url(&Sha256::digest(seen)), text.len()));
    }
    record.push_str(&format!("{}{folder}/RECORD,,\n", options.record));
    all.push((format!("{folder}/RECORD"), record));
    let filename = format!("{name}-{version}-py3-none-any.whl");
    Wheel { name: name.to_lowercase().replace(['_', '.'], "-"), filename, bytes: zip(&all) }
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0_u8; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let group = u32::from_be_bytes(group);
        for at in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(group >> (18 - 6 * at)) as usize & 63]));
        }
    }
    text
}

/// A zip archive with stored entries.
fn zip(files: &[(String, String)]) -> Vec<u8> {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for (path, text) in files {
        let offset = u32::try_from(body.len()).unwrap();
        let size = u32::try_from(text.len()).unwrap().to_le_bytes();
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        common.extend(crc32(text.as_bytes()).to_le_bytes());
        common.extend(size);
        common.extend(size);
        common.extend(u16::try_from(path.len()).unwrap().to_le_bytes());
        common.extend([0, 0]);
        body.extend(b"PK\x03\x04");
        body.extend(&common);
        body.extend(path.as_bytes());
        body.extend(text.as_bytes());
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(&common);
        directory.extend([0; 6]);
        directory.extend((0o100_644_u32 << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(path.as_bytes());
    }
    let count = u16::try_from(files.len()).unwrap().to_le_bytes();
    let (start, size) = (u32::try_from(body.len()).unwrap(), u32::try_from(directory.len()).unwrap());
    body.extend(directory);
    body.extend(b"PK\x05\x06\0\0\0\0");
    body.extend(count);
    body.extend(count);
    body.extend(size.to_le_bytes());
    body.extend(start.to_le_bytes());
    body.extend([0, 0]);
    body
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1)))
    })
}
