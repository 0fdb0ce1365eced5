//! Asks an engine and vetrun about the same cases, and tells where they differ.
//!
//! The engine is the truth: CPython's `compile()`, V8's parser in Node. Cases come from a [`corpus`]: the files of a
//! library as they are, the same with faults put in from a seed ([`mutate`]), the texts in CPython's own tests, and
//! test262. Each is judged by an engine in a child ([`oracle`]) and by vetrun's parse pass ([`vetrun_side`]); what
//! differs is grouped by class ([`tally`]), made small ([`shrink`]) and printed ([`table`]).

mod args;
mod case;
mod class;
mod corpus;
mod files;
mod known;
mod mutate;
mod oracle;
mod random;
mod save;
mod shrink;
mod table;
mod tally;
mod test262;
mod vetrun_side;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::{num, thread};

use serde_json::json;
use vetrun::language::{EngineVersions, NodeVersion, PythonVersion};

pub(crate) use args::Args;
use args::{Common, Language};
use class::Kind;
use corpus::{Change, Corpus};
use files::LibraryFile;
use oracle::{Engine, Oracle};
use tally::Tally;

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A file or folder could not be read.
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// A case could not be saved.
    #[error("{}: {source}", path.display())]
    Save { path: PathBuf, source: io::Error },
    /// The engine could not be asked.
    #[error("the engine: {0}")]
    Engine(String),
    /// The tables could not be written.
    #[error("the output: {0}")]
    Output(#[from] io::Error),
}

/// What came of a run.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// The agreement in the worst corpus, in percent; 0 where nothing was judged.
    pub(crate) agreement: f64,
    /// Classes of differences that are not in the table of those that are known.
    pub(crate) unknown: usize,
    /// Rows of that table whose example no longer differs.
    pub(crate) mended: usize,
}

impl Outcome {
    /// Whether what `args` asks for was reached.
    pub(crate) fn reached(&self, args: &Args) -> bool {
        let common = args.common();
        self.agreement >= common.at_least && self.mended == 0 && !(common.known && self.unknown > 0)
    }
}

/// An engine that told what it is.
struct Setup {
    engine: Engine,
    versions: EngineVersions,
    /// What the engine calls its own version.
    release: String,
    /// The folders of its library.
    folders: Vec<PathBuf>,
    extensions: &'static [&'static str],
}

/// Measures what `args` asks for and prints it to `out`.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> Result<Outcome, Error> {
    let setup = setup(&args.language)?;
    let common = args.common();
    let mut outcome = Outcome { agreement: 100.0, unknown: 0, mended: 0 };
    let mut rows = Vec::new();
    let mut data = Vec::new();
    if !common.json {
        writeln!(out, "# {}", setup.release)?;
    }
    for corpus in corpora(args, &setup)? {
        let mut tally = measure(&corpus, &setup, common)?;
        shrink_examples(&mut tally, &setup)?;
        let of_class = |class: &class::Class| known::reason(class, setup.versions);
        if common.json {
            data.push(table::data(&corpus.name, &tally, &of_class));
        } else {
            table::print(out, &corpus.name, &tally, &of_class)?;
        }
        outcome.agreement = outcome.agreement.min(tally.counts.agreement());
        let differences = tally.groups.keys().filter(|class| class.kind < Kind::NamedLimit);
        outcome.unknown += differences.filter(|class| of_class(class).is_none()).count();
        rows.push((corpus.name.clone(), tally.counts));
    }
    if rows.is_empty() {
        outcome.agreement = 0.0;
    }
    let mended = if common.known { mended(&setup)? } else { Vec::new() };
    outcome.mended = mended.len();
    if common.json {
        let mended: Vec<&str> = mended.iter().map(|known| known.example).collect();
        let all = json!({ "engine": setup.release, "seed": common.seed, "corpora": data, "mended": mended });
        writeln!(out, "{all:#}")?;
    } else {
        table::summary(out, &rows)?;
        for known in mended {
            writeln!(out, "no longer so, and to be taken out of the table: {known:?}")?;
        }
    }
    Ok(outcome)
}

/// The rows of the table of known differences whose example the engine at hand and vetrun judge alike, or differ on in
/// another way than the row says.
fn mended(setup: &Setup) -> Result<Vec<&'static known::Known>, Error> {
    let mut oracle = Oracle::new(&setup.engine);
    let mut mended = Vec::new();
    for known in known::KNOWN.iter().filter(|known| known.concerns(setup.versions)) {
        let case = known.case();
        let ours = vetrun_side::judge(&case, setup.versions);
        if !class::difference(&oracle.judge(&case)?, &ours).is_some_and(|class| known.is(&class)) {
            mended.push(known);
        }
    }
    Ok(mended)
}

fn setup(language: &Language) -> Result<Setup, Error> {
    let (engine, name, extensions): (_, _, &'static [&'static str]) = match language {
        Language::Python { python, .. } => (Engine::python(python)?, "CPython", &["py"]),
        Language::Javascript { node, .. } => (Engine::node(node)?, "Node", &["js", "mjs", "cjs"]),
    };
    let about = engine.describe()?;
    let version = about["version"].as_str().unwrap_or_default().to_owned();
    let mut versions = EngineVersions::default();
    match language {
        Language::Python { .. } => versions.python = PythonVersion::of_release(&version),
        Language::Javascript { .. } => versions.node = NodeVersion::of_release(&version),
    }
    let named = about["folders"].as_array().into_iter().flatten();
    let folders = named.filter_map(|folder| folder.as_str()).map(PathBuf::from).collect();
    Ok(Setup { engine, versions, release: format!("{name} {version}"), folders, extensions })
}

