//! One hostile wheel for each known trick, and the rule that it is refused by.

use std::time::{Duration, Instant};

use super::builder::{Draft, Entry, Zip, draft, entry, zip};
use super::{BTreeSet, against, vetted};

/// What is wrong, how it is made so, and the rule that refuses it.
type Case<T> = (&'static str, fn(&mut T), &'static str);

/// A wheel of one module and these files beside it.
fn with(files: &[(&str, &str)]) -> Draft {
    draft(&[("sample/__init__.py", "")])
        .with(|draft| draft.entries.extend(files.iter().map(|(name, content)| entry(name, content))))
}

/// The rules against a draft.
fn rules(draft: &Draft) -> Vec<String> {
    against(&draft.name(), &draft.bytes()).into_iter().collect()
}

/// A draft with one more member, which is changed.
fn with_entry(name: &str, content: &str, change: impl FnOnce(&mut Entry)) -> Draft {
    with(&[(name, content)]).with(|draft| change(draft.entries.last_mut().unwrap()))
}

#[test]
fn files_that_land_where_they_take_effect_are_refused() {
    let cases = [
        ("../x.py", "wheel-path-escapes"),
        ("a/../../../tmp/x", "wheel-path-escapes"),
        ("/tmp/x", "wheel-path-escapes"),
        ("sample-1.0.data/data/../../x", "wheel-path-escapes"),
        ("a\\..\\x", "wheel-path-escapes"),
        ("x/./y", "wheel-path-malformed"),
        ("x//y", "wheel-path-malformed"),
        ("x./y", "wheel-path-malformed"),
        ("safe\u{202e}yp.py", "wheel-path-unprintable"),
        ("a\nb.py", "wheel-path-unprintable"),
        ("sample-1.0.data/data/.local/lib/python3.11/site-packages/x.pth", "package-hidden-file"),
        ("sample-1.0.data/purelib/.local/lib/python3.11/site-packages/x.pth", "package-hidden-file"),
        (".config/pip/pip.conf", "package-hidden-file"),
        (".bashrc", "package-hidden-file"),
        (".netrc", "package-hidden-file"),
        ("sample-1.0.data/data/.gitconfig", "package-hidden-file"),
        ("sample-1.0.data/data/lib/python3.11/site-packages/x.py", "package-data-misplaced"),
        ("sample-1.0.data/data/pyvenv.cfg", "package-data-misplaced"),
        ("sample-1.0.data/stdlib/x.py", "package-data-misplaced"),
        ("other-1.0.data/scripts/x", "package-data-misplaced"),
        ("sitecustomize.py", "package-startup-module"),
        ("sitecustomize/__init__.py", "package-startup-module"),
        ("usercustomize.cpython-311-x86_64-linux-gnu.so", "package-startup-module"),
        ("sample-1.0.data/platlib/usercustomize.py", "package-startup-module"),
        ("random.py", "package-shadows-stdlib"),
        ("encodings/__init__.py", "package-shadows-stdlib"),
        ("requests/__init__.py", "package-foreign-module"),
        ("sample/hidden.pyc", "package-bytecode-only"),
        ("hidden.PYC", "package-bytecode-only"),
        ("sample-1.0.data/scripts/python3", "package-command-jacked"),
        ("bin/ls", "package-command-jacked"),
        ("sample-1.0.data/data/bin/pip", "package-command-jacked"),
        ("Sample/other.py", "wheel-member-duplicated"),
        ("sample", "wheel-path-conflict"),
        ("sample/__init__.py/x", "wheel-path-conflict"),
        ("other-1.0.dist-info/METADATA", "package-info-folder-wrong"),
        ("sample-2.0.dist-info/METADATA", "package-info-folder-wrong"),
        ("sample-1.0.data/purelib/other-1.0.dist-info/METADATA", "package-info-folder-wrong"),
        ("sample-1.0.data/data/sample-1.0.dist-info/entry_points.txt", "package-info-folder-wrong"),
        ("other.egg-info/PKG-INFO", "package-info-folder-wrong"),
    ];
    for (name, rule) in cases {
        let found = rules(&with(&[(name, "x")]));
        assert_eq!(found, [rule], "{name:?}");
    }
}

