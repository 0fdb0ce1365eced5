//! Writes the files of vetted wheels into an empty folder, each proved against its recorded digest on the way.
//!
//! One inflate, one hash and one write for each file, on all cores. Nothing is written over and no link is followed: every
//! file is new, in folders that were made here. What several wheels may share is written once, the first wheel's. Where
//! any file is not what it should be, the folder is of no use and the caller throws it away.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rayon::prelude::*;
use rustix::fs::{AtFlags, Mode, OFlags};

use crate::deps::wheel::{Inflater, Kind, Member, Wheel, collisions, record_line, sha256};
use crate::finding::{self, Finding, Severity, hex};

/// Files and bytes that one thread takes at once: neighbours, so that few threads meet in one folder.
const BATCH_FILES_MAX: usize = 64;
const BATCH_BYTES_MAX: u64 = 4 << 20;

const FILE_MODE: u32 = 0o644;
const EXECUTABLE_MODE: u32 = 0o755;

/// The first line of a command that is still to be told where its interpreter is, and what it becomes: the interpreter of
/// the environment that it runs in.
const OPEN_INTERPRETERS: &[&[u8]] = &[b"#!pythonw", b"#!python"];
const ANY_INTERPRETER: &[u8] = b"#!/usr/bin/env python3";

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnpackedFile {
    /// Relative to the folder, with `/` between parts.
    pub path: String,
    /// Its size, in bytes.
    pub bytes: u64,
    /// Its digest.
    pub sha256: [u8; 32],
}

impl UnpackedFile {
    /// `sha256:…`, as reports have it.
    #[must_use]
    pub fn digest(&self) -> String {
        format!("sha256:{}", hex(&self.sha256))
    }
}

