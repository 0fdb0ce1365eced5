//! Variables of the environment: one table, and the only place where vetrun reads them.
//!
//! Whoever sets the environment decides like whoever types the command line. So variables stand between the two: an option
//! outranks them, and where one replaces a value that a policy file sets, that is said. An empty variable is one that is not
//! set. A value that cannot be used is an error that names the variable, never a default in silence.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use super::Failure;
use crate::policy::{Backend, Layer, NetworkPolicy, Origin, Preset, Timeout, nearest};

/// A variable that matters to vetrun.
#[derive(Debug)]
pub(super) struct Variable {
    /// Its name.
    pub(super) name: &'static str,
    /// What it says, in one sentence.
    pub(super) what: &'static str,
    /// The key of the policy that it sets, or the option that it stands for.
    pub(super) sets: Option<&'static str>,
}

const fn variable(name: &'static str, what: &'static str) -> Variable {
    Variable { name, what, sets: None }
}

const fn setting(name: &'static str, sets: &'static str, what: &'static str) -> Variable {
    Variable { name, what, sets: Some(sets) }
}

const POLICY: Variable =
    setting("VETRUN_POLICY", "--policy", "The policy file; `--policy` and `--no-policy` outrank it.");
const PRESET: Variable =
    setting("VETRUN_PRESET", "--preset", "The preset under the policy file: strict, default or lenient.");
const SANDBOX: Variable = setting("VETRUN_SANDBOX", "execute.sandbox", "Where programs run: auto, native or docker.");
const CACHE: Variable = setting("VETRUN_CACHE", "cache.dir", "The folder for results of static passes, as `--cache`.");
const TIMEOUT: Variable = setting(
    "PY_CODE_EXEC_TIMEOUT",
    "execute.timeout",
    "Wall-clock time of a program: seconds, or a time such as 500ms or 2min.",
);
const IMAGE: Variable =
    setting("PY_CODE_EXEC_IMAGE", "execute.image", "The image of the docker sandbox, for all languages.");
const NETWORK: Variable = setting(
    "PY_CODE_EXEC_NETWORK_MODE",
    "execute.network",
    "What a program may reach: none; bridge or default (as full); full; index. A network of the host itself (host) or of \
     another container is refused.",
);
const WORKSPACE_OUTSIDE: Variable = variable(
    "HOST_EXEC_WORKSPACE_PATH",
    "The engine's path of a folder that vetrun sees too, where vetrun runs in a container itself.",
);
const WORKSPACE_INSIDE: Variable =
    variable("EXEC_WORKSPACE_ROOT", "vetrun's own path of that folder; /exec-workspace where it is not set.");
const DOCKER_HOST: Variable = variable("DOCKER_HOST", "Where the Docker engine is.");
const ACTIONS: Variable =
    variable("GITHUB_ACTIONS", "true: a runner reads standard output, and no text of an artifact may speak to it.");
const CLAUDE_PROJECT: Variable =
    variable("CLAUDE_PROJECT_DIR", "The project of Claude Code, for its hook; set by Claude Code itself.");
const PATH: Variable = variable(
    "PATH",
    "Where interpreters for the native sandbox, uv and mmdebstrap are looked for; programs get one of their own.",
);
const CACHE_HOME: Variable =
    variable("XDG_CACHE_HOME", "The folder under which packages are kept (vetrun/packages), where it is absolute.");
const HOME: Variable = variable("HOME", "Has .cache, where XDG_CACHE_HOME is not set; programs get one of their own.");

/// Every variable that matters, in the order of the page `vetrun help environment`.
pub(super) const VARIABLES: &[Variable] = &[
    POLICY,
    PRESET,
    SANDBOX,
    CACHE,
    TIMEOUT,
    IMAGE,
    NETWORK,
    WORKSPACE_OUTSIDE,
    WORKSPACE_INSIDE,
    DOCKER_HOST,
    PATH,
    CACHE_HOME,
    HOME,
    ACTIONS,
    CLAUDE_PROJECT,
    // Those below are read by libraries.
    variable("TMPDIR", "Where temporary folders are made; /tmp where it is not set."),
    variable("ALL_PROXY", "The proxy on the way to package indexes; the first of these three that is set counts."),
    variable("HTTPS_PROXY", "The same."),
    variable("HTTP_PROXY", "The same."),
    variable("NO_PROXY", "Hosts that are reached without a proxy."),
    variable("SSL_CERT_FILE", "Certificates that a package index is trusted by, in place of the system's."),
    variable("SSL_CERT_DIR", "A folder of such certificates."),
    variable("NO_COLOR", "Set: no colours, unless `--color always`."),
    variable("CLICOLOR", "0: no colours."),
    variable("CLICOLOR_FORCE", "1: colours where the output is no terminal, too."),
    variable("TERM", "dumb: no colours."),
    variable("RUST_BACKTRACE", "1: a bug of vetrun shows where it happened."),
];