#[test]
fn path_files_with_code_are_refused() {
    let found = vetted(&with(&[]).name(), &with(&[("x.pth", "import os; os.system('x')\n")]).bytes()).unwrap_err();
    assert_eq!((&*found[0].rule_id, found[0].severity.name()), ("package-path-file", "critical"));
    assert_eq!(rules(&with(&[("x.pth", "../elsewhere\n")])), Vec::<String>::new());
    let known = "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; \
                 enabled and __import__('_distutils_hack').add_shim(); \n";
    assert_eq!(rules(&with(&[("distutils-precedence.pth", known)])), Vec::<String>::new());
    assert_eq!(rules(&with(&[("other.pth", known)])), ["package-path-file"], "a known file has its own name");
    assert_eq!(rules(&with(&[("distutils-precedence.pth", "import os")])), ["package-path-file"], "and content");
    let weights = with(&[("sample/weights.pth", "import x")]);
    assert_eq!(rules(&weights), Vec::<String>::new(), "below the root it is not a path file");
}

#[test]
fn links_devices_and_borrowed_rights_are_refused() {
    for (mode, rule) in [
        (0o120_777, "wheel-member-link"),
        (0o020_666, "wheel-member-link"),
        (0o060_666, "wheel-member-link"),
        (0o010_666, "wheel-member-link"),
        (0o140_666, "wheel-member-link"),
        (0o104_755, "wheel-member-setuid"),
        (0o102_755, "wheel-member-setuid"),
        (0o040_755, "wheel-path-conflict"),
    ] {
        assert_eq!(rules(&with_entry("sample/x", "/etc", |entry| entry.mode = mode)), [rule], "{mode:o}");
    }
    let through = with_entry("link", "/tmp", |entry| entry.mode = 0o120_777)
        .with(|draft| draft.entries.push(entry("link/x", "y")));
    assert_eq!(rules(&through), ["wheel-member-link", "wheel-path-conflict"]);
    assert_eq!(rules(&with_entry("folder/", "content", |_| ())), ["wheel-path-conflict"]);
    assert_eq!(rules(&with_entry("folder/", "", |entry| entry.mode = 0o100_644)), ["wheel-path-conflict"]);
}

#[test]
fn names_that_are_one_file_are_refused() {
    for (one, two) in [
        ("sample/a.py", "sample/a.py"),
        ("sample/a.py", "sample/A.py"),
        ("sample/é", "sample/e\u{301}"),
        ("ß.py", "SS.py"),
    ] {
        assert_eq!(rules(&with(&[(one, "1"), (two, "2")])), ["wheel-member-duplicated"], "{one} {two}");
    }
    let landing = with(&[("sample-1.0.data/purelib/sample/a.py", "1"), ("sample/a.py", "2")]);
    assert_eq!(rules(&landing), ["package-file-collides"]);
    let landing = with(&[("sample-1.0.data/scripts/x", "1"), ("bin/x/y", "2")]);
    assert_eq!(rules(&landing), ["package-file-collides"]);
}

#[test]
fn archives_that_can_be_read_in_two_ways_are_refused() {
    let sound = with(&[]);
    let other = zip(&with(&[("sample/other.py", "evil")]).all());
    let entries = sound.all();
    let of = |zip: Zip| Zip { entries: entries.clone(), ..zip }.bytes();
    let cases = [
        ("two archives", [other.clone(), sound.bytes()].concat(), "wheel-hidden-bytes"),
        (
            "two archives, offsets adjusted",
            of(Zip { lead: other, lead_counts: true, ..Zip::default() }),
            "wheel-hidden-bytes",
        ),
        ("bytes in front", of(Zip { lead: b"#!/bin/sh\n".to_vec(), ..Zip::default() }), "wheel-hidden-bytes"),
        ("bytes before the directory", of(Zip { gap: vec![0; 9], ..Zip::default() }), "wheel-hidden-bytes"),
        ("bytes at the end", of(Zip { tail: vec![0; 9], ..Zip::default() }), "wheel-hidden-bytes"),
        ("a comment", of(Zip { comment: b"note".to_vec(), ..Zip::default() }), "wheel-hidden-bytes"),
        ("a member less", of(Zip { members: Some(3), ..Zip::default() }), "wheel-hidden-bytes"),
        ("a member more", of(Zip { members: Some(5), ..Zip::default() }), "wheel-archive-malformed"),
        ("cut off", sound.bytes()[..200].to_vec(), "wheel-archive-malformed"),
        ("nothing", Vec::new(), "wheel-archive-malformed"),
        ("no members", zip(&[]), "package-info-folder-wrong"),
    ];
    for (what, bytes, rule) in cases {
        assert_eq!(against(&sound.name(), &bytes), BTreeSet::from([rule.to_owned()]), "{what}");
    }
}

