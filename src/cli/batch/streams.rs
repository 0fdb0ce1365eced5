//! Reports that are written as their artifacts end, in the order of the artifacts, in formats that need no others.
//!
//! What ends before those in front of it waits for them. A file is written beside its place and moved there when it is
//! whole; standard output is written to as it comes.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write};
use std::path::PathBuf;

use super::super::args::OutputArgs;
use super::super::reporting::{Growing, answer_in_parts, drawing, writes_in_parts};
use crate::output::Format;
use crate::output::streamed::Streamed;
use crate::report::{Report, Summary};

/// One format on its way to one place.
struct Stream {
    streamed: Streamed,
    out: Out,
}

enum Out {
    Standard(Box<dyn Write + Send>),
    File(PathBuf, Growing),
}

/// All formats that are written as artifacts end.
#[derive(Default)]
pub(super) struct Streams {
    all: Vec<Stream>,
    /// The number of the artifact whose report comes next.
    next: usize,
    waiting: BTreeMap<usize, Report>,
}

/// Whether a batch writes something in the order of its artifacts as they end.
pub(super) fn is_ordered(args: &OutputArgs) -> bool {
    let format = args.format.unwrap_or(Format::Jsonl);
    let all = std::iter::once(format).filter(|format| *format != Format::Jsonl);
    let extra = args.report.iter().map(|(format, _)| *format);
    all.chain(extra).any(|format| Streamed::begin(format, &drawing(args, false)).is_some())
}

impl Streams {
    /// Opens the place of the format `main`, where that can be streamed, and those of `--report`. Returns the rest of them:
    /// whether the main format needs all reports, and whether some other does.
    pub(super) fn open(main: Option<Format>, args: &OutputArgs) -> io::Result<(Self, Rest)> {
        let (mut streams, mut rest) = (Self::default(), Rest::default());
        if let Some(format) = main {
            let to_file = args.file.is_some();
            let streamed = Streamed::begin(format, &drawing(args, !to_file));
            match (streamed.filter(|_| to_file || writes_in_parts(format, args)), &args.file) {
                (Some(streamed), Some(path)) => streams.add_file(streamed, path.clone())?,
                (Some(streamed), None) => {
                    streams.all.push(Stream { streamed, out: Out::Standard(Box::new(answer_in_parts())) });
                }
                (None, _) => rest.main = true,
            }
        }
        for (format, path) in &args.report {
            match Streamed::begin(*format, &drawing(args, false)) {
                Some(streamed) => streams.add_file(streamed, path.clone())?,
                None => rest.extra.push((*format, path.clone())),
            }
        }
        Ok((streams, rest))
    }

    fn add_file(&mut self, streamed: Streamed, path: PathBuf) -> io::Result<()> {
        let file = Growing::open(&path).map_err(|error| unwritten(&path, &error))?;
        self.all.push(Stream { streamed, out: Out::File(path, file) });
        Ok(())
    }

    /// Whether nothing is written.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether something goes to a terminal.
    pub(super) fn shows(&self) -> bool {
        self.all.iter().any(|stream| matches!(stream.out, Out::Standard(_))) && io::stdout().is_terminal()
    }

    /// Takes the report on the artifact with this number, and writes what is complete up to there.
    pub(super) fn take(&mut self, number: usize, report: Report) -> io::Result<()> {
        self.waiting.insert(number, report);
        while let Some(report) = self.waiting.remove(&self.next) {
            self.next += 1;
            self.write(&report)?;
        }
        Ok(())
    }

    fn write(&mut self, report: &Report) -> io::Result<()> {
        self.all.iter_mut().try_for_each(|Stream { streamed, out }| out.write(|out| streamed.add(report, out)))
    }

    /// Writes what waits for artifacts that were never vetted, and the end of each format.
    pub(super) fn end(mut self, summary: &Summary) -> io::Result<()> {
        for report in std::mem::take(&mut self.waiting).into_values() {
            self.write(&report)?;
        }
        for Stream { streamed, mut out } in self.all {
            out.write(|out| streamed.end(summary, out))?;
            match out {
                Out::Standard(mut out) => out.flush()?,
                Out::File(path, file) => file.end().map_err(|error| unwritten(&path, &error))?,
            }
        }
        Ok(())
    }
}

impl Out {
    /// Writes in one piece what `parts` writes.
    fn write(&mut self, parts: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let mut text = Vec::new();
        parts(&mut text)?;
        match self {
            Self::Standard(out) => out.write_all(&text),
            Self::File(path, file) => file.write_all(&text).map_err(|error| unwritten(path, &error)),
        }
    }
}

/// What is written when all reports are there.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// The main format.
    pub(super) main: bool,
    /// Those of `--report`.
    pub(super) extra: Vec<(Format, PathBuf)>,
}

impl Rest {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        !self.main && self.extra.is_empty()
    }
}

fn unwritten(path: &std::path::Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("could not write the report {}: {error}", path.display()))
}