fn corpora(args: &Args, setup: &Setup) -> Result<Vec<Arc<Corpus>>, Error> {
    let common = args.common();
    let mut corpora = Vec::new();
    let changes = [
        (Change::Mutant, common.mutants),
        (Change::Fragment, common.fragments),
        (Change::Broken, common.broken),
        (Change::Bytes, common.bytes),
    ];
    if common.library || changes.iter().any(|(_, count)| *count > 0) {
        let own: &[PathBuf] = if common.folders_only { &[] } else { &setup.folders };
        let folders = [own, &common.folder].concat();
        let mut files = files::find(&folders, setup.extensions)?;
        if matches!(args.language, Language::Javascript { .. }) && !common.folders_only {
            let sources = Oracle::new(&setup.engine).texts(&[])?.into_iter().enumerate();
            files.extend(sources.map(|(at, source)| LibraryFile::built_in(&format!("built-in-{at:03}.js"), source)));
        }
        let files: Arc<[_]> = files.into();
        for (change, count) in changes.into_iter().filter(|(_, count)| *count > 0) {
            corpora.push(Arc::new(Corpus::changed(&files, change, common.seed, count, common.file_bytes_max)));
        }
        if common.library {
            corpora.push(Arc::new(Corpus::library(files)));
        }
    }
    if common.grammar > 0 {
        let is_python = matches!(args.language, Language::Python { .. });
        corpora.push(Arc::new(Corpus::grammar(is_python, common.seed, common.grammar)));
    }
    let suite = match &args.language {
        Language::Python { snippets: Some(folder), .. } => Some(snippets(folder, setup)?),
        Language::Javascript { test262: Some(folder), .. } => {
            Some(Corpus::test262(folder.clone(), test262::runs(folder)?))
        }
        _ => None,
    };
    if let Some(suite) = suite.map(Arc::new) {
        if common.dense > 0 {
            corpora.push(Arc::new(Corpus::dense(Arc::clone(&suite), common.seed, common.dense)));
        }
        corpora.push(suite);
    }
    Ok(corpora)
}

/// The texts in the tests of CPython in a folder, each once.
fn snippets(folder: &Path, setup: &Setup) -> Result<Corpus, Error> {
    let mut oracle = Oracle::new(&setup.engine);
    let mut known = std::collections::BTreeSet::new();
    let mut texts = Vec::new();
    for file in files::find(&[folder.to_owned()], &["py"])? {
        let name = file.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !name.starts_with("test_") {
            continue;
        }
        for (index, text) in oracle.texts(&files::read(&file.path)?)?.into_iter().enumerate() {
            if known.insert(text.clone()) {
                texts.push((format!("{name} text {index}"), text));
            }
        }
    }
    Ok(Corpus::snippets(texts))
}

/// Judges every case of a corpus, on as many threads as there are processors, each with a child of its own.
fn measure(corpus: &Corpus, setup: &Setup, common: &Common) -> Result<Tally, Error> {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    let whole = Mutex::new(Tally::default());
    let processors = thread::available_parallelism().map_or(1, num::NonZero::get);
    let threads = common.jobs.unwrap_or(processors).clamp(1, corpus.len().max(1));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut tally = Tally::default();
                let mut oracle = Oracle::new(&setup.engine);
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= corpus.len() {
                        break;
                    }
                    if let Err(error) = one(corpus, index, setup, common, &mut oracle, &mut tally) {
                        next.store(corpus.len(), Ordering::Relaxed);
                        *failed.lock().expect("no thread panics with it") = Some(error);
                        break;
                    }
                }
                whole.lock().expect("no thread panics with it").merge(tally);
            });
        }
    });
    match failed.into_inner().expect("no thread panicked") {
        Some(error) => Err(error),
        None => Ok(whole.into_inner().expect("no thread panicked")),
    }
}

fn one(
    corpus: &Corpus,
    index: usize,
    setup: &Setup,
    common: &Common,
    oracle: &mut Oracle,
    tally: &mut Tally,
) -> Result<(), Error> {
    let case = corpus.case(index)?;
    if !vetrun_side::can_judge(&case) {
        tally.not_asked();
        return Ok(());
    }
    let engine = oracle.judge(&case)?;
    let ours = vetrun_side::judge(&case, setup.versions);
    let kept = common.save.as_ref().map(|folder| (folder, case.clone(), engine.clone(), ours.clone()));
    if let (Some(kind), Some((folder, case, engine, ours))) =
        (tally.add(index, case, engine, ours, common.messages), kept)
    {
        let name = format!("{}-{index}-{kind:?}", corpus.name.split(' ').next().unwrap_or_default());
        save::save(folder, &name, &case, &engine, &ours)?;
    }
    Ok(())
}

/// Makes the examples of the classes in which the verdicts differ small.
fn shrink_examples(tally: &mut Tally, setup: &Setup) -> Result<(), Error> {
    let mut oracle = Oracle::new(&setup.engine);
    for (class, group) in tally.groups.iter_mut().filter(|(class, _)| class.kind < Kind::NamedLimit) {
        group.example = shrink::shrink(&group.example, class, &mut oracle, setup.versions)?;
        group.engine = oracle.judge(&group.example)?;
        group.ours = vetrun_side::judge(&group.example, setup.versions);
    }
    Ok(())
}