#[test]
fn members_that_can_be_read_in_two_ways_are_refused() {
    let cases: [Case<Entry>; 12] = [
        (
            "another name beside the data",
            |entry| entry.local_name = Some("sample/y.py".to_owned()),
            "wheel-headers-disagree",
        ),
        ("bytes behind the data", |entry| entry.gap = vec![0; 5], "wheel-hidden-bytes"),
        ("a comment", |entry| entry.comment = "note".to_owned(), "wheel-hidden-bytes"),
        ("a second name", |entry| entry.extra = b"\x75\x70\x05\0\x01....".to_vec(), "wheel-archive-malformed"),
        ("a broken extra field", |entry| entry.extra = vec![1, 2, 200, 0], "wheel-archive-malformed"),
        ("encrypted", |entry| entry.flags = 1, "wheel-member-encrypted"),
        ("LZMA", |entry| entry.method = 14, "wheel-member-method"),
        ("bzip2", |entry| entry.method = 12, "wheel-member-method"),
        ("a patch", |entry| entry.flags = 1 << 5, "wheel-archive-malformed"),
        ("a size that lies, stored", |entry| entry.size = Some(6), "wheel-headers-disagree"),
        (
            "a name that is not flagged",
            |entry| (entry.name, entry.flags) = ("sample/é".to_owned(), 0),
            "wheel-path-malformed",
        ),
        ("a gap for a descriptor", |entry| (entry.flags, entry.gap) = (1 << 3, vec![0; 16]), "wheel-headers-disagree"),
    ];
    for (what, change, rule) in cases {
        assert_eq!(rules(&with_entry("sample/x.py", "content", change)), [rule], "{what}");
    }
}

#[test]
fn overlapping_members_are_refused() {
    let file = entry("sample/x.py", "content");
    let twin = Entry { data_of: Some(0), local_name: Some("sample/x.py".to_owned()), ..file.clone() };
    let mut entries = vec![file, Entry { name: "sample/y.py".to_owned(), ..twin }];
    entries.extend(with(&[]).all());
    assert_eq!(against(&with(&[]).name(), &zip(&entries)), BTreeSet::from(["wheel-members-overlap".to_owned()]));
}

#[test]
fn content_that_is_not_what_is_declared_is_refused() {
    let cases: [Case<Entry>; 4] = [
        ("a wrong checksum", |entry| entry.crc32 = Some(1), "wheel-member-damaged"),
        ("more than declared", |entry| entry.size = Some(3), "wheel-member-damaged"),
        ("less than declared", |entry| entry.size = Some(30), "wheel-member-damaged"),
        ("no deflate stream", |entry| (entry.content, entry.method) = (vec![0xff; 9], 8), "sound"),
    ];
    for (what, change, rule) in cases {
        // `RECORD` tells the same lie about the size.
        let draft = with_entry("sample/x.py", "content", |entry| (entry.method = 8, change(entry)).1);
        let mut entries = draft.all();
        if let Some(size) = entries.iter().find_map(|entry| entry.size) {
            let record = entries.last_mut().unwrap();
            let text = String::from_utf8(record.content.clone()).unwrap();
            record.content = text
                .replace(
                    "sample/x.py\",sha256=7XACtDnprIRfIjV9giusFERzD722AW0-yUMil7nsn3M,7",
                    &format!("sample/x.py\",sha256=7XACtDnprIRfIjV9giusFERzD722AW0-yUMil7nsn3M,{size}"),
                )
                .into_bytes();
        }
        let expected = if rule == "sound" { BTreeSet::new() } else { BTreeSet::from([rule.to_owned()]) };
        assert_eq!(against(&draft.name(), &zip(&entries)), expected, "{what}");
    }
}

