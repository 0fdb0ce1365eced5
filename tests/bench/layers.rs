//! The layers, timed.

use std::hint::black_box;
use std::time::Duration;

use oxc_allocator::Allocator;
use rustix::time::{ClockId, clock_gettime};
use vetrun::artifact::{SourceFile, SourceText};
use vetrun::passes::parse::layers::{self, Judge};
use vetrun::policy::{ByteSize, ParsePolicy};

use super::corpus::Corpus;
use super::table::Table;

/// A file, its text, and the dialect that it was judged as.
type Valid<'a> = (&'a SourceFile, SourceText, &'static str);

/// The processor time of this thread, which other processes on the machine disturb least.
fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Times `work` over all of `files`, `rounds` times.
fn timed<T>(rounds: usize, files: &[T], mut work: impl FnMut(&T)) -> Vec<Duration> {
    let round = |_| {
        let start = now();
        files.iter().for_each(&mut work);
        now() - start
    };
    (0..rounds).map(round).collect()
}

fn policy() -> ParsePolicy {
    ParsePolicy { file_bytes_max: ByteSize::mib(16), ..ParsePolicy::default() }
}

/// The files that are valid; others would stop at their first fault and flatter the figure.
fn valid<'a>(corpus: &'a Corpus, judge: &Judge<'a>) -> (Vec<Valid<'a>>, usize) {
    let all: Vec<&SourceFile> = corpus.sources().collect();
    let keep = |source: &&'a SourceFile| {
        let (is_valid, dialect) = judge.verdict(source);
        Some((*source, layers::decoded(source)?, dialect?)).filter(|_| is_valid)
    };
    let kept: Vec<Valid<'a>> = all.iter().filter_map(keep).collect();
    let refused = all.len() - kept.len();
    (kept, refused)
}

fn title(language: &str, files: &[Valid<'_>], refused: usize, bytes: usize) -> String {
    let size = bytes as f64 / 1e6;
    format!("{language}: {} valid files, {size:.1} MB, on one thread ({refused} refused are left out)", files.len())
}

/// The layers of Python.
pub(crate) fn python(corpus: &Corpus, rounds: usize) -> Table {
    layers::on_parse_thread(|| {
        let policy = policy();
        let judge = Judge::new(&corpus.artifact, &policy);
        let (files, refused) = valid(corpus, &judge);
        let bytes = files.iter().map(|(source, ..)| source.bytes.len()).sum();
        let mut table = Table::new(title("Python", &files, refused, bytes), bytes);
        shared_layers(&mut table, &files, rounds);
        table.row(
            "bounds",
            timed(rounds, &files, |(_, text, _)| {
                black_box(layers::python::bounds(text.as_str(), &policy));
            }),
        );
        let mut times = vec![Vec::new(); 4];
        for _ in 0..rounds {
            let mut round = [Duration::ZERO; 4];
            for (_, text, _) in &files {
                let start = now();
                let parsed = layers::python::parse(text.as_str()).expect("a valid file parses");
                round[0] += now() - start;
                let start = now();
                let layout = layers::python::layout(text.as_str(), &parsed);
                round[1] += now() - start;
                let start = now();
                black_box(layers::python::semantic(text.as_str(), &parsed, &layout));
                round[2] += now() - start;
                let start = now();
                drop(layout);
                drop(parsed);
                round[3] += now() - start;
            }
            times.iter_mut().zip(round).for_each(|(times, time)| times.push(time));
        }
        let names = ["ruff_python_parser", "walk over the tokens", "semantic and own checks", "drop of the tree"];
        names.into_iter().zip(times).for_each(|(name, times)| table.row(name, times));
        whole(&mut table, &files, rounds, &judge);
        table
    })
}

/// The layers of JavaScript.
pub(crate) fn javascript(corpus: &Corpus, rounds: usize) -> Table {
    layers::on_parse_thread(|| {
        let policy = policy();
        let judge = Judge::new(&corpus.artifact, &policy);
        let (files, refused) = valid(corpus, &judge);
        let bytes = files.iter().map(|(source, ..)| source.bytes.len()).sum();
        let mut table = Table::new(title("JavaScript", &files, refused, bytes), bytes);
        shared_layers(&mut table, &files, rounds);
        table.row(
            "bounds",
            timed(rounds, &files, |(_, text, _)| {
                black_box(layers::javascript::bounds(text.as_str()));
            }),
        );
        let mut arena = Allocator::default();
        let mut times = vec![Vec::new(); 3];
        for _ in 0..rounds {
            let mut round = [Duration::ZERO; 3];
            for (_, text, dialect) in &files {
                let start = now();
                arena.reset();
                let program = layers::javascript::parse(&arena, text.as_str(), dialect);
                let program = &*arena.alloc(program.expect("a valid file parses"));
                round[0] += now() - start;
                let start = now();
                let facts = layers::javascript::own(program, text.as_str(), dialect);
                round[1] += now() - start;
                let start = now();
                black_box(layers::javascript::semantic(program, &facts));
                round[2] += now() - start;
            }
            times.iter_mut().zip(round).for_each(|(times, time)| times.push(time));
        }
        let names = ["oxc_parser", "survey", "oxc_semantic where in doubt"];
        names.into_iter().zip(times).for_each(|(name, times)| table.row(name, times));
        whole(&mut table, &files, rounds, &judge);
        table
    })
}

fn shared_layers(table: &mut Table, files: &[Valid<'_>], rounds: usize) {
    table.row(
        "decode",
        timed(rounds, files, |(source, ..)| {
            black_box(layers::decoded(source));
        }),
    );
}

fn whole(table: &mut Table, files: &[Valid<'_>], rounds: usize, judge: &Judge<'_>) {
    table.row(
        "strict verdict",
        timed(rounds, files, |(source, ..)| {
            black_box(judge.verdict(source));
        }),
    );
    table.row(
        "beside it: tolerant tree",
        timed(1, files, |(source, text, _)| {
            black_box(layers::has_tree(source, text.as_str()));
        }),
    );
}
