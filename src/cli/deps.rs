//! `vetrun deps`: what is known of names of packages, made from lists that others publish.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::Failure;
use super::args::{DepsCommand, UpdateArgs};
use super::reporting::answer;
use crate::deps::names::update::{self, Made, Source, SourceError};
use crate::deps::names::{NameData, TableKind};
use crate::vet::Exit;

/// Bytes of a list that is read.
const LIST_BYTES_MAX: u64 = 256 << 20;

/// `vetrun deps`.
pub(super) fn deps(command: &DepsCommand) -> Result<Exit, Failure> {
    match command {
        DepsCommand::Update(args) => update(args),
    }
}

/// `vetrun deps update`: makes every table before it writes any, so that a list that is refused changes nothing.
fn update(args: &UpdateArgs) -> Result<Exit, Failure> {
    let mut made = Vec::new();
    if let Some(list) = List::read(args.popular.as_deref())? {
        made.push((TableKind::Popular, update::popular(list.source())?));
    }
    // What the other lists are compared with is the new table, where there is one.
    let data = update::with(&made)?;
    let fixed = List::read(args.modules_fixed.as_deref())?;
    if let Some(list) = List::read(args.modules.as_deref())? {
        let fixed = fixed.as_ref().map(List::source);
        made.push((TableKind::Modules, update::modules(list.source(), fixed, &data)?));
    }
    type Make = fn(Source<'_>, &NameData) -> Result<Made, SourceError>;
    let others: [(TableKind, Option<&PathBuf>, Make); 3] = [
        (TableKind::Malicious, args.malicious.as_ref(), update::malicious),
        (TableKind::Invented, args.invented.as_ref(), update::invented),
        (TableKind::Npm, args.npm.as_ref(), update::npm),
    ];
    for (kind, path, make) in others {
        if let Some(list) = List::read(path.map(PathBuf::as_path))? {
            made.push((kind, make(list.source(), &data)?));
        }
    }
    let lists = args.standard_library.iter().map(|path| List::read(Some(path)));
    let lists: Vec<List> = lists.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    if !lists.is_empty() {
        let sources: Vec<Source<'_>> = lists.iter().map(List::source).collect();
        made.push((TableKind::StandardLibrary, update::standard_library(&sources)?));
    }
    // A table that could not be read back would be refused at the next check.
    update::with(&made)?;
    write(&args.into, &made)
}

fn write(folder: &Path, made: &[(TableKind, Made)]) -> Result<Exit, Failure> {
    if made.is_empty() {
        return Err("no list is named (`vetrun deps update --help` shows which there can be)".into());
    }
    let failed = |path: &Path, error| format!("could not write {}: {error}", path.display());
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for (kind, Made { text, kept, left_out }) in made {
        let path = folder.join(kind.file_name());
        fs::write(&path, text).map_err(|error| failed(&path, error))?;
        writeln!(answer(), "wrote {}: {kept} names, {left_out} left out", path.display())?;
    }
    Ok(Exit::Passed)
}

/// A list that was read.
struct List {
    file: String,
    text: String,
}

impl List {
    fn read(path: Option<&Path>) -> Result<Option<Self>, Failure> {
        let Some(path) = path else { return Ok(None) };
        let failed = |error| format!("could not read {}: {error}", path.display());
        if fs::metadata(path).map_err(failed)?.len() > LIST_BYTES_MAX {
            return Err(format!("{} has more than {LIST_BYTES_MAX} bytes", path.display()).into());
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        Ok(Some(Self { file: path.to_string_lossy().into_owned(), text }))
    }

    fn source(&self) -> Source<'_> {
        Source { file: &self.file, text: &self.text }
    }
}
