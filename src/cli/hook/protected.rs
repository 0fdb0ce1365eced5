//! What an agent may not write, because it decides how the agent is judged: the policy, its rules and tables, and the
//! settings that call vetrun.

use std::path::{Component, Path, PathBuf};

use super::super::in_force::POLICY_FILE;
use super::super::settings::Settings;

/// The folder of Claude Code's settings, and what in it decides which hooks run.
const AGENT_FOLDER: &str = ".claude";
const AGENT_HOOKS: &str = "hooks";

/// Files and folders that may not be written.
pub(super) struct Protected {
    paths: Vec<PathBuf>,
}

impl Protected {
    /// What these settings were read from, and vetrun itself.
    pub(super) fn of(settings: &Settings) -> Self {
        let program = std::env::current_exe().into_iter();
        let named = settings.sources.iter().cloned().chain(program);
        Self { paths: named.flat_map(|path| [real(&path), path]).collect() }
    }

    /// Why nothing may be written at `path`, which is absolute; `None` where it may.
    pub(super) fn reason(&self, path: &Path) -> Option<&'static str> {
        let forms = [plain(path), real(path)];
        let is_named = |form: &PathBuf| form.file_name().is_some_and(|name| name == POLICY_FILE);
        let is_own = |form: &PathBuf| self.paths.iter().any(|own| form.starts_with(own));
        if forms.iter().any(|form| is_agent_setting(form)) {
            return Some("it holds the settings of the agent, which call vetrun");
        }
        (forms.iter().any(is_named) || forms.iter().any(is_own)).then_some("it decides what vetrun judges by")
    }
}

/// Whether the path is `.claude/settings….json`, or below `.claude/hooks`.
fn is_agent_setting(path: &Path) -> bool {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.windows(2).enumerate().any(|(at, pair)| {
        let is_last = at + 2 == parts.len();
        let is_settings = is_last && pair[1].starts_with("settings") && pair[1].ends_with(".json");
        pair[0] == AGENT_FOLDER && (is_settings || pair[1] == AGENT_HOOKS)
    })
}

/// The path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// The path with all links followed, as far as it is there.
fn real(path: &Path) -> PathBuf {
    let plain = plain(path);
    let there = plain.ancestors().find_map(|above| Some((above, std::fs::canonicalize(above).ok()?)));
    match there {
        Some((above, real)) => match plain.strip_prefix(above) {
            Ok(rest) if !rest.as_os_str().is_empty() => real.join(rest),
            _ => real,
        },
        None => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_about_the_agent_is_told_from_the_rest() {
        let folder = tempfile::tempdir().expect("a folder");
        let rules = folder.path().join("rules");
        std::fs::create_dir(&rules).expect("a folder");
        std::os::unix::fs::symlink(&rules, folder.path().join("link")).expect("a link");
        let protected = Protected { paths: vec![real(&rules), rules] };
        let is_refused = |path: &str| protected.reason(&folder.path().join(path)).is_some();
        for path in [
            "vetrun.toml",
            "a/b/../../vetrun.toml",
            "deep/vetrun.toml",
            "rules/mine.toml",
            "link/mine.toml",
            ".claude/settings.json",
            "a/.claude/settings.local.json",
            ".claude/hooks/gate.sh",
        ] {
            assert!(is_refused(path), "{path}");
        }
        for path in
            ["main.py", "my-vetrun.toml", ".claude/commands/x.md", "settings.json", "rules.md", "claude/settings.json"]
        {
            assert!(!is_refused(path), "{path}");
        }
    }
}
