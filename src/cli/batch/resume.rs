//! The JSON Lines of an earlier batch, taken up again.
//!
//! A report counts again where a new one would say the same but for its times: its artifact is read anew, and the report's
//! id, which stands for the artifact's content and everything that it is judged by, must be the same. A report of
//! something that was not vetted never counts.
//!
//! The file is whole at every moment. What can count is copied into a new file, which then takes the old one's place in one
//! step; new reports are appended to it. Lines that were torn, and summaries, are left behind. Where an artifact turns out
//! to have changed, its old line goes in the same way at the end; until then the later line of the two counts.

use std::collections::{HashMap, HashSet};
use std::fs::{File, Permissions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use tempfile::NamedTempFile;

use crate::artifact::Artifact;
use crate::cli::Failure;
use crate::cli::reporting::folder;
use crate::output::jsonl::Line;
use crate::report::{Report, Verdict};
use crate::vet::Session;

/// Bytes of one line; a longer one is no report of vetrun.
const LINE_BYTES_MAX: u64 = 1 << 30;

/// A batch that was taken up.
pub(super) struct Earlier {
    pub(super) known: Known,
    pub(super) continued: Continued,
}

/// What an earlier batch said, by the roots of its artifacts.
pub(super) struct Known {
    file: File,
    reports: HashMap<String, Place>,
    stale: Arc<Mutex<Vec<Range<u64>>>>,
}

/// Where a report stands in the file.
struct Place {
    id: String,
    line: Range<u64>,
}

/// The file as it goes on.
pub(super) struct Continued {
    file: File,
    path: PathBuf,
    /// Lines whose artifacts have another by now.
    stale: Arc<Mutex<Vec<Range<u64>>>>,
}

/// What is read of a line at first.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Head {
    Report { id: String, status: Verdict, artifact: Root },
    Summary {},
}

#[derive(Deserialize)]
struct Root {
    root: String,
}

impl Earlier {
    /// Takes up the batch in the file `source`, of which reports on `roots` may count again, and goes on in the file
    /// `target`. Where there is no such batch, one is begun.
    pub(super) fn take_up(source: &Path, target: &Path, roots: &HashSet<String>) -> Result<Self, Failure> {
        let unwritten = |error: io::Error| format!("could not write {}: {error}", target.display());
        let mut new = beside(target).map_err(unwritten)?;
        let mut places = Places::default();
        match File::open(source) {
            Ok(old) => copy(source, old, &mut new, roots, &mut places)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("could not read {}: {error}", source.display()).into()),
        }
        let file = put(new, target).map_err(unwritten)?;
        let stale = Arc::new(Mutex::new(places.stale));
        let known =
            Known { file: file.try_clone().map_err(unwritten)?, reports: places.reports, stale: Arc::clone(&stale) };
        Ok(Self { known, continued: Continued { file, path: target.to_owned(), stale } })
    }
}

/// Where reports stand in the new file.
#[derive(Default)]
struct Places {
    reports: HashMap<String, Place>,
    stale: Vec<Range<u64>>,
}

/// Copies the lines that may count again.
fn copy(
    source: &Path,
    old: File,
    new: &mut NamedTempFile,
    roots: &HashSet<String>,
    places: &mut Places,
) -> Result<(), Failure> {
    let failed = |error: io::Error| format!("could not take up {}: {error}", source.display());
    let (mut old, mut new) = (BufReader::new(old), BufWriter::new(new));
    let (mut line, mut number, mut at) = (Vec::new(), 0, 0);
    loop {
        line.clear();
        number += 1;
        let bytes = old.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line).map_err(failed)?;
        // What has no end was being written when the batch was ended.
        if !line.ends_with(b"\n") {
            if bytes as u64 == LINE_BYTES_MAX {
                return Err(no_line(source, number, "it is too long"));
            }
            return Ok(new.flush().map_err(failed)?);
        }
        let head = serde_json::from_slice(&line).map_err(|error| no_line(source, number, &error.to_string()))?;
        let Head::Report { id, status, artifact: Root { root } } = head else { continue };
        if status == Verdict::Error || !roots.contains(&root) {
            continue;
        }
        new.write_all(&line).map_err(failed)?;
        let place = Place { id, line: at..at + bytes as u64 };
        at = place.line.end;
        places.stale.extend(places.reports.insert(root, place).map(|older| older.line));
    }
}

fn no_line(source: &Path, number: usize, why: &str) -> Failure {
    let source = source.display();
    format!("line {number} of {source} is no report of vetrun ({why}); name a file that `vetrun batch` has written")
        .into()
}

