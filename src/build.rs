//! Packs the rule files, so that a rule that is added is built in without being named anywhere, and so that the program
//! need not compile hundreds of them at every start.
//!
//! The rules are compiled by the very files that compile users' rules; what those name is here in the same place of the
//! module tree. What comes out is the compiled rules as bytes, and beside them the texts in these, those of the rule files
//! included.
//!
//! It also writes down the table of what characters look like, without pointers, and what `vetrun --version` says: the
//! version, the commit, and the digest of the rules.

use std::path::{Path, PathBuf};
use std::{env, fs};

use packaging::Commit;
use unicode_normalization::UnicodeNormalization as _;

mod packaging {
    mod commit;
    pub(crate) use commit::Commit;
}

#[expect(dead_code, reason = "the program uses the rest")]
mod facts {
    mod symbols;
    pub(crate) use symbols::{Dialect, ExprId, FunctionId, IdMap, ScopeId, Sym, Symbols};
}

#[expect(dead_code, unreachable_pub, reason = "the program uses the rest, and others its library")]
mod finding {
    mod levels;
    pub(crate) use levels::{Confidence, Severity};
}

mod passes {
    #[expect(dead_code, reason = "the program uses the rest")]
    pub(crate) mod scan {
        mod canonical;
        mod limits;
        mod values;
        pub(crate) use canonical::canonical;
    }
}

#[expect(dead_code, unreachable_pub, reason = "the program uses the rest, and others its library")]
mod rules {
    mod anchor;
    mod commands;
    mod compile;
    mod demand;
    mod digest;
    mod filter;
    mod language;
    mod names;
    mod needles;
    mod pack;
    mod packed;
    mod program;
    mod raw;
    mod read;
    mod rule;
    mod table;
    mod tables;

    pub(crate) use language::RuleLanguage;
    pub(crate) use tables::Hook;

    pub(crate) use crate::finding::{Confidence, Severity};

    use sha2::{Digest as _, Sha256};

    /// Expressions that nobody runs here, and what is written whole.
    mod lazy {
        use std::ops::Deref;

        use super::RuleLanguage;
        use super::pack::Pack;
        use super::packed::Reader;
        use super::program::Program;
        use super::rule::Text;

        #[derive(Debug, PartialEq)]
        pub(crate) struct Later<T>(T);

        impl<T: Pack> Later<T> {
            pub(super) fn packed(mut bytes: Reader) -> Self {
                Self(T::unpack(&mut bytes))
            }
        }

        impl<T> Deref for Later<T> {
            type Target = T;

            fn deref(&self) -> &T {
                &self.0
            }
        }

        impl<T> From<T> for Later<T> {
            fn from(value: T) -> Self {
                Self(value)
            }
        }

        #[derive(Clone, Debug, PartialEq)]
        pub(crate) struct LazyRegex(Text, Program);

        impl LazyRegex {
            pub(super) fn new(source: Text) -> Self {
                let program = Program::of(&source);
                Self(source, program)
            }

            pub(super) const fn with_program(source: Text, program: Program) -> Self {
                Self(source, program)
            }

            pub(super) fn program(&self) -> &Program {
                &self.1
            }

            pub(super) fn source(&self) -> &Text {
                &self.0
            }

            pub(super) fn check(&self) -> Result<(), String> {
                Ok(())
            }
        }

        #[derive(Debug, PartialEq)]
        pub(crate) struct LazyQuery(Text, RuleLanguage);

        impl LazyQuery {
            pub(super) const fn new(source: Text, language: RuleLanguage) -> Self {
                Self(source, language)
            }

            pub(super) fn source(&self) -> &Text {
                &self.0
            }

            pub(super) fn language(&self) -> RuleLanguage {
                self.1
            }

            pub(super) fn check(&self) -> Result<(), String> {
                Ok(())
            }
        }
    }

    /// Paths and texts of rule files.
    pub(crate) type Files = Vec<(String, String)>;

    /// Rule files, compiled and packed.
    pub(crate) struct Packed {
        /// The rules as bytes, and the texts of these.
        pub(crate) bytes: Vec<u8>,
        pub(crate) texts: String,
        /// What a report calls `rulesDigest`.
        pub(crate) digest: String,
    }

