//! The languages that vetrun knows: how each is recognised, and by which name it is asked for.
//!
//! A language is one variant of [`Language`] and one row of [`LANGUAGES`]; what parses it is in `passes/parse`.

mod version;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use version::{EngineVersions, NodeVersion, PythonVersion};

use crate::sandbox::Interpreter;

/// What a file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// CPython 3.
    Python,
    /// ECMAScript, with or without JSX: script, module or CommonJS.
    JavaScript,
    /// TypeScript, with or without JSX.
    TypeScript,
    /// HTML.
    Html,
    /// CSS.
    Css,
    /// A Jupyter notebook: cells of Python, in JSON.
    Notebook,
    /// JSON.
    Json,
    /// TOML.
    Toml,
    /// YAML.
    Yaml,
    /// Text in no language that vetrun parses.
    Text,
    /// Not text.
    Binary,
}

/// How a language is recognised.
#[derive(Debug)]
pub struct LanguageInfo {
    /// The language.
    pub language: Language,
    /// The name in reports and after `--language`.
    pub name: &'static str,
    /// Other names that users give it.
    pub aliases: &'static [&'static str],
    /// File name extensions, lower case, without the dot.
    pub extensions: &'static [&'static str],
    /// Whole file names.
    pub file_names: &'static [&'static str],
    /// Words that name its interpreter in a `#!` line.
    pub shebangs: &'static [&'static str],
    /// What runs it, if anything does.
    pub interpreter: Option<Interpreter>,
}

/// Every language, one row each.
pub const LANGUAGES: &[LanguageInfo] = &[
    LanguageInfo {
        language: Language::Python,
        name: "python",
        aliases: &["py", "python3"],
        extensions: &["py", "pyw", "pyi"],
        file_names: &[],
        shebangs: &["python", "python3"],
        interpreter: Some(Interpreter::Python),
    },
    LanguageInfo {
        language: Language::JavaScript,
        name: "javascript",
        aliases: &["js", "node", "jsx"],
        extensions: &["js", "mjs", "cjs", "jsx"],
        file_names: &[],
        shebangs: &["node", "nodejs"],
        interpreter: Some(Interpreter::Node),
    },
    LanguageInfo {
        language: Language::TypeScript,
        name: "typescript",
        aliases: &["ts", "tsx"],
        extensions: &["ts", "mts", "cts", "tsx"],
        file_names: &[],
        shebangs: &[],
        interpreter: None,
    },
    LanguageInfo {
        language: Language::Html,
        name: "html",
        aliases: &["htm"],
        extensions: &["html", "htm", "xhtml"],
        file_names: &[],
        shebangs: &[],
        interpreter: None,
    },
    LanguageInfo {
        language: Language::Css,
        name: "css",
        aliases: &[],
        extensions: &["css"],
        file_names: &[],
        shebangs: &[],
        interpreter: None,
    },
    LanguageInfo {
        language: Language::Notebook,
        name: "notebook",
        aliases: &["ipynb", "jupyter"],
        extensions: &["ipynb"],
        file_names: &[],
        shebangs: &[],
        interpreter: None,
    },
    LanguageInfo {
        language: Language::Json,
        name: "json",
        aliases: &[],
        extensions: &["json", "jsonc", "geojson", "webmanifest", "code-workspace"],
        file_names: &[".babelrc", ".eslintrc"],
        shebangs: &[],
        interpreter: None,
    },
    LanguageInfo {
        language: Language::Toml,
        name: "toml",
        aliases: &[],
        extensions: &["toml"],
        file_names: &["Cargo.lock", "poetry.lock", "uv.lock", "pdm.lock", "Pipfile"],
        shebangs: &[],
        interpreter: None,
    },
    LanguageInfo {
        language: Language::Yaml,
        name: "yaml",
        aliases: &["yml"],
        extensions: &["yaml", "yml"],
        file_names: &[],
        shebangs: &[],
        interpreter: None,
    },
    LanguageInfo {
        language: Language::Text,
        name: "text",
        aliases: &["txt"],
        extensions: &["txt", "md", "rst", "csv", "tsv", "cfg", "ini", "svg", "xml", "sh", "sql", "log"],
        file_names: &["Dockerfile", "Makefile", "LICENSE", "Procfile", ".gitignore", ".env"],
        shebangs: &[],
        interpreter: None,
    },
    LanguageInfo {
        language: Language::Binary,
        name: "binary",
        aliases: &[],
        extensions: &[
            "7z", "bin", "bmp", "bz2", "db", "dll", "dylib", "eot", "exe", "feather", "gif", "gz", "h5", "hdf5", "ico",
            "jar", "jpeg", "jpg", "mp3", "mp4", "npy", "npz", "o", "onnx", "otf", "parquet", "pdf", "pickle", "pkl",
            "png", "pt", "pyc", "pyd", "so", "sqlite", "sqlite3", "tar", "tgz", "tif", "tiff", "ttf", "wasm", "wav",
            "webm", "webp", "whl", "woff", "woff2", "xlsx", "xz", "zip",
        ],
        file_names: &[],
        shebangs: &[],
        interpreter: None,
    },
];

