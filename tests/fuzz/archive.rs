//! Source archives and packages of Node with any members: they are read or refused, and every file that is read has a
//! place of its own below the root.
//!
//! The bytes are the archive as it is before it is packed. Each block gets the checksum that a header needs, which no fuzzer
//! would guess. From the package's root:
//! `cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none archive -- -max_total_time=600`.

#![no_main]

use std::collections::BTreeSet;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use vetrun::deps::npm::NpmLimits;
use vetrun::deps::npm::archive::Contents;

fuzz_target!(|data: &[u8]| {
    let _any = Contents::read(data, &NpmLimits::default());
    let Ok(contents) = Contents::read(&packed(data), &NpmLimits::default()) else { return };
    let mut places = BTreeSet::new();
    for file in contents.files() {
        assert!(file.path.split('/').all(|part| !matches!(part, "" | "." | "..")), "{}", file.path);
        assert!(!file.path.contains(['\\', '\0', '\n']), "{}", file.path);
        assert!(places.insert(file.path), "{} is there twice", file.path);
    }
    let is_folder = |path: &str| places.iter().any(|place| place.starts_with(&format!("{path}/")));
    assert!(!places.iter().any(|path| is_folder(path)), "a file is a folder too: {places:?}");
});

/// The blocks of a `.tar` file with checksums, compressed.
fn packed(data: &[u8]) -> Vec<u8> {
    let mut bytes = data.to_vec();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    for block in bytes.chunks_exact_mut(512).filter(|block| block[0] != 0) {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    bytes.extend([0; 1024]);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}
