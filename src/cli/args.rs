//! What can be typed. What it means is decided in the other modules of the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer as _};

use super::help::HelpArgs;
use super::hook::HookArgs;
use super::man::ManArgs;
#[cfg(feature = "mcp")]
use super::mcp::McpArgs;
use crate::finding::{Confidence, Severity};
use crate::output::{Format, UnknownFormat};
use crate::policy::{Backend, ByteSize, Installer, NetworkPolicy, Preset, PullPolicy, Timeout};

use super::policy::PolicyArgs;

/// Vets generated code, then runs it where it can do no harm.
#[derive(Debug, Parser)]
#[command(name = "vetrun", version, long_version = LONG_VERSION, max_term_width = 100, after_help = EXIT_CODES)]
#[command(disable_help_subcommand = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What `--version` says: the version, the commit and the digest of the rules, written down by the build script.
const LONG_VERSION: &str = include_str!(concat!(env!("OUT_DIR"), "/version.txt"));

const EXIT_CODES: &str = "\
Exit codes:
  0    passed
  1    blocked: findings at or above --fail-on
  2    not vetted: bad usage, policy or rule; no back end; unreadable input; a bug
  3    nothing to vet
  4    vetted, but the install or the run failed
  130  interrupted

Anything but 0 reads as \"do not use\".";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Vet without running: parse, structure, scan, budget
    Check(CheckArgs),
    /// Vet, install packages and run in a sandbox
    Run(RunArgs),
    /// Vet every sub-folder (or file) of a folder as one artifact
    Batch(BatchArgs),
    /// Vet the artifacts of a folder as they are written
    Watch(super::watch::WatchArgs),
    /// List, explain and test rules
    Rules(RulesArgs),
    /// Say which back ends, installers and interpreters work here, and why not
    Doctor(DoctorArgs),
    /// Judge what an agent is about to write or run
    Hook(HookArgs),
    /// Serve an agent over the Model Context Protocol, on standard input and output
    #[cfg(feature = "mcp")]
    Mcp(McpArgs),
    /// Build the image of the docker sandbox
    Image(ImageArgs),
    /// Refresh what is known of names of packages
    Deps(DepsArgs),
    /// Remove what a killed vetrun left behind
    Gc,
    /// Show the policy in force and where its values come from, or check a policy file
    Policy(PolicyArgs),
    /// Print a JSON Schema
    Schema(SchemaArgs),
    /// Write a commented vetrun.toml
    Init(InitArgs),
    /// Print a completion script
    Completions(CompletionsArgs),
    /// Tell about a topic or a command
    Help(HelpArgs),
    /// Print the manual page, or write one for each command
    Man(ManArgs),
}

/// The command that is meant, where it is one that is started for every file: its own options alone are made then, which
/// takes a tenth of the time. `None` where it is another, and where something else is to be said of the words than that
/// they are right: then the whole parser is asked.
pub(super) fn often(words: &[OsString]) -> Option<Command> {
    fn own<T: Args>(words: &[OsString]) -> Option<T> {
        let parser = T::augment_args(clap::Command::new("vetrun").no_binary_name(true));
        T::from_arg_matches(&parser.try_get_matches_from(words).ok()?).ok()
    }
    let (name, words) = words.get(1..)?.split_first()?;
    match name.to_str()? {
        "check" => plain(words).or_else(|| own(words)).map(Command::Check),
        "run" => own(words).map(Command::Run),
        "hook" => own(words).map(Command::Hook),
        _ => None,
    }
}

/// What to check, and perhaps a format: most words are no more than that, and no parser need be made for them.
fn plain(words: &[OsString]) -> Option<CheckArgs> {
    let mut args = CheckArgs::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_encoded_bytes() {
            b"--format" if args.output.format.is_none() => {
                args.output.format = Some(words.next()?.to_str()?.parse().ok()?);
            }
            b"" | [b'-', _, ..] => return None,
            _ => args.input.paths.push(PathBuf::from(word)),
        }
    }
    Some(args)
}