impl Language {
    /// The row of this language.
    #[must_use]
    pub fn info(self) -> &'static LanguageInfo {
        LANGUAGES.iter().find(|info| info.language == self).expect("every language has a row")
    }

    /// The name in reports and after `--language`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// The language that a user calls `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        LANGUAGES
            .iter()
            .find(|info| info.name == name || info.aliases.contains(&name.as_str()))
            .map(|info| info.language)
    }

    /// Tells a file's language from its name, then from its `#!` line, then from whether it is text at all.
    #[must_use]
    pub fn detect(path: &str, bytes: &[u8]) -> Self {
        by_name(path)
            .or_else(|| by_shebang(bytes))
            .unwrap_or_else(|| if is_text(bytes) { Self::Text } else { Self::Binary })
    }
}

fn by_name(path: &str) -> Option<Language> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let matches = |info: &&LanguageInfo| {
        info.file_names.contains(&name)
            || extension.as_deref().is_some_and(|extension| info.extensions.contains(&extension))
    };
    LANGUAGES.iter().find(matches).map(|info| info.language)
}

fn by_shebang(bytes: &[u8]) -> Option<Language> {
    let line = bytes.strip_prefix(b"#!")?.split(|&byte| byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let mut names = line.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    let command = names.find(|name| *name != "env" && !name.starts_with('-'))?;
    let stem = command.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.');
    LANGUAGES
        .iter()
        .find(|info| info.shebangs.contains(&command) || info.shebangs.contains(&stem))
        .map(|info| info.language)
}

/// Whether bytes look like text: no NUL in the first 8 KiB and valid UTF-8 there.
fn is_text(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(8192)];
    match std::str::from_utf8(head) {
        Ok(text) => !text.contains('\0'),
        // A character may be cut at the end of the head.
        Err(error) => error.error_len().is_none() && !head.contains(&0) && head.len() < bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_by_name_then_shebang_then_content() {
        let cases: &[(&str, &[u8], Language)] = &[
            ("a/b.py", b"", Language::Python),
            ("a.MJS", b"", Language::JavaScript),
            ("tool", b"#!/usr/bin/env -S python3.11 -u\n", Language::Python),
            ("tool", b"#!/usr/bin/node\n", Language::JavaScript),
            ("README", b"hello\n", Language::Text),
            ("logo.png", b"\x89PNG\r\n\x1a\n\0", Language::Binary),
            ("uv.lock", b"", Language::Toml),
            ("model.h5", b"", Language::Binary),
            ("stubs/a.pyi", b"", Language::Python),
            ("Dockerfile", b"FROM x\n", Language::Text),
            ("requirements.txt", b"numpy\n", Language::Text),
            ("notes.ipynb", b"{}", Language::Notebook),
            ("no_extension", b"\0\x01", Language::Binary),
        ];
        for (path, bytes, language) in cases {
            assert_eq!(Language::detect(path, bytes), *language, "{path}");
        }
    }
}
