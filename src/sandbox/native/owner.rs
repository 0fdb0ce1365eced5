//! Who vetrun is on this host, and which ids its runs get.

use super::spec::{Fault, Ids};
use crate::sandbox::owner::pid_namespace_number;

/// The first id of a range that no distribution and no container tool gives to anybody.
const UNUSED_BASE: u32 = 0x7000_0000;
/// Ids of one run.
const IDS: u32 = 2;
/// Process numbers are lower than this.
const PIDS: u32 = 1 << 22;
/// How many process namespaces of one host have ids of their own: containers number their processes alike, and the kernel
/// counts a user's processes in all of them together.
const PLACES: u32 = 31;

/// Whether vetrun was started by root.
pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The ids of the run whose launcher is the process `launcher`: two runs at one time never have the same.
pub(super) fn ids(launcher: u32) -> Result<Ids, Fault> {
    if !is_root() {
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        return Ok(Ids::User { uid, gid });
    }
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let none = Fault { action: "find unused user ids in this user namespace".to_owned(), errno: libc::ERANGE };
    base_in(&map, place(), launcher).map(|base| Ids::Root { base }).ok_or(none)
}

/// Whether a user of the unused range belonged to a run of this process namespace whose launcher is gone.
pub(super) fn is_left_behind(user: u32) -> bool {
    let first = UNUSED_BASE + place() * PIDS * IDS;
    let launcher = user.checked_sub(first).map(|offset| offset / IDS);
    launcher.filter(|pid| *pid < PIDS).is_some_and(|pid| !std::path::Path::new(&format!("/proc/{pid}")).exists())
}

/// Which of the [`PLACES`] this process namespace has. Two may share one, if there are many.
fn place() -> u32 {
    let number = pid_namespace_number();
    number.parse::<u64>().map_or(0, |number| u32::try_from(number % u64::from(PLACES)).unwrap_or(0))
}

/// Two ids for a run: in the unused range where this user namespace has it, else near the end of what it has.
fn base_in(map: &str, place: u32, launcher: u32) -> Option<u32> {
    let extents: Vec<(u32, u32)> = map
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let first = fields.next()?.parse().ok()?;
            Some((first, fields.nth(1)?.parse().ok()?))
        })
        .collect();
    let wanted = UNUSED_BASE.checked_add((place * PIDS).checked_add(launcher)?.checked_mul(IDS)?)?;
    let holds = |first: u32, count: u32| {
        wanted >= first && u64::from(wanted) + u64::from(IDS) <= u64::from(first) + u64::from(count)
    };
    if extents.iter().any(|&(first, count)| holds(first, count)) {
        return Some(wanted);
    }
    // Half of the largest range is for runs; ids below may be in use.
    let (first, count) = extents.into_iter().max_by_key(|&(_, count)| count)?;
    let pairs = count / 2 / IDS;
    let base = first.checked_add(count)?.checked_sub(IDS * (1 + launcher.checked_rem(pairs)?))?;
    (base > 0).then_some(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_the_map_and_differ() {
        let host = "         0          0 4294967295\n";
        assert_eq!(base_in(host, 0, 7), Some(UNUSED_BASE + 14));
        assert_eq!(base_in(host, 1, 0), base_in(host, 0, PIDS - 1).map(|base| base + IDS));
        assert!(base_in(host, PLACES - 1, PIDS - 1) < Some(0x8000_0000));
        let container = "0 100000 65536\n";
        assert_eq!(base_in(container, 3, 0), Some(65534));
        assert_ne!(base_in(container, 3, 1), base_in(container, 3, 2));
        assert_eq!(base_in("0 1000 1\n", 0, 5), None, "one id is not enough");
        assert_eq!(base_in("", 0, 5), None);
    }
}
