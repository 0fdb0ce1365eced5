//! How fast the strict verdict is, and which share of it each layer has.
//!
//! `cargo bench --features bench -- [--rounds N] [--python FOLDER] [--javascript FOLDER]` reads the sources below two
//! folders — unless told otherwise the standard library of the local `python3` and the modules of the local `npm` —
//! and judges them on one thread. Each figure is the median of several rounds. For figures of one core, pin the process
//! to one (`taskset -c 1`).
//!
//! The layers are run one after the other over every file, and then the whole verdict by itself, so that the sum can be
//! held against it. The tolerant tree is no part of the verdict and is shown beside it, as are the engines' own
//! compilers where they are installed.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's result is what it prints")]

mod corpus;
mod layers;
mod peers;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use corpus::Corpus;

/// The binary's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the command line says.
struct Options {
    rounds: usize,
    python: Option<PathBuf>,
    javascript: Option<PathBuf>,
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    let python = options.python.or_else(corpus::standard_library);
    let javascript = options.javascript.or_else(corpus::npm_modules);
    if let Some(folder) = python {
        let corpus = Corpus::read(&folder, &["py", "pyi"]);
        layers::python(&corpus, options.rounds).print();
        peers::python(&corpus);
    }
    if let Some(folder) = javascript {
        let corpus = Corpus::read(&folder, &["js", "mjs", "cjs"]);
        layers::javascript(&corpus, options.rounds).print();
        peers::node(&corpus);
    }
    ExitCode::SUCCESS
}

fn options(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { rounds: 5, python: None, javascript: None };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--rounds" => {
                options.rounds = value()?.parse().ok().filter(|&rounds| rounds > 0).ok_or("--rounds needs a number")?;
            }
            "--python" => options.python = Some(value()?.into()),
            "--javascript" => options.javascript = Some(value()?.into()),
            // Cargo passes it to every benchmark.
            "--bench" => {}
            _ => return Err(format!("unknown argument {word}; there are --rounds, --python and --javascript")),
        }
    }
    Ok(options)
}
