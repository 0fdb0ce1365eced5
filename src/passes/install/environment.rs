//! The environment in which packages are installed, verified and used: one object, handed from pass to pass, so that
//! the three cannot differ.

use std::collections::BTreeMap;

use crate::report;
use crate::sandbox::{DEPS_DIR, HOME_DIR, InterpreterInfo, NODE_DIR, TMP_DIR};

/// What every program of an artifact finds around itself.
///
/// `HOME` is never the folder of the packages: a package could then run code whenever an interpreter starts, through
/// `.local`, and leave settings for installers and shells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEnvironment {
    /// E.g. `linux-x86_64`.
    pub platform: String,
    /// E.g. `python 3.11.7`.
    pub interpreter: String,
    /// The interpreter's path inside the sandbox.
    pub interpreter_path: String,
    /// The value of `PYTHONPATH`; empty where nothing is installed, and then the variable is not set.
    pub pythonpath: String,
    /// The value of `HOME`.
    pub home: String,
    /// All variables.
    pub env: BTreeMap<String, String>,
}

impl RunEnvironment {
    /// The environment for this interpreter, without packages.
    #[must_use]
    pub fn of(interpreter: &InterpreterInfo) -> Self {
        let variables = [
            ("HOME", HOME_DIR),
            ("TMPDIR", TMP_DIR),
            ("LANG", "C.UTF-8"),
            // Nothing in HOME is imported, and no bytecode is written. That of the standard library is the host's, that of
            // packages was compiled here from their vetted source, and none is written with a snapshot: the source that
            // was checked is what runs.
            ("PYTHONNOUSERSITE", "1"),
            ("PYTHONDONTWRITEBYTECODE", "1"),
        ];
        Self {
            platform: interpreter.platform.clone(),
            interpreter: format!("{} {}", interpreter.kind.command().trim_end_matches('3'), interpreter.version),
            interpreter_path: interpreter.path.clone(),
            pythonpath: String::new(),
            home: HOME_DIR.to_owned(),
            env: variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        }
    }

    /// The same with the installed packages on the search path.
    #[must_use]
    pub fn with_packages(mut self) -> Self {
        DEPS_DIR.clone_into(&mut self.pythonpath);
        self.env.insert("PYTHONPATH".to_owned(), DEPS_DIR.to_owned());
        self
    }

    /// The same with installed packages of Node, which are found without this where they are mounted in their place. Where
    /// they cannot be, it leads `require` to them; there is nothing of the kind for `import`.
    #[must_use]
    pub fn with_node_packages(mut self) -> Self {
        self.env.insert("NODE_PATH".to_owned(), NODE_DIR.to_owned());
        self
    }

    /// As the report has it.
    #[must_use]
    pub fn to_report(&self) -> report::Environment {
        report::Environment {
            platform: self.platform.clone(),
            interpreter: self.interpreter.clone(),
            pythonpath: self.pythonpath.clone(),
            home: self.home.clone(),
        }
    }
}