fn read(variable: &Variable) -> Option<OsString> {
    env::var_os(variable.name).filter(|value| !value.is_empty())
}

fn text(variable: &Variable) -> Result<Option<String>, Failure> {
    let Some(value) = read(variable) else { return Ok(None) };
    value.into_string().map(Some).map_err(|_| format!("{} is not UTF-8", variable.name).into())
}

fn origin(variable: &Variable) -> Origin {
    Origin::Environment { name: variable.name }
}

/// The policy file that the environment names.
pub(super) fn policy() -> Option<PathBuf> {
    read(&POLICY).map(PathBuf::from)
}

/// The preset that the environment names.
pub(super) fn preset() -> Result<Option<Preset>, Failure> {
    let Some(name) = text(&PRESET)? else { return Ok(None) };
    let known = Preset::ALL.map(Preset::name);
    let wrong = || {
        let meant = nearest(&name, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        format!("VETRUN_PRESET: there is no preset `{name}` (there are: {}{meant})", known.join(", "))
    };
    Ok(Some(Preset::named(&name).ok_or_else(wrong)?))
}

/// What the environment sets in the policy; what is about running only where something is `running`.
pub(super) fn layer(running: bool) -> Result<Layer, Failure> {
    let mut layer = Layer::default();
    layer.set("cache.dir", text(&CACHE)?, origin(&CACHE));
    if !running {
        return Ok(layer);
    }
    layer.set("execute.sandbox", text(&SANDBOX)?.map(|name| backend(&name)).transpose()?, origin(&SANDBOX));
    layer.set("execute.timeout", text(&TIMEOUT)?.map(|time| timeout(&time)).transpose()?, origin(&TIMEOUT));
    layer.set("execute.network", text(&NETWORK)?.map(|mode| network(&mode)).transpose()?, origin(&NETWORK));
    if let Some(image) = text(&IMAGE)? {
        // Who names an image means it for everything.
        layer.forget("execute.images", origin(&IMAGE));
        layer.set("execute.image", Some(image), origin(&IMAGE));
    }
    Ok(layer)
}

fn backend(name: &str) -> Result<Backend, Failure> {
    match name {
        "auto" => Ok(Backend::Auto),
        "native" => Ok(Backend::Native),
        "docker" => Ok(Backend::Docker),
        _ => Err(format!("VETRUN_SANDBOX: there is no sandbox `{name}` (there are: auto, native, docker)").into()),
    }
}

fn timeout(time: &str) -> Result<Timeout, Failure> {
    // Programs in Python like to write seconds as `30.0`.
    let is_decimal = time.contains('.') && time.trim().parse::<f64>().is_ok();
    let text = if is_decimal { format!("{}s", time.trim()) } else { time.trim().to_owned() };
    let time: Timeout = text.parse().map_err(|error| format!("PY_CODE_EXEC_TIMEOUT: {error}"))?;
    match time.as_millis() {
        0 => Err("PY_CODE_EXEC_TIMEOUT is 0; leave it unset for the default".into()),
        _ => Ok(time),
    }
}

/// The modes that Docker knows, and the policy's own words for them.
fn network(mode: &str) -> Result<NetworkPolicy, Failure> {
    let mend = "set it to `none`, or to `bridge` for everything that the host reaches";
    match mode {
        "none" => Ok(NetworkPolicy::None),
        "index" => Ok(NetworkPolicy::Index),
        "bridge" | "default" | "full" => Ok(NetworkPolicy::Full),
        "host" => {
            Err(format!("PY_CODE_EXEC_NETWORK_MODE is `host`, and no sandbox is given the host's own network ({mend})")
                .into())
        }
        _ => Err(format!("PY_CODE_EXEC_NETWORK_MODE is `{mode}`, a network that vetrun does not make ({mend})").into()),
    }
}

/// Variables that look like one of ours and are none: what they were meant to say does not count.
pub(super) fn misspelt() -> Vec<String> {
    let own: Vec<&Variable> = VARIABLES.iter().filter(|one| one.sets.is_some()).collect();
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let unknown = names.filter(|name| ["VETRUN_", "PY_CODE_EXEC_"].iter().any(|prefix| name.starts_with(prefix)));
    let mut notes: Vec<String> = unknown
        .filter(|name| !own.iter().any(|one| one.name == name))
        .filter_map(|name| {
            let near = nearest(&name, own.iter().map(|one| one.name))?;
            let what = own.iter().find(|one| one.name == near)?.what;
            Some(format!("{name} is no variable of vetrun; did you mean {near}? {what}"))
        })
        .collect();
    notes.sort();
    notes
}

/// The engine that the user's other Docker tools talk to.
pub(super) fn docker_host() -> Option<String> {
    read(&DOCKER_HOST)?.into_string().ok()
}

/// The engine's path of the folder that both see.
pub(super) fn workspace_outside() -> Result<Option<String>, Failure> {
    text(&WORKSPACE_OUTSIDE)
}

/// Our own path of that folder.
pub(super) fn workspace_inside() -> Option<PathBuf> {
    read(&WORKSPACE_INSIDE).map(PathBuf::from)
}

/// Whether standard output is read by a runner of GitHub Actions.
pub(super) fn is_in_actions() -> bool {
    read(&ACTIONS).is_some_and(|value| value == "true")
}

/// The project that Claude Code works in.
pub(super) fn claude_project() -> Option<PathBuf> {
    read(&CLAUDE_PROJECT).map(PathBuf::from)
}

/// The folders in which programs are looked for.
pub(super) fn search_path() -> Vec<PathBuf> {
    read(&PATH).map(|path| env::split_paths(&path).collect()).unwrap_or_default()
}

/// The user's folder for what can be made again (XDG base directories).
pub(super) fn cache_home() -> Option<PathBuf> {
    let absolute = |variable| read(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(&CACHE_HOME).or_else(|| Some(absolute(&HOME)?.join(".cache")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The rows of the page: name, what it sets, what it says.
    fn rows() -> String {
        let row = |one: &Variable| {
            let sets = one.sets.map_or_else(String::new, |sets| format!("`{sets}`"));
            format!("| `{}` | {sets} | {} |\n", one.name, one.what)
        };
        VARIABLES.iter().map(row).collect()
    }

    #[test]
    fn the_page_shows_the_table() {
        let page = include_str!("../help/environment.md");
        let table = page.split("|---|---|---|\n").nth(1).expect("a table").split("\n\n").next().expect("its rows");
        assert_eq!(format!("{table}\n"), rows());
    }

    #[test]
    fn no_variable_is_there_twice() {
        let names: BTreeSet<_> = VARIABLES.iter().map(|one| one.name).collect();
        assert_eq!(names.len(), VARIABLES.len());
    }

    #[test]
    fn what_a_variable_sets_is_a_key_of_the_policy_or_an_option() {
        let keys: BTreeSet<_> =
            crate::policy::Resolved::default().values().iter().map(|shown| shown.key.join(".")).collect();
        for sets in VARIABLES.iter().filter_map(|one| one.sets) {
            assert!(keys.contains(sets) || sets.starts_with("--"), "{sets}");
        }
    }

    #[test]
    fn networks_are_those_that_can_be_given() {
        for (mode, given) in [
            ("none", NetworkPolicy::None),
            ("bridge", NetworkPolicy::Full),
            ("default", NetworkPolicy::Full),
            ("full", NetworkPolicy::Full),
            ("index", NetworkPolicy::Index),
        ] {
            assert_eq!(network(mode).expect(mode), given);
        }
        for mode in ["host", "container:abc", "my-net", "None"] {
            let error = network(mode).expect_err(mode).to_string();
            assert!(error.contains("PY_CODE_EXEC_NETWORK_MODE") && error.contains("bridge"), "{error}");
        }
    }

    #[test]
    fn times_are_seconds_or_have_units() {
        assert_eq!(timeout("45").expect("seconds").as_millis(), 45_000);
        assert_eq!(timeout(" 1500ms ").expect("a unit").as_millis(), 1500);
        assert_eq!(timeout("2.5").expect("a decimal").as_millis(), 2500);
        for wrong in ["soon", "-1", "0", "0.0", "1e3", "-0.5", "nan"] {
            let error = timeout(wrong).expect_err(wrong).to_string();
            assert!(error.starts_with("PY_CODE_EXEC_TIMEOUT"), "{error}");
        }
    }
}
