//! Bytecode of the packages, compiled once for all runs that share a layer.
//!
//! What a program imports is compiled at each start unless its bytecode is there, and for large packages that takes seconds.
//! Installers compile everything, which takes longer still, since most files are never imported. Here the files that
//! the import check imported are compiled, in a sandbox in which nothing but the interpreter's own library runs: what
//! shipped bytecode says may differ from its source, this cannot.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::tree::Files;
use super::{InstallError, RunEnvironment, Tools, new_folder};
use crate::policy::InstallPolicy;
use crate::sandbox::{DEPS_DIR, Ended, Interpreter, Job, Limits, Mount, OUT_DIR, Program};

/// Compiles the `imported` files of `tree`, and puts the bytecode beside them; how many bytes that takes. Bytecode that
/// is not made costs time at each start, and nothing else, so no fault is told.
pub(super) fn compile(
    tools: &Tools<'_>,
    environment: &RunEnvironment,
    policy: &InstallPolicy,
    (tree, files): (&Path, &Files),
    imported: &[String],
    (cache_tag, scratch): (&str, &Path),
) -> Result<u64, InstallError> {
    // What was imported is what packages say.
    let names: BTreeSet<&str> =
        imported.iter().map(String::as_str).filter(|name| name.ends_with(".py") && files.contains_key(*name)).collect();
    if names.is_empty() {
        return Ok(0);
    }
    let into = new_folder(scratch, "bytecode")?;
    let source_bytes: u64 = names.iter().filter_map(|name| files.get(*name)).map(|(size, _)| size).sum();
    let limits = Limits {
        wall: policy.verify_timeout.duration(),
        memory_bytes: policy.memory.bytes(),
        cpus: 4.0,
        pids: 16,
        // Bytecode is about as large as its source.
        out_bytes: source_bytes.saturating_mul(4).saturating_add(1 << 20),
        out_files: u32::try_from(names.len() * 4).unwrap_or(u32::MAX),
        ..Limits::default()
    };
    let job = Job {
        args: ["-I", "-c", include_str!("compile.py"), DEPS_DIR, OUT_DIR].map(str::to_owned).to_vec(),
        env: environment.env.clone(),
        stdin: names.iter().copied().collect::<Vec<_>>().join("\n").into_bytes(),
        mounts: vec![Mount { host: tree.to_owned(), inside: DEPS_DIR.to_owned() }],
        collect_into: Some(into.clone()),
        ..Job::bare(Program::Interpreter(Interpreter::Python), limits)
    };
    let outcome = tools.sandbox.run(&job, tools.stop)?;
    match outcome.ended {
        Ended::Interrupted => Err(InstallError::Interrupted),
        Ended::Exited(0) => {
            let made = outcome
                .collected
                .files
                .iter()
                .filter(|(path, ..)| path.strip_suffix('c').is_some_and(|source| names.contains(source)));
            made.map(|(path, bytes, _)| place(&into, tree, path, cache_tag).map(|()| bytes)).sum()
        }
        _ => Ok(0),
    }
}

/// Moves `a/b.pyc` to where the interpreter looks for it: `a/__pycache__/b.cpython-311.pyc`.
fn place(from: &Path, tree: &Path, path: &str, cache_tag: &str) -> Result<(), InstallError> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = tree.join(folder).join("__pycache__");
    let file = format!("{}.{cache_tag}.pyc", file.trim_end_matches(".pyc"));
    let made = || -> io::Result<()> {
        if !folder.is_dir() {
            fs::create_dir(&folder)?;
            // Programs in the sandbox are another user, whatever the mask of this process.
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))?;
        }
        let made = from.join(path);
        fs::set_permissions(&made, fs::Permissions::from_mode(0o644))?;
        fs::rename(made, folder.join(file))
    };
    made().map_err(|source| InstallError::Io { action: "put bytecode beside its source", source })
}
