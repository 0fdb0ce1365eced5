//! Wheels of any bytes: they are judged, and what is admitted is read to its end.
//!
//! From the package's root: `cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none wheel -- -max_total_time=600`.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use vetrun::deps::wheel::{Surroundings, WheelLimits, WheelName, elf, vet};

/// Small enough that a bomb which gets by would be seen as time and memory.
const LIMITS_BYTES: u64 = 64 << 20;

fuzz_target!(|data: &[u8]| {
    let name: WheelName = "sample-1.0-py3-none-any.whl".parse().expect("it is a wheel's name");
    let limits = WheelLimits { unpacked_bytes_max: LIMITS_BYTES, ..WheelLimits::default() };
    let around = Surroundings { stdlib: &BTreeSet::new(), owner_of: &|_| None, interpreter: None };
    let _any = elf::needed(data);
    match vet(&name, data, &limits, &around) {
        Ok(wheel) => {
            let stays = |target: &str| target.split('/').all(|part| !matches!(part, "" | "." | ".."));
            assert!(wheel.files.iter().all(|file| stays(&file.target)), "every file lands below the root");
            let _any = wheel.verify();
            wheel.sources(&limits).for_each(drop);
        }
        Err(findings) => assert!(!findings.is_empty(), "a wheel is refused for something"),
    }
});
