//! Archives made by hand: what is refused, each by its own rule, and what is read.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::super::{Integrity, NpmLimits, Pick};
use super::vet;

/// Something that a member is made of.
struct Entry<'a> {
    name: &'a [u8],
    kind: u8,
    mode: u32,
    content: &'a [u8],
}

fn file<'a>(name: &'a str, content: &'a str) -> Entry<'a> {
    Entry { name: name.as_bytes(), kind: b'0', mode: 0o644, content: content.as_bytes() }
}

fn header(entry: &Entry<'_>) -> Vec<u8> {
    let mut block = vec![0_u8; 512];
    block[..entry.name.len()].copy_from_slice(entry.name);
    block[100..108].copy_from_slice(format!("{:07o}\0", entry.mode).as_bytes());
    block[124..136].copy_from_slice(format!("{:011o}\0", entry.content.len()).as_bytes());
    block[156] = entry.kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    signed(block)
}

fn signed(mut block: Vec<u8>) -> Vec<u8> {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

fn tar(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend(header(entry));
        bytes.extend(entry.content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.extend([0; 1024]);
    bytes
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const MANIFEST: &str = r#"{"name":"@s/a","version":"1.0.0"}"#;

fn pick() -> Pick {
    Pick {
        place: "node_modules/@s/a".to_owned(),
        name: "@s/a".to_owned(),
        version: "1.0.0".to_owned(),
        integrity: Integrity::read(Some("sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")).unwrap(),
        resolved: None,
        has_install_script: false,
        requested: None,
        required_by: Vec::new(),
    }
}

fn rule(tgz: &[u8]) -> String {
    match vet(&pick(), tgz, &NpmLimits::default()) {
        Ok(package) => format!("{:?}", package.contents.files().map(|file| file.path).collect::<Vec<_>>()),
        Err(finding) => finding.rule_id.to_string(),
    }
}

/// The rule for a sound package with these members beside.
fn rule_with(others: Vec<Entry<'_>>) -> String {
    let mut entries = vec![file("package/package.json", MANIFEST)];
    entries.extend(others);
    rule(&gz(&tar(&entries)))
}

fn special(name: &str, kind: u8) -> Entry<'_> {
    Entry { kind, ..file(name, "") }
}

#[test]
fn hostile_members_are_refused_by_their_own_rules() {
    let deep = format!("package/{}x", "a/".repeat(40));
    let cases: Vec<(Vec<Entry<'_>>, &str)> = vec![
        (vec![special("package/x", b'1')], "node-archive-link"),
        (vec![special("package/x", b'2')], "node-archive-link"),
        (vec![special("package/x", b'3')], "node-archive-special"),
        (vec![special("package/x", b'4')], "node-archive-special"),
        (vec![special("package/x", b'6')], "node-archive-special"),
        (vec![special("package/x", b'7')], "node-archive-special"),
        (vec![special("package/x", b'S')], "node-archive-special"),
        (vec![special("package/x", b'K')], "node-archive-special"),
        (vec![file("package/../../x", "")], "node-path-escapes"),
        (vec![file("package/..", "")], "node-path-escapes"),
        (vec![file("/package/x", "")], "node-path-malformed"),
        (vec![file("other/x", "")], "node-path-malformed"),
        (vec![file("package/a\\b", "")], "node-path-escapes"),
        (vec![file("package//x", "")], "node-path-malformed"),
        (vec![file("package/./x", "")], "node-path-malformed"),
        (vec![file("x", "")], "node-path-malformed"),
        (vec![file("package/a\nb", "")], "node-path-unprintable"),
        (vec![file("package/a\u{202e}b", "")], "node-path-unprintable"),
        (vec![file(&deep, "")], "node-path-too-long"),
        (vec![file("package/a", ""), file("package/a", "")], "node-path-collides"),
        (vec![file("package/a", ""), file("package/A", "")], "node-path-collides"),
        (vec![file("package/a", ""), file("package/a/b", "")], "node-path-collides"),
        (vec![file("package/straße", ""), file("package/STRASSE", "")], "node-path-collides"),
        (vec![file("package/PACKAGE.JSON", "")], "node-path-collides"),
        (vec![file("package/node_modules/b/index.js", "")], "node-package-bundles-others"),
        (vec![Entry { name: b"package/\xff", ..file("", "") }], "node-archive-malformed"),
        (vec![Entry { kind: b'5', ..file("package/x/", "content") }], "node-archive-malformed"),
        (vec![Entry { kind: b'x', ..file("h", "no record") }], "node-archive-malformed"),
        (vec![Entry { kind: b'x', ..file("h", "21 path=package/../x\n") }, file("package/x", "")], "node-path-escapes"),
        (vec![Entry { kind: b'x', ..file("h", "21 path=package/x\n") }], "node-archive-malformed"),
    ];
    for (entries, expected) in cases {
        let names: Vec<_> = entries.iter().map(|entry| String::from_utf8_lossy(entry.name).into_owned()).collect();
        assert_eq!(rule_with(entries), expected, "{names:?}");
    }
}

#[test]
fn archives_that_could_be_read_in_two_ways_are_refused() {
    let sound = tar(&[file("package/package.json", MANIFEST)]);
    let mut behind = sound.clone();
    behind.extend(header(&file("package/x", "")));
    let mut sum = sound.clone();
    sum[0] = b'q';
    let mut large = sound.clone();
    large[124..136].copy_from_slice(b"77777777777\0");
    let large = [signed(large[..512].to_vec()), large[512..].to_vec()].concat();
    let mut base256 = sound.clone();
    base256[124] = 0x80;
    let base256 = [signed(base256[..512].to_vec()), base256[512..].to_vec()].concat();
    for (bytes, what) in [(&behind, "behind"), (&sum, "sum"), (&large, "large"), (&base256, "base256")] {
        assert_eq!(rule(&gz(bytes)), "node-archive-malformed", "{what}");
    }
    let tgz = gz(&sound);
    assert_eq!(rule(&tgz), "[\"package.json\"]");
    assert_eq!(rule(&tgz[..tgz.len() - 9]), "node-archive-malformed");
    assert_eq!(rule(&[&tgz[..], &tgz[..]].concat()), "node-archive-malformed", "two streams");
    assert_eq!(rule(&[&tgz[..], b"x"].concat()), "node-archive-malformed");
    assert_eq!(rule(&sound), "node-archive-malformed", "it is not compressed");
    assert_eq!(rule(b""), "node-archive-malformed");
}

#[test]
fn bombs_are_refused_before_they_burst() {
    let zeros = "0".repeat(16 << 20);
    assert_eq!(rule_with(vec![file("package/x", &zeros)]), "node-archive-bomb");
    let limits = NpmLimits { members_max: 1, ..NpmLimits::default() };
    let tgz = gz(&tar(&[file("package/package.json", MANIFEST), file("package/x", "")]));
    assert_eq!(vet(&pick(), &tgz, &limits).unwrap_err().rule_id, "node-archive-bomb");
}

#[test]
fn a_package_is_the_one_of_the_lock() {
    let manifests = [
        "{\"name\":\"@s/b\",\"version\":\"1.0.0\"}",
        "{\"name\":\"@s/a\",\"version\":\"1.0.1\"}",
        "{\"version\":\"1.0.0\"}",
        "[]",
        "{",
    ];
    for manifest in manifests {
        assert_eq!(rule(&gz(&tar(&[file("package/package.json", manifest)]))), "node-package-is-another", "{manifest}");
    }
    assert_eq!(rule(&gz(&tar(&[file("package/index.js", "")]))), "node-package-is-another");
    let bom = "\u{feff}{\"name\":\"@s/a\",\"version\":\"v1.0.0\"}";
    assert_eq!(rule(&gz(&tar(&[file("package/package.json", bom)]))), "[\"package.json\"]");
}

#[test]
fn every_form_of_the_years_is_read() {
    let long = format!("package/{}/x.js", "long".repeat(40));
    let pax = format!("path={long}\n");
    let pax = format!("{} {pax}", pax.len() + 4);
    let gnu = format!("{long}.gnu\0");
    let entries = vec![
        Entry { kind: b'g', ..file("pax_global_header", "17 comment=abcde\n") },
        Entry { kind: b'5', ..file("package/lib/", "") },
        Entry { mode: 0o755, ..file("package/lib/cli.js", "x") },
        Entry { kind: b'x', ..file("h", &pax) },
        file("package/short", "y"),
        Entry { kind: b'L', ..file("././@LongLink", &gnu) },
        file("package/cut", "z"),
        Entry { kind: 0, ..file("package/old", "") },
    ];
    let mut all = vec![file("./package/package.json", MANIFEST)];
    all.extend(entries);
    let package = vet(&pick(), &gz(&tar(&all)), &NpmLimits::default()).unwrap();
    let found: Vec<_> =
        package.contents.files().map(|file| (file.path.len(), file.content, file.is_executable)).collect();
    let wanted: [(usize, &[u8], bool); 5] =
        [(10, b"x", true), (165, b"y", false), (169, b"z", false), (3, b"", false), (12, MANIFEST.as_bytes(), false)];
    assert_eq!(found, wanted);
}

#[test]
fn what_npm_would_run_or_compile_is_told() {
    let manifest = r#"{"name":"@s/a","version":"1.0.0","scripts":{"test":"x","postinstall":"curl"}}"#;
    let tgz = gz(&tar(&[
        file("package/package.json", manifest),
        file("package/binding.gyp", "{}"),
        file("package/build/a.node", ""),
    ]));
    let notes = |pick: &Pick| -> Vec<String> {
        let package = vet(pick, &tgz, &NpmLimits::default()).unwrap();
        package.notes.iter().map(|note| note.rule_id.to_string()).collect()
    };
    assert_eq!(notes(&pick()), ["node-install-script", "node-native-source", "node-native-code"]);
    let told = Pick { has_install_script: true, ..pick() };
    assert_eq!(notes(&told), ["node-native-source", "node-native-code"], "the lock tells of it already");
}
