//! A corpus: a list of cases that are made one at a time, so that twenty thousand of them need no room.

use std::path::PathBuf;
use std::sync::Arc;

use super::Error;
use super::case::{Case, Goal};
use super::files::LibraryFile;
use super::mutate::grammar::Grammar;
use super::mutate::{self, Dialect};
use super::random::Random;
use super::test262::Run;

/// How often another file is picked where one is no UTF-8.
const PICKS_MAX: usize = 16;

/// A list of cases with a name.
#[derive(Debug)]
pub(crate) struct Corpus {
    /// What the tables call it.
    pub(crate) name: String,
    source: Source,
}

/// How files of a library become cases.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    /// A whole file with one fault.
    Mutant,
    /// A piece of a file with one to three faults.
    Fragment,
    /// A piece of a file, broken as language models break code.
    Broken,
    /// A piece of a file with bytes and characters that are rarely met.
    Bytes,
}

#[derive(Debug)]
enum Source {
    Files(Arc<[LibraryFile]>),
    Changed { files: Arc<[LibraryFile]>, change: Change, seed: u64, count: usize },
    Grammar { grammar: Grammar, is_python: bool, seed: u64, count: usize },
    Texts(Vec<(String, Vec<u8>)>),
    Runs { root: PathBuf, runs: Vec<Run> },
    Dense { base: Arc<Corpus>, seed: u64, count: usize },
}

impl Corpus {
    /// Files as they are.
    pub(crate) fn library(files: Arc<[LibraryFile]>) -> Self {
        Self { name: "library".to_owned(), source: Source::Files(files) }
    }

    /// `count` cases made of the files that are at most `file_bytes_max` long.
    pub(crate) fn changed(files: &[LibraryFile], change: Change, seed: u64, count: usize, file_bytes_max: u64) -> Self {
        let name = match change {
            Change::Mutant => format!("mutants (seed {seed})"),
            Change::Fragment => format!("fragments (seed {seed})"),
            Change::Broken => format!("broken (seed {seed})"),
            Change::Bytes => format!("bytes (seed {seed})"),
        };
        let files = files.iter().filter(|file| file.size > 0 && file.size <= file_bytes_max).cloned().collect();
        Self { name, source: Source::Changed { files, change, seed, count } }
    }

    /// `count` programs that are written by the grammar of Python, or of JavaScript.
    pub(crate) fn grammar(is_python: bool, seed: u64, count: usize) -> Self {
        let text = if is_python { mutate::python::GRAMMAR } else { mutate::javascript::GRAMMAR };
        let source = Source::Grammar { grammar: Grammar::of(text), is_python, seed, count };
        Self { name: format!("grammar (seed {seed})"), source }
    }

    /// Texts of Python, each with where it is from.
    pub(crate) fn snippets(texts: Vec<(String, Vec<u8>)>) -> Self {
        Self { name: "snippets".to_owned(), source: Source::Texts(texts) }
    }

    /// The runs of test262 in the folder `root`.
    pub(crate) fn test262(root: PathBuf, runs: Vec<Run>) -> Self {
        Self { name: "test262".to_owned(), source: Source::Runs { root, runs } }
    }

    /// `count` cases of another corpus with up to three faults put in: small texts that use all of the language.
    pub(crate) fn dense(base: Arc<Self>, seed: u64, count: usize) -> Self {
        Self { name: format!("dense (seed {seed})"), source: Source::Dense { base, seed, count } }
    }

    /// How many cases there are.
    pub(crate) fn len(&self) -> usize {
        match &self.source {
            Source::Files(files) => files.len(),
            Source::Changed { files, .. } if files.is_empty() => 0,
            Source::Changed { count, .. } | Source::Grammar { count, .. } => *count,
            Source::Texts(texts) => texts.len(),
            Source::Runs { runs, .. } => runs.len(),
            Source::Dense { base, .. } if base.len() == 0 => 0,
            Source::Dense { count, .. } => *count,
        }
    }

