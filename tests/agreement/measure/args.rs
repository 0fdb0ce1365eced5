//! What is measured, as the command line says it.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Measures vetrun's syntax verdict against the engines of this machine.
#[derive(Clone, Debug, Parser)]
#[command(name = "agreement")]
pub(crate) struct Args {
    /// Which engine.
    #[command(subcommand)]
    pub(crate) language: Language,
}

/// An engine and what it is asked.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Language {
    /// CPython's `compile()` against the verdict on `.py` files.
    Python {
        /// The interpreter; several words where it runs through another program.
        #[arg(long, value_name = "CMD", default_value = "python3")]
        python: String,
        /// A folder with CPython's tests: every literal and doctest in its `test_*.py` that looks like source.
        #[arg(long, value_name = "DIR")]
        snippets: Option<PathBuf>,
        #[command(flatten)]
        common: Common,
    },
    /// V8's parser, in Node, against the verdict on `.js`, `.mjs` and `.cjs` files and on scripts.
    Javascript {
        /// Node; several words where it runs through another program.
        #[arg(long, value_name = "CMD", default_value = "node")]
        node: String,
        /// A folder with test262.
        #[arg(long, value_name = "DIR")]
        test262: Option<PathBuf>,
        #[command(flatten)]
        common: Common,
    },
}

/// What both languages have.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Common {
    /// The seed of all that is random; the same seed makes the same cases of the same files.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Judge the files of the engine's own library, of what is installed beside it, and of `--folder`.
    #[arg(long)]
    pub(crate) library: bool,
    /// Judge so many files of the library with one fault put in.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) mutants: usize,
    /// Judge so many pieces of files of the library with one to three faults put in, or a piece of another file.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) fragments: usize,
    /// Judge so many pieces of files of the library, broken as language models break code.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) broken: usize,
    /// Judge so many pieces of files of the library with rare bytes and characters put in: encodings, line ends, signs.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) bytes: usize,
    /// Judge so many programs that are written by a grammar, full of names and places that must not meet.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) grammar: usize,
    /// Judge so many texts of `--snippets` or `--test262` with up to three faults put in, or a piece of another.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) dense: usize,
    /// Judge the examples of the differences that are known, and fail where one is gone, or where there are others.
    #[arg(long)]
    pub(crate) known: bool,
    /// A folder whose files belong to the library too; may be given several times.
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Vec<PathBuf>,
    /// Leave out the engine's own library: only `--folder` counts.
    #[arg(long)]
    pub(crate) folders_only: bool,
    /// The largest file that mutants are made of, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 10)]
    pub(crate) file_bytes_max: u64,
    /// Children of the engine at work at once; as many as there are processors where not given.
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// Write every case that the two disagree on to this folder, with what both said.
    #[arg(long, value_name = "DIR")]
    pub(crate) save: Option<PathBuf>,
    /// List the first errors that stand in different places too, and those whose words differ.
    #[arg(long)]
    pub(crate) messages: bool,
    /// Print data instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
    /// Exit with 1 where less than this part of the cases agrees.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
    pub(crate) at_least: f64,
}

impl Args {
    /// What both languages have.
    pub(crate) fn common(&self) -> &Common {
        match &self.language {
            Language::Python { common, .. } | Language::Javascript { common, .. } => common,
        }
    }
}
