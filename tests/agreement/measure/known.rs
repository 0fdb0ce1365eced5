//! The differences that remain, each with the reason why.
//!
//! A row is a class: one example stands for all texts that differ for the same reason. The example must still differ: when
//! it no longer does, its row has to go. Rows are looked up by what both sides say, names and numbers blanked.

use vetrun::language::{EngineVersions, NodeVersion, PythonVersion};

use super::case::{Case, Goal};
use super::class::{Class, Kind};

/// A class of texts on which an engine and vetrun differ.
#[derive(Debug)]
pub(crate) struct Known {
    /// The goal of the example; it tells the engine too.
    pub(crate) goal: Goal,
    /// The oldest and newest version of the engine that it is so for: the minor version of Python 3, the major of Node.
    pub(crate) versions: (u8, u8),
    /// A text that differs.
    pub(crate) example: &'static [u8],
    /// What the engine says of it, names and numbers blanked and `*` for what varies; `valid` where it accepts it.
    pub(crate) engine: &'static str,
    /// What vetrun says, likewise; it begins with `accepted` where vetrun accepts it.
    pub(crate) vetrun: &'static str,
    /// Why it is so.
    pub(crate) reason: &'static str,
}

/// All that is known to differ.
pub(crate) const KNOWN: &[Known] = &[
    Known {
        goal: Goal::Python,
        versions: (9, 14),
        example: b"# coding: utf-7\nx = 1\n",
        engine: "valid",
        vetrun: "the encoding * can hide code, and is refused whatever it holds",
        reason: "in these encodings a comment for every other reader can be a statement for Python; a file in one is never passed",
    },
    Known {
        goal: Goal::Python,
        versions: (9, 14),
        example: b"# coding: johab\nx = 1\n",
        engine: "valid",
        vetrun: "the encoding * cannot be judged: nothing here reads it exactly as Python does",
        reason: "vetrun has no table of these encodings, and a guess at the text would be a guess at the code",
    },
    Known {
        goal: Goal::Node,
        versions: (20, 26),
        example: b"const page = <div/>;\n",
        engine: "Unexpected token '…'",
        vetrun: "accepted as jsx",
        reason: "JSX in a .js file is source for a bundler; it is judged as JSX, and the report says so",
    },
    Known {
        goal: Goal::CommonJs,
        versions: (20, 26),
        example: "\u{19041} = 1;\n".as_bytes(),
        engine: "Invalid or unexpected token",
        vetrun: "accepted as *",
        reason: "the parser knows the letters of a newer Unicode than this V8 does",
    },
    Known {
        goal: Goal::Node,
        versions: (20, 20),
        example: b"class A extends (await x) {}\n",
        engine: "Unexpected identifier '…'",
        vetrun: "accepted as module",
        reason: "Node 20 tries a file as a module only after the faults in a list of its own; this await is not in it",
    },
    Known {
        goal: Goal::Node,
        versions: (20, 20),
        example: b"for await (const c of y);\n",
        engine: "Unexpected reserved word",
        vetrun: "accepted as module",
        reason: "Node 20 tries a file as a module only after the faults in a list of its own; this await is not in it",
    },
    Known {
        goal: Goal::Node,
        versions: (20, 20),
        example: b"`${await x}`;\n",
        engine: "Missing } in template expression",
        vetrun: "accepted as module",
        reason: "Node 20 tries a file as a module only after the faults in a list of its own; this await is not in it",
    },
    Known {
        goal: Goal::Node,
        versions: (20, 20),
        example: b"x = {y: await 5}\n",
        engine: "Unexpected number",
        vetrun: "accepted as module",
        reason: "Node 20 tries a file as a module only after the faults in a list of its own; this await is not in it",
    },
    Known {
        goal: Goal::CommonJs,
        versions: (20, 26),
        example: b"f(async(...a.x));\n",
        engine: "valid",
        vetrun: "missing ) after argument list",
        reason: "the strict parser takes a call of `async` with a spread argument for the head of an arrow function",
    },
    Known {
        goal: Goal::CommonJs,
        versions: (20, 26),
        example: "f(x\u{19041}());\n".as_bytes(),
        engine: "missing ) after argument list",
        vetrun: "accepted as *",
        reason: "the parser knows the letters of a newer Unicode than this V8 does",
    },
    Known {
        goal: Goal::CommonJs,
        versions: (20, 26),
        example: b"async(...x).f;\n",
        engine: "valid",
        vetrun: "unexpected token '…': expected '…'",
        reason: "the strict parser takes a call of `async` with a spread argument for the head of an arrow function",
    },
    Known {
        goal: Goal::Python,
        versions: (14, 14),
        example: b"from __future__ import barry_as_FLUFL\n1 <> 2\n",
        engine: "valid",
        vetrun: "invalid syntax.  Maybe you meant '…' instead of '…'?",
        reason: "the strict parser has no `<>`, which this joke of a future feature brings back",
    },
    Known {
        goal: Goal::Python,
        versions: (14, 14),
        example: b"#\xdc",
        engine: "Non-UTF-N code starting with * on line N, but no encoding declared; *",
        vetrun: "accepted as *",
        reason: "compile() refuses these bytes, and Python runs the file: a comment at its very end is never decoded",
    },
    Known {
        goal: Goal::Python,
        versions: (9, 9),
        example: b"class y():\n\\\n n = ''\n",
        engine: "expected an indented block",
        vetrun: "accepted as *",
        reason: "Python 3.9 takes the indentation of a logical line from the backslash alone that begins it",
    },
    Known {
        goal: Goal::Python,
        versions: (9, 9),
        example: b"if x:\n  y\n \\\n(1)\n",
        engine: "valid",
        vetrun: "unindent does not match any outer indentation level",
        reason: "Python 3.9 takes the indentation of a logical line from the backslash alone that begins it",
    },
    Known {
        goal: Goal::Python,
        versions: (10, 14),
        example: b"def e():\n    x\n    \\\n y\n",
        engine: "valid",
        vetrun: "unindent does not match any outer indentation level",
        reason: "the strict parser takes the indentation of a line from where its words begin, and not from a backslash before them",
    },
];

