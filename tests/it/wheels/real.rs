//! Real wheels, where there are any: none is refused, all of them keep their word, and none panics when it is changed.

use std::path::PathBuf;

use vetrun::deps::wheel::WheelName;

use super::vetted;

/// Bytes of the largest wheel that is changed here, and in how many ways.
const CHANGED_BYTES_MAX: usize = 200_000;
const CHANGES: usize = 200;

/// Set `VETRUN_WHEELS` to a folder of wheels.
#[test]
fn real_wheels_are_sound() {
    let Some(folder) = std::env::var_os("VETRUN_WHEELS").map(PathBuf::from) else {
        println!("VETRUN_WHEELS is not set: no real wheels were vetted");
        return;
    };
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()?.parse::<WheelName>().ok()) else { continue };
        let bytes = std::fs::read(&path).unwrap();
        let wheel = vetted(&name, &bytes).unwrap_or_else(|findings| panic!("{name}: {findings:?}"));
        assert_eq!(wheel.verify(), [], "{name}");
        if bytes.len() <= CHANGED_BYTES_MAX {
            change(&name, &bytes);
        }
        count += 1;
    }
    assert!(count > 0, "there are no wheels in the folder");
}

/// Changes bytes all over a wheel, most of them in its directory, which is at its end.
fn change(name: &WheelName, bytes: &[u8]) {
    for at in 0..CHANGES {
        let mut changed = bytes.to_vec();
        let from_end = (at * at * 7919 + at) % bytes.len().min(if at % 2 == 0 { 2_000 } else { bytes.len() });
        let place = bytes.len() - 1 - from_end;
        changed[place] = changed[place].wrapping_add(1 + u8::try_from(at % 255).unwrap());
        if let Ok(wheel) = vetted(name, &changed) {
            let _any = wheel.verify();
        }
    }
}