#[derive(Debug, Args)]
pub(super) struct DepsArgs {
    #[command(subcommand)]
    pub(super) command: DepsCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum DepsCommand {
    /// Make a folder of tables for `install.names_data` from lists that others publish
    Update(UpdateArgs),
}

#[derive(Debug, Args)]
pub(super) struct UpdateArgs {
    /// The folder that receives the tables; those that are there are replaced
    #[arg(long, value_name = "DIR")]
    pub(super) into: PathBuf,
    /// Package names, the most downloaded first: lines, or JSON with `packages` or `rows`
    #[arg(long, value_name = "FILE")]
    pub(super) popular: Option<PathBuf>,
    /// Which package brings a module: lines `module:package`; the most downloaded package counts
    #[arg(long, value_name = "FILE")]
    pub(super) modules: Option<PathBuf>,
    /// Rows `module package` that count whatever the others say
    #[arg(long, value_name = "FILE", requires = "modules")]
    pub(super) modules_fixed: Option<PathBuf>,
    /// Malicious packages: lines, a manifest `{"name": null}`, or an index of samples with `fingerprints`
    #[arg(long, value_name = "FILE")]
    pub(super) malicious: Option<PathBuf>,
    /// Names that language models invent: lines, or CSV with the columns `ecosystem` and `name`
    #[arg(long, value_name = "FILE")]
    pub(super) invented: Option<PathBuf>,
    /// Names of npm's packages: lines, or JSON with `packages` or `rows`
    #[arg(long, value_name = "FILE")]
    pub(super) npm: Option<PathBuf>,
    /// Modules of the standard library of one version: lines, in a file called like it (3.14.txt); repeatable
    #[arg(long, value_name = "FILE")]
    pub(super) standard_library: Vec<PathBuf>,
}

#[derive(Debug, Default, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    pub(super) input: InputArgs,
    #[command(flatten)]
    pub(super) judging: JudgingArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) input: InputArgs,
    #[command(flatten)]
    pub(super) judging: JudgingArgs,
    #[command(flatten)]
    pub(super) running: RunningArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
    /// Arguments for the program, after `--`
    #[arg(last = true, value_name = "ARG")]
    pub(super) args: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct BatchArgs {
    /// Folders whose sub-folders and files are the artifacts
    #[arg(required = true, value_name = "DIR")]
    pub(super) dirs: Vec<PathBuf>,
    /// Install and run what passes, too
    #[arg(long)]
    pub(super) run: bool,
    /// Artifacts vetted at once [default: the number of processors]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) jobs: Option<u16>,
    /// With --run: programs that run at once, beside what is vetted [default: as many as jobs]
    #[arg(long, value_name = "N", requires = "run", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) sandboxes: Option<u16>,
    /// Go on with the batch whose JSON Lines are in this file, and write the rest to it; begin it where there is none
    #[arg(long, value_name = "FILE", conflicts_with = "out")]
    pub(super) resume: Option<PathBuf>,
    /// With --run: keep N sandboxes started for one artifact each; in the native one, a Python in each of them
    #[arg(long, value_name = "N", requires = "run", default_value_t = 0, hide_default_value = true)]
    pub(super) warm: u16,
    #[command(flatten)]
    pub(super) reading: ReadingArgs,
    #[command(flatten)]
    pub(super) judging: JudgingArgs,
    #[command(flatten)]
    pub(super) running: RunningArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

#[derive(Debug, Default, Args)]
pub(super) struct InputArgs {
    /// Files and folders, each one artifact; `-` for standard input [default: .]
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// The name that standard input is vetted under
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    pub(super) stdin_filename: Option<String>,
    #[command(flatten)]
    pub(super) reading: ReadingArgs,
}

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Input")]
pub(super) struct ReadingArgs {
    /// The language of single files and standard input, whatever their name
    #[arg(long, value_name = "L")]
    pub(super) language: Option<String>,
    /// Leave out matching paths: they are neither vetted nor there when the program runs (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub(super) exclude: Vec<String>,
    /// The structure profile: python, web, node, any, or one from the policy [default: detected]
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// The agent that generated the artifact, for the report
    #[arg(long, value_name = "ID")]
    pub(super) agent_id: Option<String>,
}

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Judging")]
pub(super) struct JudgingArgs {
    /// The policy [default: vetrun.toml in this folder or above it, never one inside the artifact]
    #[arg(long, value_name = "FILE", conflicts_with = "no_policy")]
    pub(super) policy: Option<PathBuf>,
    /// Read no policy file
    #[arg(long)]
    pub(super) no_policy: bool,
    /// What the policy builds upon, where it says nothing itself [default: default]
    #[arg(long, value_name = "strict|default|lenient", value_parser = by_name::<Preset>)]
    pub(super) preset: Option<Preset>,
    /// Fail on findings of this severity or above [default: medium]
    #[arg(long, value_name = "SEVERITY", value_parser = by_name::<Severity>)]
    pub(super) fail_on: Option<Severity>,
    /// Findings of less confidence fail nothing [default: medium]
    #[arg(long, value_name = "CONFIDENCE", value_parser = by_name::<Confidence>)]
    pub(super) min_confidence: Option<Confidence>,
    /// Of the scan's rules, only these count: ids, or prefixes that end in `*`
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(super) select: Vec<String>,
    /// Leave out findings of these rules and checks
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(super) ignore: Vec<String>,
    /// A folder with more rules (repeatable)
    #[arg(long, value_name = "DIR")]
    pub(super) rules: Vec<PathBuf>,
    /// Leave out the built-in rules
    #[arg(long)]
    pub(super) no_builtin_rules: bool,
    /// An earlier JSON report, whose findings do not count
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Honour comments `vetrun: ignore[rule]` in the artifact
    #[arg(long)]
    pub(super) allow_suppressions: bool,
    /// Keep the results of static passes in this folder, and take them from there for what has not changed
    #[arg(long, value_name = "DIR", conflicts_with = "no_cache")]
    pub(super) cache: Option<PathBuf>,
    /// Keep no results, and take none from a cache that the policy names
    #[arg(long)]
    pub(super) no_cache: bool,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Running")]
pub(super) struct RunningArgs {
    /// Where programs run [default: auto]
    #[arg(long, value_name = "auto|native|docker", value_parser = by_name::<Backend>)]
    pub(super) sandbox: Option<Backend>,
    /// The image of the docker sandbox
    #[arg(long, value_name = "IMAGE")]
    pub(super) image: Option<String>,
    /// When an image that is not there is pulled; pinned: when it is named by its digest [default: pinned]
    #[arg(long, value_name = "never|pinned|missing", value_parser = by_name::<PullPolicy>)]
    pub(super) pull: Option<PullPolicy>,
    /// The runtime of the docker sandbox, e.g. runsc [default: the engine's]
    #[arg(long, value_name = "NAME")]
    pub(super) runtime: Option<String>,
    /// Wall-clock time [default: 30s]
    #[arg(long, value_name = "TIME")]
    pub(super) timeout: Option<Timeout>,
    /// Memory of all processes together [default: 256MiB]
    #[arg(long, value_name = "SIZE")]
    pub(super) memory: Option<ByteSize>,
    /// Share of processors [default: 0.5]
    #[arg(long, value_name = "N")]
    pub(super) cpus: Option<f64>,
    /// Processes and threads at once [default: 100]
    #[arg(long, value_name = "N")]
    pub(super) pids: Option<u32>,
    /// What the program may reach [default: none]
    #[arg(long, value_name = "none|index|full", value_parser = by_name::<NetworkPolicy>)]
    pub(super) network: Option<NetworkPolicy>,
    /// A variable of the program's environment (repeatable)
    #[arg(long, value_name = "K=V", value_parser = key_and_value)]
    pub(super) env: Vec<(String, String)>,
    /// What is run instead of the entry point found; words are split at blanks
    #[arg(long, value_name = "CMD")]
    pub(super) entry: Option<String>,
    /// A folder for the program's output files; must be empty or not there
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Install what this file declares, not what the artifact declares
    #[arg(long, value_name = "FILE")]
    pub(super) requirements: Option<PathBuf>,
    /// The installer [default: auto]
    #[arg(long, value_name = "auto|uv|pip", value_parser = by_name::<Installer>)]
    pub(super) installer: Option<Installer>,
    /// Install this group, or extra, of pyproject.toml as well (repeatable)
    #[arg(long, value_name = "NAME", conflicts_with = "no_install")]
    pub(super) group: Vec<String>,
    /// Build packages that are there as source alone, in the sandbox
    #[arg(long, conflicts_with = "no_install")]
    pub(super) build_sources: bool,
    /// Do not install packages
    #[arg(long)]
    pub(super) no_install: bool,
    /// Do not tell what the program tried: refused system calls, addresses, names, programs started
    #[arg(long)]
    pub(super) no_trace: bool,
    /// Keep temporary folders and say where they are
    #[arg(long)]
    pub(super) keep: bool,
}

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// The report's format: human, json, jsonl, sarif, junit, github, gitlab, concise, agent, cyclonedx, spdx, pylock,
    /// intoto or html [default: human; jsonl for batch]
    #[arg(long, value_name = "FORMAT")]
    pub(super) format: Option<Format>,
    /// Write the report to a file
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// Write one more report, e.g. `sarif=out.sarif` (repeatable)
    #[arg(long, value_name = "FORMAT=FILE", value_parser = format_and_file)]
    pub(super) report: Vec<(Format, PathBuf)>,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
    /// Show no progress
    #[arg(long)]
    pub(super) no_progress: bool,
    /// Print the report only where something stands against the artifact
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Say more
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// Exit with 0 where the artifact was vetted, whatever was found
    #[arg(long)]
    pub(super) exit_zero: bool,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Args)]
