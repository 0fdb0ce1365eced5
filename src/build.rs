//! Packs the rule files into one generated source file, so that a rule that is added is built in without being named
//! anywhere.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=rules");
    println!("cargo:rerun-if-changed=src/build.rs");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("builtin_rules.rs");
    let mut files = Vec::new();
    collect(&root.join("rules"), &mut files);
    files.sort();
    let mut source = String::from("&[\n");
    for file in files {
        let text = fs::read_to_string(&file).expect("a rule file is UTF-8");
        let path = file.strip_prefix(&root).expect("it was found below the root");
        let path = path.to_str().expect("rule files have plain names").replace('\\', "/");
        writeln!(source, "    ({path:?}, {text:?}),").expect("a String takes all that is written");
    }
    source.push_str("]\n");
    fs::write(out, source).expect("OUT_DIR can be written");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map(|entry| entry.expect("the rules folder can be read")) {
        let path = entry.path();
        // `rules/peers` is data about the rules.
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "peers") {
                collect(&path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
}