    /// Compiles and packs rule files.
    pub(crate) fn pack(files: Files) -> Result<Packed, String> {
        let mut all = Vec::new();
        for (path, text) in files {
            let language = path.split('/').nth(1).unwrap_or_default();
            let read = read::read_rule(&path, language, text.into(), compile::Expressions::Later);
            all.push((read.map_err(|message| format!("{path}: {message}"))?, rule::Text::from(path)));
        }
        all.sort_by(|(a, _), (b, _)| (a.language, &a.id).cmp(&(b.language, &b.id)));
        let (rules, paths): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        let tables = RuleLanguage::ALL.map(|language| lazy::Later::from(tables::Tables::of(&rules, language)));
        let (digest, combinations) = (digest::of(&rules), tables::combinations(&rules));
        let rules = packed::Laters(rules.into_iter().map(lazy::Later::from).collect());
        let mut out = pack::Out::default();
        pack::Pack::pack(&rules, &mut out);
        pack::Pack::pack(&digest, &mut out);
        pack::Pack::pack(&combinations, &mut out);
        pack::Pack::pack(&tables, &mut out);
        pack::Pack::pack(&lazy::Later::from(paths), &mut out);
        let digest = Sha256::digest(digest).iter().fold("sha256:".to_owned(), |hex, byte| hex + &format!("{byte:02x}"));
        Ok(Packed { bytes: out.bytes, texts: out.texts, digest })
    }
}

fn main() {
    for changed in [
        "rules",
        "src/build.rs",
        "src/packaging/commit.rs",
        "src/rules",
        "src/finding/levels.rs",
        "src/facts/symbols.rs",
    ] {
        println!("cargo:rerun-if-changed={changed}");
    }
    for changed in ["canonical.rs", "limits.rs", "values.rs"] {
        println!("cargo:rerun-if-changed=src/passes/scan/{changed}");
    }
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let mut paths = Vec::new();
    collect(&root.join("rules"), &mut paths);
    let files = paths.into_iter().map(|path| {
        let text = fs::read_to_string(&path).expect("a rule file is UTF-8");
        let path = path.strip_prefix(&root).expect("it was found below the root");
        (path.to_str().expect("rule files have plain names").replace('\\', "/"), text)
    });
    // What is wrong with a rule is the test's to say, with all else that is wrong.
    let packed = rules::pack(files.collect()).unwrap_or_else(|fault| panic!("{fault}"));
    fs::write(out.join("builtin_rules.bin"), packed.bytes).expect("OUT_DIR can be written");
    fs::write(out.join("builtin_rules.txt"), packed.texts).expect("OUT_DIR can be written");
    let looks = Looks::of_all();
    fs::write(out.join("looks_characters.bin"), looks.characters).expect("OUT_DIR can be written");
    fs::write(out.join("looks_ends.bin"), looks.ends).expect("OUT_DIR can be written");
    fs::write(out.join("looks.txt"), looks.looks).expect("OUT_DIR can be written");
    fs::write(out.join("version.txt"), version(&root, &packed.digest)).expect("OUT_DIR can be written");
}

/// What characters look like that do not look like themselves alone.
#[derive(Default)]
struct Looks {
    /// The characters in order, and where what each looks like ends in `looks`: numbers of 32 bits.
    characters: Vec<u8>,
    ends: Vec<u8>,
    looks: String,
}

impl Looks {
    /// Those of all characters. One that is composed looks like its parts.
    fn of_all() -> Self {
        let mut all = Self::default();
        for char in '\0'..=char::MAX {
            let look: String = unicode_security::skeleton(char.encode_utf8(&mut [0; 4])).collect();
            if std::iter::once(char).nfd().eq([char]) && !look.chars().eq([char]) {
                all.looks.push_str(&look);
                all.characters.extend(u32::from(char).to_le_bytes());
                all.ends.extend(u32::try_from(all.looks.len()).expect("there are few characters").to_le_bytes());
            }
        }
        all
    }
}

/// What `vetrun --version` says after the name.
fn version(root: &Path, rules: &str) -> String {
    println!("cargo:rerun-if-env-changed=VETRUN_COMMIT");
    let named = env::var("VETRUN_COMMIT").ok();
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = Commit::of(root, named.as_deref(), is_release);
    for path in &commit.watched {
        println!("cargo:rerun-if-changed={}", path.display());
    }
    format!("{} ({}, rules {rules})", env::var("CARGO_PKG_VERSION").expect("cargo sets it"), commit.name)
}

/// The rule files below a folder: those in the folders of languages.
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