pub(super) struct RulesArgs {
    #[command(subcommand)]
    pub(super) command: RulesCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum RulesCommand {
    /// List all rules
    List {
        /// A folder with more rules (repeatable)
        #[arg(long, value_name = "DIR")]
        rules: Vec<PathBuf>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Explain one rule: why it matters, what to write instead, examples
    Explain {
        /// The rule
        #[arg(value_name = "ID")]
        id: String,
        /// A folder with more rules (repeatable)
        #[arg(long, value_name = "DIR")]
        rules: Vec<PathBuf>,
    },
    /// Prove that every bad example is found and every good one is not
    Test {
        /// Folders with rules [default: the built-in rules]
        #[arg(value_name = "DIR")]
        dirs: Vec<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// The policy [default: vetrun.toml in this folder or above it]
    #[arg(long, value_name = "FILE", conflicts_with = "no_policy")]
    pub(super) policy: Option<PathBuf>,
    /// Use the default policy
    #[arg(long)]
    pub(super) no_policy: bool,
    /// The image of the docker sandbox
    #[arg(long, value_name = "IMAGE")]
    pub(super) image: Option<String>,
    /// The engine's runtime, by the name that it lists it under
    #[arg(long, value_name = "NAME")]
    pub(super) runtime: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ImageArgs {
    #[command(subcommand)]
    pub(super) command: ImageCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum ImageCommand {
    /// Build it from Debian packages, without any image registry: Python, pip, Node, git, curl, an ordinary user
    Build(ImageBuildArgs),
}

#[derive(Debug, Args)]
pub(super) struct ImageBuildArgs {
    /// Its name [default: vetrun-sandbox]
    #[arg(value_name = "NAME")]
    pub(super) name: Option<String>,
    /// With compilers and Python's headers
    #[arg(long)]
    pub(super) build_tools: bool,
    /// With this Debian package, too (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(super) package: Vec<String>,
    /// Another Debian release than this machine's
    #[arg(long, value_name = "NAME", requires = "mirror")]
    pub(super) suite: Option<String>,
    /// Where the packages of that release are
    #[arg(long, value_name = "URL", requires = "suite")]
    pub(super) mirror: Option<String>,
    /// Build it even if one of the same recipe is there, for newer packages
    #[arg(long)]
    pub(super) force: bool,
    /// Say more
    #[arg(short, long)]
    pub(super) verbose: bool,
}

#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Of what
    #[arg(value_enum)]
    pub(super) what: SchemaOf,
}

/// What there are schemas of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaOf {
    /// The JSON report.
    Report,
    /// vetrun.toml.
    Policy,
    /// A rule file.
    Rule,
    /// What `vetrun hook json` reads and answers.
    Hook,
    /// The tools for agents, as functions that a model of OpenAI's calls.
    Tool,
}

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The folder that the policy is written in
    #[arg(default_value = ".", value_name = "DIR")]
    pub(super) dir: PathBuf,
    /// Replace a policy that is there
    #[arg(long)]
    pub(super) force: bool,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}

/// Reads a value by the name that it has in a policy, so that both are spelled the same way.
fn by_name<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let text: StrDeserializer<'_, ValueError> = text.into_deserializer();
    T::deserialize(text).map_err(|error| error.to_string())
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is not of the form NAME=VALUE")),
    }
}

