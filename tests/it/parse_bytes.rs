//! Tests of: parse, of bytes.
//!
//! The tables hold what the real engines said of each file when it was run: CPython 3.9.18, 3.10.13, 3.11.7, 3.12.1,
//! 3.13.18 and 3.14.10, and Node 20, 22, 24 and 26.

use vetrun::artifact::{Artifact, SourceFile};
use vetrun::finding::Finding;
use vetrun::language::{EngineVersions, PythonVersion};
use vetrun::passes::parse::{Target, Validity, parse};
use vetrun::policy::ParsePolicy;

/// The verdict on one file, and what was found in it.
fn judge(path: &str, bytes: &[u8], python: PythonVersion) -> (Validity, Vec<Finding>) {
    let artifact = Artifact::new("a", "a", vec![SourceFile::new(path, bytes.to_vec())], Vec::new());
    let policy = ParsePolicy { python_version: Some(python), ..ParsePolicy::default() };
    let (parsed, findings) = parse(&artifact, &policy, &Target::new(&policy, EngineVersions::default(), None));
    (parsed.files[0].validity, findings)
}

/// What CPython 3.9 to 3.14 say of each file when they run it: `.` for a program, `X` for an error of its syntax. Then,
/// where vetrun refuses what they run, why; then the bytes, with escapes.
const PYTHON: &str = include_str!("parse_bytes/python.txt");

/// The same of names of variables and of characters.
const PYTHON_NAMES: &str = include_str!("parse_bytes/python_names.txt");

/// The bytes that a line of a table spells.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        let (byte, length) = match (byte, after) {
            (b'\\', [b'n', ..]) => (b'\n', 2),
            (b'\\', [b'r', ..]) => (b'\r', 2),
            (b'\\', [b't', ..]) => (b'\t', 2),
            (b'\\', [b'x', ..]) => {
                let digits = std::str::from_utf8(&after[1..3]).expect("two digits");
                (u8::from_str_radix(digits, 16).expect("two digits"), 4)
            }
            (b'\\', [b'\\', ..]) => (b'\\', 2),
            _ => (*byte, 1),
        };
        bytes.push(byte);
        rest = &rest[length..];
    }
    bytes
}

/// The lines of a table: its first word, its second, and the bytes.
fn table(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str, &'static str, Vec<u8>)> {
    text.lines().map(|line| {
        let mut parts = line.splitn(3, ' ');
        let mut next = || parts.next().expect("three parts");
        let (verdicts, why, case) = (next(), next(), next());
        (verdicts, why, case, unescaped(case))
    })
}

/// What the finding says where vetrun refuses what CPython runs.
const REFUSED: &[(&str, &[&str])] = &[
    ("nul", &["null bytes"]),
    ("hides-code", &["can hide code"]),
    ("not-exact", &["cannot be judged", "codec can't decode"]),
    // A name that no table here has.
    ("unknown-name", &["unicode"]),
];

#[test]
fn bytes_of_python_are_read_as_cpython_reads_them() {
    let mut wrong = Vec::new();
    for (verdicts, why, case, bytes) in table(PYTHON).chain(table(PYTHON_NAMES)) {
        let refused = REFUSED.iter().find(|(name, _)| *name == why).map(|(_, words)| *words);
        for (expected, version) in verdicts.chars().zip(PythonVersion::ALL) {
            let (validity, findings) = judge("a.py", &bytes, version);
            let messages: Vec<_> = findings.iter().map(|finding| finding.message.as_str()).collect();
            let is_right = match refused {
                None => (validity == Validity::Valid) == (expected == '.'),
                Some(words) => validity == Validity::Invalid && words.iter().any(|word| messages[0].contains(word)),
            };
            let has_place = validity == Validity::Valid || findings.iter().any(|finding| finding.range.is_some());
            if !is_right || (!has_place && !bytes.starts_with(b"\xff\xfe") && !bytes.starts_with(b"\xfe\xff")) {
                wrong.push(format!("{version} {expected} {why} {case}: {validity:?} {messages:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), wrong.len());
}

/// What Node 20, 22, 24 and 26 say of each file: as CommonJS, then as a module.
const JAVASCRIPT: &str = include_str!("parse_bytes/javascript.txt");

#[test]
fn bytes_of_javascript_are_read_as_v8_reads_them() {
    let mut wrong = Vec::new();
    for (verdicts, _, case, bytes) in table(JAVASCRIPT) {
        for (expected, path) in verdicts.chars().zip(["a.cjs", "a.mjs"]) {
            let (validity, findings) = judge(path, &bytes, PythonVersion::NEWEST);
            let messages: Vec<_> = findings.iter().map(|finding| finding.message.as_str()).collect();
            if (validity == Validity::Valid) != (expected == '.') {
                wrong.push(format!("{path} {expected} {case}: {validity:?} {messages:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), wrong.len());
}
