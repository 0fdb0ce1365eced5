//! Wheels, vetted before they are unpacked: every known trick has its own hostile wheel and its own rule, and none of them
//! reaches a file; a sound wheel is written as it is.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod builder;
mod hostile;
mod random;
mod real;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;

use builder::{Descriptor, Draft, Zip, draft, draft_of, entry, zip};
use vetrun::deps::wheel::{InterpreterAbi, Surroundings, Wheel, WheelLimits, WheelName, collisions, vet};
use vetrun::finding::{Finding, Severity};
use vetrun::passes::install::{UnpackError, unpack};

/// The modules of the standard library that these tests name.
fn stdlib() -> BTreeSet<String> {
    ["random", "encodings", "os", "json"].map(str::to_owned).into()
}

/// What [`vet`] says, in these tests' surroundings.
fn vetted<'a>(name: &WheelName, bytes: &'a [u8]) -> Result<Wheel<'a>, Vec<Finding>> {
    let abi = InterpreterAbi { soabi: "cpython-311-x86_64-linux-gnu".to_owned(), machine: "x86_64".to_owned() };
    let owner_of = |module: &str| (module == "requests").then_some("requests");
    let around = Surroundings { stdlib: &stdlib(), owner_of: &owner_of, interpreter: Some(&abi) };
    vet(name, bytes, &WheelLimits::default(), &around)
}

/// The rules of findings that stand against a wheel, whether they are found before it is unpacked or on the way. What is
/// refused must leave nothing outside its folder.
fn against(name: &WheelName, bytes: &[u8]) -> BTreeSet<String> {
    let rules = |findings: &[Finding]| {
        let blocking = findings.iter().filter(|finding| finding.severity >= Severity::Medium);
        blocking.map(|finding| finding.rule_id.to_string()).collect::<BTreeSet<_>>()
    };
    let wheel = match vetted(name, bytes) {
        Ok(wheel) => wheel,
        Err(findings) => {
            let rules = rules(&findings);
            assert!(!rules.is_empty(), "a wheel is refused for something: {findings:?}");
            return rules;
        }
    };
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join("root");
    std::fs::create_dir(&root).unwrap();
    let verified = rules(&wheel.verify());
    let unpacked = match unpack(&[&wheel], &root) {
        Ok(_) => BTreeSet::new(),
        Err(UnpackError::Refused(findings)) => rules(&findings),
        Err(other) => panic!("{other:?}"),
    };
    assert_eq!(verified, unpacked, "reading and writing prove the same");
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 1);
    unpacked
}

/// A wheel with something of everything that is sound.
fn benign() -> Draft {
    let files = [
        ("sample/__init__.py", "x = 1\n"),
        ("sample/a,b \"c\".txt", "text\n"),
        ("sample/empty.py", ""),
        ("sample-1.0.data/scripts/tool", "#!python\nprint(1)\n"),
        ("sample-1.0.data/data/share/sample/data.txt", "data\n"),
        ("sample-1.0.data/headers/sample.h", "int x;\n"),
        ("sample-1.0.data/purelib/other.py", "y = 2\n"),
        ("sample/数.txt", "text\n"),
    ];
    draft(&files).with(|draft| {
        draft.metadata += "Requires-Python: >=3.8\nProvides-Extra: Fast_er\nRequires-Dist: Other_Dist (>=1)\n\
                           Requires-Dist: more[x]; extra == \"fast-er\"\n\nLong text: a\nName: nobody\n";
        draft.entry_points = "[console_scripts]\nsample = sample.cli:main\n".to_owned();
        draft.entries.push(entry("sample/__pycache__/__init__.cpython-311.pyc", "stale"));
        draft.entries.push(entry("sample/", ""));
        draft.entries.push(builder::Entry { mode: 0o100_755, ..entry("sample/run.sh", "#!/bin/sh\n") });
    })
}

