//! Small artifacts as agents write them, as many as are asked for: files and folders, Python and JavaScript, each of them
//! different, and the same ones every time.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

/// Of so many artifacts one does something dangerous, one is broken off in the middle, and one is a folder.
const DANGEROUS_EVERY: u64 = 20;
const BROKEN_EVERY: u64 = 50;
const FOLDER_EVERY: u64 = 4;

/// Makes `count` artifacts in `folder`.
pub(crate) fn make(folder: &Path, count: u64) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    (0..count).try_for_each(|number| one(folder, number))
}

fn one(folder: &Path, number: u64) -> io::Result<()> {
    let mut dice = Dice(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d);
    let is_python = dice.below(3) < 2;
    let (extension, text) =
        if is_python { ("py", python(&mut dice, number)) } else { ("js", javascript(&mut dice, number)) };
    let text = if number % BROKEN_EVERY == 7 { text[..text.len() * 3 / 4].to_owned() } else { text };
    if !number.is_multiple_of(FOLDER_EVERY) {
        return fs::write(folder.join(format!("artifact-{number:06}.{extension}")), text);
    }
    let folder = folder.join(format!("artifact-{number:06}"));
    fs::create_dir(&folder)?;
    fs::write(folder.join(format!("main.{extension}")), text)?;
    let (name, helper) = if is_python {
        ("test_main.py", "import main\n\n\ndef test_main():\n    assert main.main() is None\n".to_owned())
    } else {
        ("main.test.js", "const test = require('node:test');\nconst assert = require('node:assert');\n\ntest('loads', () => {\n  assert.ok(require('./main.js'));\n});\n".to_owned())
    };
    fs::write(folder.join(name), helper)?;
    fs::write(folder.join("README.md"), format!("# Artifact {number}\n\nRun `main.{extension}`.\n"))
}

/// A Python file of so many lines.
pub(crate) fn python_lines(lines: usize) -> String {
    let mut dice = Dice(lines as u64);
    let mut text = String::new();
    while text.lines().count() < lines {
        text.push_str(&python(&mut dice, 1));
    }
    text.lines().take(lines).fold(String::new(), |text, line| text + line + "\n")
}

/// Numbers that look random and are the same every time (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }

    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[usize::try_from(self.below(all.len() as u64)).unwrap_or(0)]
    }
}

const NOUNS: [&str; 12] =
    ["order", "price", "user", "record", "matrix", "token", "line", "event", "score", "route", "city", "sample"];
const VERBS: [&str; 8] = ["load", "merge", "count", "rank", "split", "check", "format", "filter"];

fn python(dice: &mut Dice, number: u64) -> String {
    let mut text = String::from("\"\"\"Made by an agent.\"\"\"\n\n");
    for module in ["json", "math", "re", "random", "datetime", "collections", "itertools", "pathlib"] {
        if dice.below(3) == 0 {
            let _infallible = writeln!(text, "import {module}");
        }
    }
    text.push('\n');
    for part in 0..dice.below(6) {
        let (verb, noun, limit) = (dice.pick(&VERBS), dice.pick(&NOUNS), dice.below(1000));
        let _infallible = match dice.below(4) {
            0 => write!(
                text,
                "\ndef {verb}_{noun}_{part}(items, limit={limit}):\n    result = []\n    for item in items:\n        if item > limit:\n            result.append(item * {part})\n    return result\n\n"
            ),
            1 => write!(
                text,
                "\nclass {noun}{part}:\n    \"\"\"A {noun}.\"\"\"\n\n    def __init__(self, name, value={limit}):\n        self.name = name\n        self.value = value\n\n    def {verb}(self, other):\n        return {{'name': self.name, 'sum': self.value + other.value}}\n\n"
            ),
            2 => write!(
                text,
                "\ndef {verb}_{noun}_{part}(text):\n    words = text.lower().split()\n    counts = {{}}\n    for word in words:\n        counts[word] = counts.get(word, 0) + 1\n    top = sorted(counts.items(), key=lambda pair: -pair[1])\n    return [f\"{{word}}: {{count}}\" for word, count in top[:{limit}]]\n\n"
            ),
            _ => write!(
                text,
                "\n{noun}_{part} = [{limit} + index for index in range({limit}) if index % {} == 0]\n",
                part + 2
            ),
        };
    }
    let risky = if number % DANGEROUS_EVERY == 3 { "    import os\n    os.system(input())\n" } else { "" };
    let _infallible = write!(
        text,
        "\ndef main():\n{risky}    print(\"artifact {number}\", {})\n\n\nif __name__ == \"__main__\":\n    main()\n",
        dice.below(1000)
    );
    text
}

fn javascript(dice: &mut Dice, number: u64) -> String {
    let mut text = String::from("'use strict';\n\n");
    for module in ["fs", "path", "util", "events", "url"] {
        if dice.below(4) == 0 {
            let _infallible = writeln!(text, "const {module} = require('node:{module}');");
        }
    }
    for part in 0..dice.below(6) {
        let (verb, noun, limit) = (dice.pick(&VERBS), dice.pick(&NOUNS), dice.below(1000));
        let _infallible = match dice.below(3) {
            0 => write!(
                text,
                "\nfunction {verb}{noun}{part}(items, limit = {limit}) {{\n  const result = [];\n  for (const item of items) {{\n    if (item.value > limit) {{\n      result.push({{ ...item, rank: {part} }});\n    }}\n  }}\n  return result;\n}}\n"
            ),
            1 => write!(
                text,
                "\nclass {noun}{part} {{\n  constructor(name, value = {limit}) {{\n    this.name = name;\n    this.value = value;\n  }}\n\n  {verb}(other) {{\n    return `${{this.name}}: ${{this.value + other.value}}`;\n  }}\n}}\n"
            ),
            _ => write!(
                text,
                "\nconst {verb}{noun}{part} = (text) =>\n  text\n    .split(' ')\n    .map((word) => word.toLowerCase())\n    .filter((word) => word.length > {})\n    .slice(0, {limit});\n",
                part + 1
            ),
        };
    }
    let risky = if number % DANGEROUS_EVERY == 3 { "  eval(process.argv[2]);\n" } else { "" };
    let _infallible = write!(
        text,
        "\nfunction main() {{\n{risky}  console.log('artifact {number}', {});\n}}\n\nmain();\n\nmodule.exports = {{ main }};\n",
        dice.below(1000)
    );
    text
}