impl Known {
    /// The report on an artifact, if it would be said again by this session.
    pub(super) fn report(&self, artifact: &Artifact, session: &Session<'_>) -> Option<Report> {
        let place = self.reports.get(&artifact.root).filter(|place| place.id == session.id(artifact))?;
        let mut line = vec![0; usize::try_from(place.line.end - place.line.start).ok()?];
        self.file.read_exact_at(&mut line, place.line.start).ok()?;
        match serde_json::from_slice(&line).ok()? {
            Line::Report(report) => Some(*report),
            Line::Summary(_) => None,
        }
    }

    /// There is another report on the artifact with this root.
    pub(super) fn replace(&self, root: &str) {
        if let Some(place) = self.reports.get(root) {
            self.stale.lock().unwrap_or_else(PoisonError::into_inner).push(place.line.clone());
        }
    }
}

impl Continued {
    /// Adds a line.
    pub(super) fn add(&mut self, line: &[u8]) -> io::Result<()> {
        self.file.write_all(line)
    }

    /// Leaves out what does not count any more, and adds the last line.
    pub(super) fn end(mut self, summary: &[u8]) -> io::Result<()> {
        let mut stale = std::mem::take(&mut *self.stale.lock().unwrap_or_else(PoisonError::into_inner));
        if stale.is_empty() {
            return self.add(summary);
        }
        stale.sort_by_key(|range| range.start);
        let end = self.file.metadata()?.len();
        let mut new = beside(&self.path)?;
        let mut at = 0;
        for gap in stale.into_iter().chain(std::iter::once(end..end)) {
            self.file.seek(SeekFrom::Start(at))?;
            io::copy(&mut (&self.file).take(gap.start.saturating_sub(at)), &mut new)?;
            at = gap.end.max(at);
        }
        new.write_all(summary)?;
        put(new, &self.path).map(drop)
    }
}

/// A new file in the folder of `path`, which is to take its place.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let mut new = tempfile::Builder::new();
    // As of any file that is made, the user's mask takes away from this.
    new.prefix(".vetrun-batch-").permissions(Permissions::from_mode(0o666)).tempfile_in(folder(path))
}

/// Puts a file in its place, whole and on the disk.
fn put(new: NamedTempFile, path: &Path) -> io::Result<File> {
    new.as_file().sync_all()?;
    new.persist(path).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(root: &str, id: &str, status: &str) -> String {
        format!(
            "{{\"type\":\"report\",\"id\":\"{id}\",\"status\":\"{status}\",\"artifact\":{{\"root\":\"{root}\"}}}}\n"
        )
    }

    fn roots() -> HashSet<String> {
        ["a", "b", "c"].map(str::to_owned).into()
    }

    #[test]
    fn what_may_count_again_is_kept_and_what_is_replaced_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("r.jsonl");
        let (a, b, newer) = (report("a", "1", "passed"), report("b", "2", "failed"), report("b", "3", "passed"));
        let error = report("c", "4", "error");
        let old =
            format!("{a}{b}{error}{}{{\"type\":\"summary\"}}\n{newer}{{\"type\":\"rep", report("d", "5", "passed"));
        std::fs::write(&path, old).expect("a file");
        let Earlier { known, mut continued } = Earlier::take_up(&path, &path, &roots()).expect("it is one");
        let now = || std::fs::read_to_string(&path).expect("it is there");
        assert_eq!(now(), format!("{a}{b}{newer}"));
        let ids: Vec<_> = ["a", "b", "c", "d"].map(|root| known.reports.get(root).map(|place| &*place.id)).into();
        assert_eq!(ids, [Some("1"), Some("3"), None, None]);
        let last = report("a", "6", "passed");
        continued.add(last.as_bytes()).expect("it can be written");
        known.replace("a");
        known.replace("c");
        continued.end(b"end\n").expect("it can be written");
        assert_eq!(now(), format!("{newer}{last}end\n"));
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn a_batch_can_go_on_in_another_file_and_be_begun() {
        let folder = tempfile::tempdir().expect("a folder");
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        let text = report("a", "1", "passed");
        std::fs::write(&old, &text).expect("a file");
        for (source, wanted) in [(&old, text.clone()), (&folder.path().join("none"), String::new())] {
            let Earlier { continued, .. } = Earlier::take_up(source, &new, &roots()).expect("it can be written");
            continued.end(b"end\n").expect("it can be written");
            assert_eq!(std::fs::read_to_string(&new).expect("it is there"), format!("{wanted}end\n"));
        }
        assert_eq!(std::fs::read_to_string(&old).expect("it is there"), text);
    }

    #[test]
    fn what_is_no_batch_is_left_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notes.txt");
        let text = format!("{}my notes\n", report("a", "1", "passed"));
        std::fs::write(&path, &text).expect("a file");
        let error = Earlier::take_up(&path, &path, &roots()).err().expect("it is none").to_string();
        assert!(error.contains("line 2 of"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).expect("it is there"), text);
    }
}