#[test]
fn a_sound_wheel_is_what_it_says() {
    let draft = benign();
    let bytes = draft.bytes();
    let wheel = vetted(&draft.name(), &bytes).unwrap();
    let requires: Vec<String> = wheel.metadata.requires.iter().map(ToString::to_string).collect();
    assert_eq!(requires, ["other-dist>=1", "more[x]; extra == \"fast-er\""]);
    assert_eq!(wheel.metadata.extras, ["fast-er".to_owned()].into());
    assert_eq!(wheel.metadata.requires_python.as_ref().unwrap().to_string(), ">=3.8");
    assert_eq!(wheel.console_scripts[0].name, "sample");
    assert_eq!(wheel.top_level, ["other".to_owned(), "sample".to_owned()].into());
    assert_eq!(wheel.dropped, ["sample/__pycache__/__init__.cpython-311.pyc"]);
    assert!(!wheel.native);
    let rules: Vec<_> = wheel.notes.iter().map(|finding| (&*finding.rule_id, finding.severity)).collect();
    assert_eq!(rules, [("package-bytecode-shipped", Severity::Low)]);
    let sources: Vec<_> =
        wheel.sources(&WheelLimits::default()).map(|source| (source.path, source.content.unwrap())).collect();
    let expected: [(&str, &[u8]); 4] = [
        ("bin/tool", b"#!python\nprint(1)\n"),
        ("other.py", b"y = 2\n"),
        ("sample/__init__.py", b"x = 1\n"),
        ("sample/empty.py", b""),
    ];
    assert_eq!(sources, expected.map(|(path, content)| (path, content.to_vec())));
    assert!(wheel.verify().is_empty());
}

#[test]
fn a_sound_wheel_is_unpacked_as_it_is() {
    let draft = benign();
    let bytes = draft.bytes();
    let wheel = vetted(&draft.name(), &bytes).unwrap();
    let root = tempfile::tempdir().unwrap();
    let files = unpack(&[&wheel], root.path()).unwrap();
    let read = |path: &str| std::fs::read_to_string(root.path().join(path)).unwrap();
    let mode = |path: &str| std::fs::metadata(root.path().join(path)).unwrap().permissions().mode() & 0o7777;
    for file in &files {
        assert_eq!(read(&file.path).len() as u64, file.bytes, "{}", file.path);
        assert_eq!(file.digest().len(), "sha256:".len() + 64);
    }
    assert_eq!(read("bin/tool"), "#!/usr/bin/env python3\nprint(1)\n");
    assert_eq!(read("include/sample/sample.h"), "int x;\n");
    assert_eq!(
        (mode("bin/tool"), mode("sample/run.sh"), mode("other.py"), mode("sample")),
        (0o755, 0o755, 0o644, 0o755)
    );
    let record = read("sample-1.0.dist-info/RECORD");
    assert_eq!(record.lines().count(), files.len());
    for file in ["bin/tool,sha256=", "\"sample/a,b \"\"c\"\".txt\",sha256=", "other.py,sha256="] {
        assert!(record.lines().any(|line| line.starts_with(file)), "{file}");
    }
    assert!(record.ends_with("\nsample-1.0.dist-info/RECORD,,\n") && !record.contains("pyc"));
    assert!(matches!(unpack(&[&wheel], root.path()), Err(UnpackError::NotEmpty)));
}

#[test]
fn archives_are_read_in_all_the_forms_that_build_tools_write() {
    let draft = benign();
    let all = draft.all();
    let forms: [fn(&mut builder::Entry); 6] = [
        |entry| entry.method = 8,
        |entry| (entry.method, entry.descriptor) = (8, Descriptor::Short { signature: true }),
        |entry| entry.descriptor = Descriptor::Short { signature: false },
        |entry| (entry.method, entry.descriptor) = (8, Descriptor::Long { signature: true }),
        |entry| (entry.descriptor, entry.extra) = (Descriptor::Long { signature: false }, b"UT\x05\0\x01....".to_vec()),
        |entry| (entry.is_long, entry.flags) = (true, 1 << 11 | 0b10),
    ];
    for (at, form) in forms.iter().enumerate() {
        let mut entries = all.clone();
        entries.iter_mut().filter(|entry| !entry.name.ends_with('/')).for_each(form);
        assert_eq!(against(&draft.name(), &zip(&entries)), BTreeSet::new(), "form {at}");
        let long = Zip { entries, is_long: true, ..Zip::default() };
        assert_eq!(against(&draft.name(), &long.bytes()), BTreeSet::new(), "form {at} with a long end");
    }
}