#[test]
fn lists_that_are_wrong_are_refused() {
    let cases: [Case<Draft>; 12] = [
        ("a wrong digest", |draft| draft.lie_about = "sample/__init__.py", "package-file-altered"),
        ("an unlisted file", |draft| draft.leave_out = "sample/__init__.py", "package-file-unlisted"),
        (
            "a ghost",
            |draft| draft.record += "sample/ghost.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n",
            "package-file-missing",
        ),
        ("a path outside", |draft| draft.record += "../../etc/passwd,,\n", "package-record-escapes"),
        ("an absolute path", |draft| draft.record += "/etc/passwd,,\n", "package-record-escapes"),
        ("no list", |draft| draft.has_record = false, "package-record-missing"),
        ("a line too short", |draft| draft.record += "sample/__init__.py\n", "package-record-malformed"),
        (
            "a file twice",
            |draft| draft.record += "sample/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n",
            "package-record-malformed",
        ),
        (
            "a digest of itself",
            |draft| {
                draft.record += "sample-1.0.dist-info/RECORD,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n"
            },
            "package-record-malformed",
        ),
        ("open quotes", |draft| draft.record += "\"sample/__init__.py,,\n", "package-record-malformed"),
        (
            "a weak digest",
            |draft| {
                draft.leave_out = "sample/__init__.py";
                draft.record += "sample/__init__.py,md5=1B2M2Y8AsgTpgAmY7PhCfg,0\n";
            },
            "package-file-unlisted",
        ),
        (
            "a wrong size",
            |draft| {
                draft.leave_out = "sample/__init__.py";
                draft.record += "sample/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,1\n";
            },
            "package-file-altered",
        ),
    ];
    for (what, change, rule) in cases {
        assert_eq!(rules(&with(&[]).with(change)), [rule], "{what}");
    }
    let careless = with(&[])
        .with(|draft| draft.record += "sample/data.txt,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n");
    let bytes = careless.bytes();
    let notes = vetted(&careless.name(), &bytes).unwrap().notes;
    assert_eq!(
        (&*notes[0].rule_id, notes[0].severity.name()),
        ("package-file-missing", "low"),
        "data that is not there"
    );
    let signed = with(&[("sample-1.0.dist-info/RECORD.jws", "{}")])
        .with(|draft| draft.leave_out = "sample-1.0.dist-info/RECORD.jws");
    assert_eq!(rules(&signed), Vec::<String>::new(), "a signature of the list need not be listed");
}

#[test]
fn metadata_that_misleads_is_refused() {
    let cases: [Case<Draft>; 16] = [
        ("another name", |draft| draft.metadata = draft.metadata.replace("sample", "other"), "package-metadata-wrong"),
        ("another version", |draft| draft.metadata = draft.metadata.replace("1.0", "1.1"), "package-metadata-wrong"),
        ("two names", |draft| draft.metadata += "Name: sample\n", "package-metadata-malformed"),
        (
            "a file's address",
            |draft| draft.metadata += "Requires-Dist: x @ file:///tmp/x.tar.gz\n",
            "package-direct-requirement",
        ),
        (
            "a repository",
            |draft| draft.metadata += "Requires-Dist: x @ git+https://example.org/x\n",
            "package-direct-requirement",
        ),
        (
            "a folded address",
            |draft| draft.metadata += "requires-dist: x\n @ git+file:///x\n",
            "package-direct-requirement",
        ),
        ("no requirement", |draft| draft.metadata += "Requires-Dist: x >> 1\n", "package-requirement-invalid"),
        (
            "a lone carriage return",
            |draft| draft.metadata += "Summary: x\rRequires-Dist: y\n",
            "package-metadata-malformed",
        ),
        ("a line that is no header", |draft| draft.metadata += "Requires-Dist\n", "package-metadata-malformed"),
        ("no version of Python", |draft| draft.metadata += "Requires-Python: three\n", "package-metadata-malformed"),
        (
            "an unknown version of metadata",
            |draft| draft.metadata = draft.metadata.replace("2.1", "9.0"),
            "package-metadata-malformed",
        ),
        ("400,000 header lines", |draft| draft.metadata += &"X:\n".repeat(340_000), "package-metadata-malformed"),
        (
            "a large description",
            |draft| draft.metadata += &format!("\n{}", "x".repeat(1 << 20)),
            "package-metadata-too-large",
        ),
        (
            "another version of wheels",
            |draft| draft.wheel = draft.wheel.replace("1.0", "2.0"),
            "wheel-version-unsupported",
        ),
        ("other tags", |draft| draft.wheel = draft.wheel.replace("py3", "py2"), "wheel-tag-wrong"),
        ("no kind of root", |draft| draft.wheel = draft.wheel.replace("true", "perhaps"), "package-metadata-malformed"),
    ];
    for (what, change, rule) in cases {
        assert_eq!(rules(&with(&[]).with(change)), [rule], "{what}");
    }
}

