//! Files that others hold in memory, as an artifact.

use std::collections::BTreeMap;

use super::{is_plain_name, printable};
use crate::artifact::{Artifact, Refusal, Refused, SourceFile};
use crate::intake::IntakeError;
use crate::policy::IntakeLimits;

/// Makes an artifact called `name` of files with their paths. What is beyond a limit is refused.
///
/// # Errors
/// [`IntakeError::NothingToVet`] when there is no file, [`IntakeError::NoPath`] when a path is not a plain one below the
/// artifact's root, [`IntakeError::Twice`] when two files have the same.
pub fn read_files(
    name: &str,
    files: impl IntoIterator<Item = (String, Vec<u8>)>,
    limits: &IntakeLimits,
) -> Result<Artifact, IntakeError> {
    let mut taken: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut refused = Vec::new();
    let mut total = 0_u64;
    for (path, bytes) in files {
        let size = bytes.len() as u64;
        let is_below = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if !is_below || !is_plain_name(&path) {
            return Err(IntakeError::NoPath { path: printable(path.as_bytes()) });
        }
        if taken.contains_key(&path) {
            return Err(IntakeError::Twice { path });
        }
        let is_full = taken.len() as u64 >= limits.files_max;
        let limit = is_full.then_some(Refusal::Limit("files_max", limits.files_max));
        match limit.or_else(|| refusal(&path, size, total, limits)) {
            Some(reason) => refused.push(Refused { path: printable(path.as_bytes()), reason }),
            None => {
                total += size;
                taken.insert(path, bytes);
            }
        }
        // One refusal says that not everything was taken.
        if taken.len() as u64 >= limits.files_max && !refused.is_empty() {
            break;
        }
    }
    if taken.is_empty() && refused.is_empty() {
        return Err(IntakeError::NothingToVet { path: name.to_owned() });
    }
    let files = taken.into_iter().map(|(path, bytes)| SourceFile::new(path, bytes)).collect();
    Ok(Artifact::new(printable(name.as_bytes()), "-", files, refused))
}

fn refusal(path: &str, size: u64, total: u64, limits: &IntakeLimits) -> Option<Refusal> {
    if path.len() as u64 > limits.path_bytes_max {
        Some(Refusal::Limit("path_bytes_max", limits.path_bytes_max))
    } else if path.matches('/').count() as u64 > limits.depth_max {
        Some(Refusal::Limit("depth_max", limits.depth_max))
    } else if size > limits.file_bytes_max.bytes() {
        Some(Refusal::Limit("file_bytes_max", limits.file_bytes_max.bytes()))
    } else if total.saturating_add(size) > limits.total_bytes_max.bytes() {
        Some(Refusal::Limit("total_bytes_max", limits.total_bytes_max.bytes()))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::ByteSize;

    #[test]
    fn only_plain_paths_within_the_limits_are_taken() {
        let limits = IntakeLimits {
            files_max: 3,
            file_bytes_max: "9B".parse::<ByteSize>().expect("a size"),
            ..IntakeLimits::default()
        };
        let read = |files: &[(&str, &str)]| {
            let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
            read_files("a", files, &limits).map(|artifact| (artifact.files.len(), artifact.refused.len()))
        };
        assert_eq!(read(&[("a.py", "x"), ("b/c.py", "y")]).ok(), Some((2, 0)));
        for path in ["", "/a.py", "../a.py", "a//b.py", "a/./b.py", "a\n.py"] {
            assert!(matches!(read(&[(path, "x")]), Err(IntakeError::NoPath { .. })), "{path:?}");
        }
        assert!(matches!(read(&[("a.py", "x"), ("a.py", "y")]), Err(IntakeError::Twice { .. })));
        assert_eq!(read(&[("a.py", "0123456789")]).ok(), Some((0, 1)));
        assert_eq!(read(&[("a", "x"), ("b", "x"), ("c", "x"), ("d", "x"), ("e", "x")]).ok(), Some((3, 1)));
        assert!(read(&[]).is_err());
    }
}