/// What is known to differ for some releases of a version alone, so that its example need not.
pub(crate) const KNOWN_OF_SOME: &[Known] = &[
    Known {
        goal: Goal::Python,
        versions: (13, 13),
        example: b"from __future__ import barry_as_FLUFL\n1 <> 2\n",
        engine: "valid",
        vetrun: "invalid syntax.  Maybe you meant '…' instead of '…'?",
        reason: "the strict parser has no `<>`, which this joke of a future feature brings back",
    },
    Known {
        goal: Goal::Python,
        versions: (12, 13),
        example: b"f'{x:\n}'",
        engine: "valid",
        vetrun: "f-string: newlines are not allowed in format specifiers for single quoted f-strings",
        reason: "the first releases of these versions let a line end there, and the later ones do not",
    },
];

impl Known {
    /// The example as a case.
    pub(crate) fn case(&self) -> Case {
        Case::with_goal(format!("known: {}", self.reason), self.example.to_vec(), self.goal)
    }

    /// Whether it is so for the engine of these versions.
    pub(crate) fn concerns(&self, engines: EngineVersions) -> bool {
        let version = match self.goal {
            Goal::Python => engines.python.map(PythonVersion::minor),
            _ => engines.node.map(major),
        };
        version.is_some_and(|version| (self.versions.0..=self.versions.1).contains(&version))
    }

    /// Whether a class of differences is this one.
    pub(crate) fn is(&self, class: &Class) -> bool {
        class.kind < Kind::NamedLimit && fits(self.engine, &class.engine) && fits(self.vetrun, &class.vetrun)
    }
}

/// Whether a text is one that a pattern stands for; `*` in it stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == text };
    let Some(rest) = text.strip_prefix(head) else { return false };
    rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| fits(tail, &rest[at..]))
}

fn major(version: NodeVersion) -> u8 {
    version.name().parse().unwrap_or(0)
}

/// The reason for a class of differences between vetrun and the engine of these versions; `None` where none is known.
pub(crate) fn reason(class: &Class, engines: EngineVersions) -> Option<&'static str> {
    let mut all = KNOWN.iter().chain(KNOWN_OF_SOME);
    all.find(|known| known.concerns(engines) && known.is(class)).map(|known| known.reason)
}

#[cfg(test)]
mod tests {
    use super::super::vetrun_side::{self, Ours};
    use super::*;

    /// The versions of the engine that a row is about.
    fn versions(known: &Known) -> Vec<EngineVersions> {
        let python = PythonVersion::ALL.map(|version| EngineVersions { python: Some(version), node: None });
        let node = NodeVersion::ALL.map(|version| EngineVersions { python: None, node: Some(version) });
        python.into_iter().chain(node).filter(|engines| known.concerns(*engines)).collect()
    }

    #[test]
    fn vetrun_says_of_every_known_difference_what_its_row_says() {
        for known in KNOWN.iter().chain(KNOWN_OF_SOME) {
            let concerned = versions(known);
            assert!(!concerned.is_empty(), "no version is concerned: {known:?}");
            for engines in concerned {
                let ours = vetrun_side::judge(&known.case(), engines);
                let accepts = matches!(ours, Ours::Accepted(_));
                assert_eq!(accepts, known.vetrun.starts_with("accepted"), "{engines:?}: {known:?}: {ours:?}");
                assert_ne!(accepts, known.engine == "valid", "this is no difference: {known:?}");
            }
        }
    }

    #[test]
    fn a_star_stands_for_what_varies() {
        for (pattern, text, expected) in [
            ("a * c", "a b c", true),
            ("a *", "a b", true),
            ("a", "a b", false),
            ("a * c", "a c", false),
            ("* b *", "a b c b", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern}: {text}");
        }
    }

    #[test]
    fn every_known_difference_has_its_reason() {
        assert!(KNOWN.iter().chain(KNOWN_OF_SOME).all(|known| known.reason.len() > 20 && !known.engine.is_empty()));
    }
}