    /// The case `index`, which is below [`Self::len`].
    pub(crate) fn case(&self, index: usize) -> Result<Case, Error> {
        Ok(match &self.source {
            Source::Files(files) => of_file(&files[index], files[index].bytes()?),
            Source::Changed { files, change, seed, .. } => changed(files, *change, *seed, index)?,
            Source::Grammar { grammar, is_python, seed, .. } => {
                let mut random = Random::of(*seed, index);
                let (name, program) = (format!("#{index}"), grammar.program(&mut random).into_bytes());
                match (is_python, random.below(3)) {
                    (true, _) => Case::python(name, program),
                    (false, 0) => Case::with_goal(name, program, Goal::Module),
                    (false, 1) => Case::with_goal(name, program, Goal::Script),
                    (false, _) => Case::with_goal(name, program, Goal::Node),
                }
            }
            Source::Texts(texts) => Case::python(texts[index].0.clone(), texts[index].1.clone()),
            Source::Runs { root, runs } => runs[index].case(root)?,
            Source::Dense { base, seed, .. } => dense(base, *seed, index)?,
        })
    }
}

fn of_file(file: &LibraryFile, bytes: Vec<u8>) -> Case {
    let name = file.path.display().to_string();
    if file.path.extension().is_some_and(|extension| extension == "py") {
        Case::python(name, bytes)
    } else {
        Case::javascript(name, bytes, &file.path, file.package)
    }
}

fn changed(files: &[LibraryFile], change: Change, seed: u64, index: usize) -> Result<Case, Error> {
    let mut random = Random::of(seed, index);
    let (file, text) = pick(files, &mut random)?;
    let dialect: &Dialect = match file.path.extension().is_some_and(|extension| extension == "py") {
        true => &mutate::python::DIALECT,
        false => &mutate::javascript::DIALECT,
    };
    let changed = match change {
        Change::Mutant => mutate::mutate(&text, dialect, &mut random),
        Change::Fragment => {
            let mut piece = mutate::fragment(&text, dialect, &mut random);
            if random.below(3) == 0 {
                piece = mutate::spliced(&piece, &pick(files, &mut random)?.1, dialect, &mut random);
            }
            (0..=random.below(3)).fold(piece, |piece, _| mutate::mutate(&piece, dialect, &mut random))
        }
        Change::Broken => {
            let piece = mutate::fragment(&text, dialect, &mut random);
            mutate::broken::broken(&piece, dialect, &mut random)
        }
        Change::Bytes => {
            let piece = mutate::fragment(&text, dialect, &mut random);
            let mut case = of_file(file, mutate::bytes::changed(&piece, dialect, &mut random));
            case.name = format!("#{index} of {}", case.name);
            return Ok(case);
        }
    };
    let mut case = of_file(file, changed.into_bytes());
    case.name = format!("#{index} of {}", case.name);
    Ok(case)
}

/// A case of `base` with up to three faults put in, and now and then a piece of another.
fn dense(base: &Corpus, seed: u64, index: usize) -> Result<Case, Error> {
    let mut random = Random::of(seed, index);
    let mut case = base.case(random.below(base.len()))?;
    let dialect = match case.goal {
        Goal::Python => &mutate::python::DIALECT,
        _ => &mutate::javascript::DIALECT,
    };
    let mut text = String::from_utf8_lossy(&case.bytes).into_owned();
    if random.below(3) == 0 {
        let other = base.case(random.below(base.len()))?;
        text = mutate::spliced(&text, &String::from_utf8_lossy(&other.bytes), dialect, &mut random);
    }
    let changed = (0..random.below(4)).fold(text, |text, _| mutate::mutate(&text, dialect, &mut random));
    case.bytes = changed.into_bytes();
    case.expected_invalid = None;
    case.name = format!("#{index} of {}", case.name);
    Ok(case)
}

/// A file and its text; one in another encoding than UTF-8 is passed over.
fn pick<'a>(files: &'a [LibraryFile], random: &mut Random) -> Result<(&'a LibraryFile, String), Error> {
    for _ in 0..PICKS_MAX {
        let file = &files[random.below(files.len())];
        if let Ok(text) = String::from_utf8(file.bytes()?) {
            return Ok((file, text));
        }
    }
    Err(Error::Engine("hardly a file of the library is UTF-8".to_owned()))
}