#[test]
fn tags_of_the_name_alone_may_narrow_and_not_widen() {
    let name = |platform: &str| format!("sample-1.0-py3-none-{platform}.whl").parse().unwrap();
    let tagged = |platform: &str| with(&[]).with(|draft| draft.wheel = draft.wheel.replace("any", platform)).bytes();
    for (named, said) in
        [("manylinux_2_28_x86_64", "any"), ("manylinux2014_x86_64", "linux_x86_64"), ("any.linux_x86_64", "any")]
    {
        let bytes = tagged(said);
        let notes = vetted(&name(named), &bytes).unwrap().notes;
        assert_eq!(
            notes.iter().map(|finding| &*finding.rule_id).collect::<Vec<_>>(),
            ["wheel-tag-wrong"],
            "{named} {said}"
        );
    }
    for (named, said) in
        [("any", "linux_x86_64"), ("manylinux1_aarch64", "linux_x86_64"), ("win_x86_64", "linux_x86_64")]
    {
        assert_eq!(
            against(&name(named), &tagged(said)),
            BTreeSet::from(["wheel-tag-wrong".to_owned()]),
            "{named} {said}"
        );
    }
}

#[test]
fn commands_that_mislead_are_refused() {
    for (line, rule) in [
        ("pip = a:b", "package-command-jacked"),
        ("ls = a:b", "package-command-jacked"),
        ("python3.11 = a:b", "package-command-jacked"),
        ("../../../x = a:b", "package-entry-point-malformed"),
        ("/abs/x = a:b", "package-entry-point-malformed"),
        ("a\n  b = c:d", "package-entry-point-malformed"),
        ("a\u{2028}b = c:d", "package-entry-point-malformed"),
        ("a = b:c;import os", "package-entry-point-malformed"),
    ] {
        for group in ["console_scripts", "gui_scripts"] {
            let draft = with(&[]).with(|draft| draft.entry_points = format!("[{group}]\n{line}\n"));
            assert_eq!(rules(&draft), [rule], "{line:?}");
        }
    }
}

#[test]
fn bombs_cost_no_more_than_their_directory() {
    // Generous, for a debug build on a busy machine; measured without either, it is microseconds.
    const LIMIT: Duration = Duration::from_millis(500);
    let name = with(&[]).name();
    let mut entries = with(&[]).all();
    entries.push(Entry { size: Some(2 << 30), content: vec![0xff; 2 << 20], method: 0, ..entry("sample/zeros", "") });
    let many = Zip { entries: Vec::new(), members: Some(65_534), ..Zip::default() };
    for (bytes, rule) in [(zip(&entries), "wheel-expands-too-much"), (many.bytes(), "wheel-too-many-members")] {
        let started = Instant::now();
        assert_eq!(against(&name, &bytes), BTreeSet::from([rule.to_owned()]));
        assert!(started.elapsed() < LIMIT, "{rule}: {:?}", started.elapsed());
    }
    let bomb = with(&[]).with(|draft| draft.entries.push(entry("sample/zeros", vec![0; 32 << 20]).deflated()));
    assert_eq!(rules(&bomb), ["wheel-expands-too-much"], "by its ratio");
}