fn format_and_file(text: &str) -> Result<(Format, PathBuf), String> {
    let (format, file) = text.split_once('=').ok_or_else(|| format!("`{text}` is not of the form FORMAT=FILE"))?;
    Ok((format.parse().map_err(|error: UnknownFormat| error.to_string())?, PathBuf::from(file)))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    fn parses(line: &str) -> bool {
        Cli::try_parse_from(std::iter::once("vetrun").chain(line.split_whitespace())).is_ok()
    }

    #[test]
    fn what_the_contract_lists_can_be_typed() {
        let lines = [
            "check",
            "check -",
            "check a b --language python --stdin-filename x.py --exclude **/x --profile web",
            "check --policy p.toml --fail-on high --min-confidence medium --select a,b --ignore c*",
            "check --cache c",
            "check --no-cache",
            "check --preset strict --policy p",
            "policy show",
            "policy show d --format json --preset lenient --fail-on low --timeout 3s",
            "policy check",
            "policy check p.toml",
            "check --no-policy --rules r --rules s --no-builtin-rules --baseline b.json --allow-suppressions",
            "check --format sarif -o f --report junit=x.xml --report github=y --color never --no-progress -q --exit-zero",
            "run a -- --n 3 file",
            "run --sandbox native --image i --timeout 30s --memory 256MiB --cpus 0.5 --pids 100 --network none",
            "run --no-trace",
            "run --env A=b --env C=d=e --entry main.py --out o --requirements r.txt --installer uv --no-install --keep -v",
            "run --sandbox docker --image i@sha256:1 --pull missing --runtime runsc",
            "batch d e --run -j 2 --sandboxes 3",
            "batch d --resume r.jsonl",
            "batch d --resume r.jsonl -o s.jsonl",
            "image build",
            "image build i:2 --build-tools --package jq --suite s --mirror m --force -v",
            "gc",
            "watch d --settle 1s --format human -q --fail-on high",
            "rules list",
            "rules explain python-eval",
            "rules test d",
            "doctor",
            "doctor --policy p --image x",
            "doctor --no-policy --runtime runsc",
            "schema report",
            "init",
            "completions bash",
            "help",
            "help rules explain",
            "man",
            "man --dir d",
            "hook claude-code --policy p --fail-on high --allow-settings --whole-file --deadline 10s",
            "hook json --no-policy --profile web --agent-id a",
            "mcp --root a --root b --timeout 10s --sandbox native --at-once 2",
            "schema hook",
            "schema tool",
        ];
        for line in lines {
            assert!(parses(line), "{line}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let lines = [
            "",
            "chekc",
            "check --policy p --no-policy",
            "check --cache c --no-cache",
            "check --fail-on severe",
            "check --preset mild",
            "policy",
            "policy show --format sarif",
            "check --format yaml",
            "check --report sarif",
            "check -q -v",
            "run --sandbox none",
            "run --pull always",
            "image",
            "image build --suite s",
            "run --timeout soon",
            "run --env A",
            "batch",
            "batch d --jobs 0",
            "batch d --sandboxes 2",
            "batch d --run --resume r --out o",
            "schema everything",
            "hook",
            "hook other",
            "mcp --at-once 0",
        ];
        for line in lines {
            assert!(!parses(line), "{line}");
        }
    }

    #[test]
    fn what_is_typed_often_means_the_same_to_both_parsers() {
        let lines = [
            ("check", true),
            ("check a.py - b c/d", true),
            ("check --format json a", true),
            ("check a --format=json", true),
            ("check a --format json --format json", false),
            ("check --format yaml", false),
            ("check --format", false),
            ("check -- --format", true),
            ("check - --stdin-filename a.py --language python", true),
            ("check a b --format json -q --select a,b --ignore c --exclude d --exclude e", true),
            ("check --preset strict --fail-on high --min-confidence low --report sarif=x", true),
            ("run a.py --timeout 5s -- --b c", true),
            ("hook claude-code", true),
            ("check --help", false),
            ("check -h", false),
            ("check --nothing", false),
            ("check --fail-on severe", false),
            ("doctor", false),
            ("--version", false),
            ("", false),
        ];
        for (line, is_taken) in lines {
            let words: Vec<OsString> =
                std::iter::once("vetrun").chain(line.split_whitespace()).map(OsString::from).collect();
            let quick = often(&words);
            assert_eq!(quick.is_some(), is_taken, "{line}");
            let whole = Cli::try_parse_from(words).map(|cli| cli.command);
            if let Some(quick) = quick {
                assert_eq!(format!("{quick:?}"), format!("{:?}", whole.expect("both take it")), "{line}");
            }
        }
    }
}