/// Why wheels could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// Files are not what they should be.
    #[error("{} files of the wheels are not what they should be", .0.len())]
    Refused(Vec<Finding>),
    /// Wheels are unpacked into empty folders alone: what is there could stand in the way of what they bring.
    #[error("the folder for packages is not empty")]
    NotEmpty,
    /// A file could not be written.
    #[error("vetrun cannot {action}")]
    Io {
        /// What was tried, as an infinitive.
        action: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

fn io(action: &'static str) -> impl Fn(rustix::io::Errno) -> UnpackError {
    move |errno| UnpackError::Io { action, source: errno.into() }
}

/// One file to write.
#[derive(Clone, Copy)]
struct Job<'w, 'a> {
    /// The place of its wheel among all.
    wheel: usize,
    member: &'w Member<'a>,
}

/// Writes the files of `wheels` into the existing, empty folder `root`, with a new `RECORD` for each wheel. What was
/// written is sorted by path.
///
/// # Errors
/// [`UnpackError::Refused`] where a file is damaged or is not the recorded one, or where two wheels bring what only one can.
pub fn unpack(wheels: &[&Wheel<'_>], root: &Path) -> Result<Vec<UnpackedFile>, UnpackError> {
    let mut entries =
        std::fs::read_dir(root).map_err(|source| UnpackError::Io { action: "read the folder for packages", source })?;
    if entries.next().is_some() {
        return Err(UnpackError::NotEmpty);
    }
    let collisions: Vec<_> =
        collisions(wheels).into_iter().filter(|finding| finding.severity >= Severity::Medium).collect();
    if !collisions.is_empty() {
        return Err(UnpackError::Refused(collisions));
    }
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let root = rustix::fs::open(root, flags, Mode::empty()).map_err(io("open the folder for packages"))?;
    let jobs = jobs(wheels);
    make_folders(&root, wheels, &jobs)?;
    let written = write_all(&root, wheels, &jobs)?;
    let mut files = Vec::with_capacity(written.len() + wheels.len());
    for (at, wheel) in wheels.iter().enumerate() {
        let own = written.iter().filter(|(owner, _)| *owner == at).map(|(_, file)| file);
        files.push(write_record(&root, wheel, own)?);
    }
    files.extend(written.into_iter().map(|(_, file)| file));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// All files but the lists of each wheel, sorted by path; of equal paths, the first wheel's.
fn jobs<'w, 'a>(wheels: &[&'w Wheel<'a>]) -> Vec<Job<'w, 'a>> {
    let mut jobs = Vec::new();
    for (at, wheel) in wheels.iter().enumerate() {
        // A list and its signatures have no digest, and would be wrong of what is installed.
        let members = wheel.files.iter().filter(|member| member.recorded.is_some());
        jobs.extend(members.map(|member| Job { wheel: at, member }));
    }
    jobs.sort_by(|a, b| (&a.member.target, a.wheel).cmp(&(&b.member.target, b.wheel)));
    jobs.dedup_by(|later, first| later.member.target == first.member.target);
    jobs
}

/// Makes all folders, outer ones first.
fn make_folders(root: &OwnedFd, wheels: &[&Wheel<'_>], jobs: &[Job<'_, '_>]) -> Result<(), UnpackError> {
    let mut folders: BTreeSet<&str> = wheels.iter().map(|wheel| wheel.info.as_str()).collect();
    let mut last = "";
    for job in jobs {
        let target: &str = &job.member.target;
        let folder = target.rfind('/').map_or("", |end| &target[..end]);
        if folder != last {
            folders.extend(folder.match_indices('/').map(|(end, _)| &folder[..end]).chain([folder]));
            last = folder;
        }
    }
    for folder in folders.into_iter().filter(|folder| !folder.is_empty()) {
        let mode = Mode::from_raw_mode(EXECUTABLE_MODE);
        rustix::fs::mkdirat(root, folder, mode).map_err(io("make a folder for packages"))?;
        // Programs in the sandbox are another user, whatever the mask of this process.
        rustix::fs::chmodat(root, folder, mode, AtFlags::empty()).map_err(io("make a folder for packages"))?;
    }
    Ok(())
}

/// Writes all files, and says of each whose it is.
fn write_all(
    root: &OwnedFd,
    wheels: &[&Wheel<'_>],
    jobs: &[Job<'_, '_>],
) -> Result<Vec<(usize, UnpackedFile)>, UnpackError> {
    let mut batches = batches(jobs);
    // The largest first, so that no core is left alone with one at the end.
    batches.sort_by_key(|batch| std::cmp::Reverse(batch.iter().map(|job| job.member.entry.size()).sum::<u64>()));
    let batch = |inflater: &mut Inflater, batch: &[Job<'_, '_>]| {
        batch.iter().map(|job| write_one(root.as_fd(), wheels, job, inflater)).collect::<Vec<_>>()
    };
    let results: Vec<Vec<_>> = batches.into_par_iter().with_max_len(1).map_init(Inflater::default, batch).collect();
    let (mut written, mut refused) = (Vec::with_capacity(jobs.len()), Vec::new());
    for result in results.into_iter().flatten() {
        match result {
            Ok(file) => written.push(file),
            Err(UnpackError::Refused(findings)) => refused.extend(findings),
            Err(other) => return Err(other),
        }
    }
    if refused.is_empty() {
        return Ok(written);
    }
    finding::sort(&mut refused);
    Err(UnpackError::Refused(refused))
}

/// Neighbours, a limited number and size at once.
fn batches<'j, 'w, 'a>(jobs: &'j [Job<'w, 'a>]) -> Vec<&'j [Job<'w, 'a>]> {
    let (mut batches, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (at, job) in jobs.iter().enumerate() {
        bytes += job.member.entry.size();
        if bytes >= BATCH_BYTES_MAX || at + 1 - start >= BATCH_FILES_MAX || at + 1 == jobs.len() {
            batches.push(&jobs[start..=at]);
            (start, bytes) = (at + 1, 0);
        }
    }
    batches
}

fn write_one(
    root: BorrowedFd<'_>,
    wheels: &[&Wheel<'_>],
    job: &Job<'_, '_>,
    inflater: &mut Inflater,
) -> Result<(usize, UnpackedFile), UnpackError> {
    let member = job.member;
    let content = inflater.read(&member.entry);
    let checked = member.check(&wheels[job.wheel].name, content);
    let mut digest = checked.map_err(|finding| UnpackError::Refused(vec![*finding]))?;
    let mut content = content.unwrap_or_default();
    let script = if member.kind == Kind::Script { with_interpreter(content) } else { None };
    if let Some(script) = &script {
        digest = sha256(script);
        content = script;
    }
    let is_executable = member.kind == Kind::Script || member.entry.is_executable();
    let mode = if is_executable { EXECUTABLE_MODE } else { FILE_MODE };
    write_file(root, &member.target, mode, content)?;
    let file = UnpackedFile { path: member.target.to_string(), bytes: content.len() as u64, sha256: digest };
    Ok((job.wheel, file))
}

/// A command with an interpreter in its first line, where that was still open.
fn with_interpreter(content: &[u8]) -> Option<Vec<u8>> {
    let rest = OPEN_INTERPRETERS.iter().find_map(|open| content.strip_prefix(*open))?;
    let ends = rest.first().is_none_or(|byte| byte.is_ascii_whitespace());
    ends.then(|| [ANY_INTERPRETER, rest].concat())
}

/// Writes a new file; one that is there already is an error, and so is a link.
fn write_file(root: BorrowedFd<'_>, path: &str, mode: u32, content: &[u8]) -> Result<(), UnpackError> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(mode);
    let file = rustix::fs::openat(root, path, flags, mode).map_err(io("make a file of a package"))?;
    rustix::fs::fchmod(&file, mode).map_err(io("make a file of a package"))?;
    File::from(file)
        .write_all(content)
        .map_err(|source| UnpackError::Io { action: "write a file of a package", source })
}

/// Writes the list of what is installed of a wheel: paths as they are now, without what was left out.
fn write_record<'f>(
    root: &OwnedFd,
    wheel: &Wheel<'_>,
    files: impl Iterator<Item = &'f UnpackedFile>,
) -> Result<UnpackedFile, UnpackError> {
    let path = format!("{}/RECORD", wheel.info);
    let mut lines: Vec<String> = files.map(|file| record_line(&file.path, &file.sha256, file.bytes)).collect();
    lines.sort();
    let text = format!("{}{path},,\n", lines.concat());
    write_file(root.as_fd(), &path, FILE_MODE, text.as_bytes())?;
    Ok(UnpackedFile { path, bytes: text.len() as u64, sha256: sha256(text.as_bytes()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_interpreter_is_filled_in() {
        let cases: &[(&[u8], Option<&[u8]>)] = &[
            (b"#!python\nx", Some(b"#!/usr/bin/env python3\nx")),
            (b"#!pythonw -E\nx", Some(b"#!/usr/bin/env python3 -E\nx")),
            (b"#!python3\nx", None),
            (b"#!/bin/sh\nx", None),
            (b"", None),
        ];
        for (content, expected) in cases {
            assert_eq!(with_interpreter(content).as_deref(), *expected, "{:?}", String::from_utf8_lossy(content));
        }
    }
}
