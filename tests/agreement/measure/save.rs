//! Cases on which the two disagree, written out for a closer look.

use std::fs;
use std::path::Path;

use super::Error;
use super::case::Case;
use super::oracle::Verdict;
use super::table::{engine_words, our_words};
use super::vetrun_side::Ours;

/// Writes a case to `folder` as a file of its kind, and beside it a text with what both said.
pub(crate) fn save(folder: &Path, name: &str, case: &Case, engine: &Verdict, ours: &Ours) -> Result<(), Error> {
    let extension = case.file_name.rsplit('.').next().unwrap_or_default();
    let said = format!(
        "case: {}\njudged as: {:?}, with {:?}\nengine: {}\nvetrun: {}\n",
        case.name,
        case.goal,
        case.package,
        engine_words(engine),
        our_words(ours),
    );
    let write = |extension: &str, bytes: &[u8]| {
        let path = folder.join(format!("{name}.{extension}"));
        fs::write(&path, bytes).map_err(|source| Error::Save { path, source })
    };
    fs::create_dir_all(folder).map_err(|source| Error::Save { path: folder.to_owned(), source })?;
    write(extension, &case.bytes)?;
    write("said.txt", said.as_bytes())
}