/// Files of a second wheel, and the first finding about both.
type Shared = (&'static [(&'static str, &'static str)], Option<(&'static str, Severity)>);

#[test]
fn what_several_wheels_share_is_found() {
    let of = |distribution, files: &[(&str, &str)]| {
        let draft = draft_of(distribution, files);
        (draft.name(), draft.bytes())
    };
    let (one, one_bytes) =
        of("one", &[("space/__init__.py", ""), ("good/a.py", "x"), ("tests/a.py", "1"), ("LICENSE", "1"), ("d/x", "")]);
    let cases: [Shared; 7] = [
        (&[("space/b.py", "y")], None),
        (&[("space/__init__.py", "")], Some(("package-file-shared", Severity::Low))),
        (&[("space/__init__.py", "y")], Some(("package-file-collides", Severity::High))),
        (&[("Good/A.py", "x")], Some(("package-file-collides", Severity::High))),
        (&[("tests/a.py", "2"), ("LICENSE", "2")], Some(("package-file-shared", Severity::Low))),
        (&[("good/a.py/b.py", "y")], Some(("package-file-collides", Severity::High))),
        (&[("d", "y")], Some(("package-file-collides", Severity::High))),
    ];
    for (files, expected) in cases {
        let (two, two_bytes) = of("two", files);
        let (one, two) = (vetted(&one, &one_bytes).unwrap(), vetted(&two, &two_bytes).unwrap());
        let found = collisions(&[&one, &two]);
        let first = found.first().map(|finding| (&*finding.rule_id, finding.severity));
        assert_eq!(first, expected, "{files:?}: {found:?}");
        let root = tempfile::tempdir().unwrap();
        let unpacked = unpack(&[&one, &two], root.path());
        if found.iter().any(|finding| finding.severity >= Severity::Medium) {
            assert!(matches!(unpacked, Err(UnpackError::Refused(_))), "{files:?}");
            assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0, "nothing is written");
        } else {
            unpacked.unwrap();
            assert_eq!(std::fs::read_to_string(root.path().join("LICENSE")).unwrap(), "1", "the first wheel's is kept");
        }
    }
}

#[test]
fn an_altered_file_is_refused_where_it_is_written() {
    let draft =
        draft(&[("sample/__init__.py", "x = 1\n"), ("sample/b.py", "y")]).with(|draft| draft.lie_about = "sample/b.py");
    let bytes = draft.bytes();
    let wheel = vetted(&draft.name(), &bytes).unwrap();
    let root = tempfile::tempdir().unwrap();
    let Err(UnpackError::Refused(findings)) = unpack(&[&wheel], root.path()) else { panic!("it is refused") };
    assert_eq!(findings.len(), 1);
    assert_eq!(
        findings[0].message,
        "sample-1.0-py3-none-any.whl: `sample/b.py` is not the file that its package records"
    );
    assert!(!root.path().join("sample/b.py").exists());
}

#[test]
fn native_code_is_noted_for_what_it_is() {
    let elf = |machine: u8| {
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(18, 0);
        bytes.extend([machine, 0]);
        bytes.resize(64, 0);
        bytes
    };
    let draft = draft(&[("sample/__init__.py", "")]).with(|draft| {
        draft.entries.push(entry("sample/a.cpython-311-x86_64-linux-gnu.so", elf(62)).deflated());
        draft.entries.push(entry("sample/b.cpython-310-x86_64-linux-gnu.so", elf(62)));
        draft.entries.push(entry("sample/c.bin", elf(183)));
        draft.entries.push(entry("sample/d.exe", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\0\0\0\0"));
    });
    let bytes = draft.bytes();
    let wheel = vetted(&draft.name(), &bytes).unwrap();
    assert!(wheel.native);
    let rules: Vec<_> = wheel.notes.iter().map(|finding| (&*finding.rule_id, finding.severity)).collect();
    let expected = [
        ("package-native-code", Severity::Info),
        ("package-native-foreign", Severity::Info),
        ("package-native-wrong-abi", Severity::Low),
        ("package-native-wrong-machine", Severity::Low),
    ];
    assert_eq!(rules, expected);
}
