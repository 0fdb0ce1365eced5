//! The whole pipeline through the binary: inputs, exit codes, the policy, batches, interruption.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use vetrun::language::PythonVersion;
use vetrun::sandbox::{Interpreter, Sandbox as _};

use crate::support::{arg, folder, native, report, root, run, shown, vetrun};

fn code(args: &[&str]) -> i32 {
    let output = run(args);
    output.status.code().unwrap_or_else(|| panic!("{}", shown(&output)))
}

#[test]
fn exit_codes_are_those_of_the_contract() {
    let clean = folder(&[("main.py", "print('hello')\n")]);
    let bad = folder(&[("main.py", "eval(input())\n")]);
    let broken = folder(&[("main.py", "def f(:\n")]);
    let fails = folder(&[("main.py", "raise SystemExit(3)\n")]);
    let empty = folder(&[]);
    let cases: &[(&[&str], i32)] = &[
        (&["check", arg(clean.path())], 0),
        (&["run", arg(clean.path())], 0),
        (&["check", arg(bad.path())], 1),
        (&["run", arg(bad.path())], 1),
        (&["check", arg(broken.path())], 1),
        (&["check", arg(broken.path()), "--fail-on", "critical"], 1),
        (&["check", arg(empty.path())], 3),
        (&["check", "no/such/path"], 2),
        (&["check", "--policy", "no/such/policy.toml", arg(clean.path())], 2),
        (&["check", "--profile", "no-such-profile", arg(clean.path())], 2),
        (&["check", "--no-such-option"], 2),
        (&["check", "--select", "no-such-rule", arg(bad.path())], 2),
        (&["check", "--select", "python-*", arg(bad.path())], 1),
        (&["run", "--entry", "", arg(clean.path())], 2),
        (&["run", arg(fails.path())], 4),
        (&["check", arg(bad.path()), "--exit-zero"], 0),
        (&["check", "no/such/path", "--exit-zero"], 2),
        (&["check", arg(clean.path()), arg(bad.path())], 1),
        (&["check", arg(bad.path()), "no/such/path"], 2),
        (&["check", arg(clean.path()), arg(empty.path())], 3),
    ];
    for (args, wanted) in cases {
        assert_eq!(code(args), *wanted, "{args:?}");
    }
}

#[test]
fn comments_for_other_scanners_are_reported_and_change_nothing() {
    let said = |fixture: &str, more: &[&str]| {
        let path = format!("fixtures/hostile/{fixture}");
        let output = run(&[&["check", &path, "--format", "json"], more].concat());
        assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
        let report = report(&output);
        let all = report["findings"].as_array().expect("findings are a list");
        let foreign = all.iter().filter(|finding| finding["ruleId"] == "foreign-suppression");
        foreign
            .map(|finding| (finding["severity"].to_string(), finding["range"]["start"]["line"].as_u64()))
            .collect::<Vec<_>>()
    };
    let info = |line| ("\"info\"".to_owned(), Some(line));
    // One for the whole file, and each on the lines of what fails.
    assert_eq!(said("suppression-comments", &[]), [info(2), info(9), info(9), info(9)]);
    assert_eq!(said("suppression-comments-script", &[]), [info(1), info(5)]);
    assert_eq!(said("suppression-comments", &["--ignore", "foreign-suppression"]), []);
}

#[test]
fn the_format_never_changes_the_exit_code() {
    let bad = folder(&[("main.py", "eval(input())\n")]);
    for format in ["human", "json", "jsonl", "sarif", "junit", "github", "gitlab", "concise"] {
        assert_eq!(code(&["check", arg(bad.path()), "--format", format]), 1, "{format}");
    }
}

#[test]
fn a_reader_that_goes_away_makes_no_pass_of_what_it_did_not_read() {
    let place = folder(&[("a/main.py", "eval(input())\n"), ("b/main.py", "print(1)\n")]);
    let bad = place.path().join("a");
    for (args, wanted) in [(["check", arg(&bad)], 1), (["batch", arg(place.path())], 2)] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = vetrun().args(args).stdout(writer).output().expect("vetrun starts");
        assert_eq!(output.status.code(), Some(wanted), "{args:?}: {}", shown(&output));
    }
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device that is always full");
    let output = vetrun().args(["completions", "bash"]).stdout(full).output().expect("vetrun starts");
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
}

#[test]
fn a_fault_of_a_policy_is_said_in_one_readable_line() {
    let clean = folder(&[("main.py", "print('hello')\n"), ("p.toml", "[gate]\n# a\nfail_on = \"severe\"\n")]);
    let output = run(&["check", "--policy", arg(&clean.path().join("p.toml")), arg(clean.path())]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("p.toml:3:11: `fail_on` in [gate] is \"severe\", not one of info, low"), "{said}");
    assert!(!said.contains("\\n"), "{said}");
}

fn check_stdin(args: &[&str], text: &[u8]) -> Output {
    let mut child = vetrun()
        .args(["check", "-", "--format", "json"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("vetrun starts");
    child.stdin.take().expect("a pipe").write_all(text).expect("vetrun reads it all");
    child.wait_with_output().expect("vetrun ends")
}

#[test]
fn standard_input_is_vetted_in_the_language_that_is_named() {
    let by_language = check_stdin(&["--language", "python"], b"import os\nos.system('ls')\n");
    assert_eq!(by_language.status.code(), Some(1), "{}", shown(&by_language));
    let by_name = check_stdin(&["--stdin-filename", "app.js"], b"const a = 1;\nconsole.log(a);\n");
    assert_eq!(by_name.status.code(), Some(0), "{}", shown(&by_name));
    assert_eq!(report(&by_name)["artifact"]["files"][0]["path"], "app.js");
    let unknown = check_stdin(&[], b"print(1)\n");
    assert_eq!(unknown.status.code(), Some(2), "{}", shown(&unknown));
}

#[test]
fn a_policy_inside_the_artifact_decides_nothing() {
    let policy = "[gate]\nfail_on = \"critical\"\nignore = [\"*\"]\n";
    let artifact = folder(&[("main.py", "eval(input())\n"), ("vetrun.toml", policy)]);
    let output = vetrun().current_dir(artifact.path()).args(["check", "."]).output().expect("vetrun starts");
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    assert!(String::from_utf8_lossy(&output.stderr).contains("was not used"), "{}", shown(&output));
}

#[test]
fn a_policy_beside_the_artifact_is_found_and_obeyed() {
    let policy = "[gate]\nignore = [\"python-*\"]\n";
    let place = folder(&[("vetrun.toml", policy), ("gen/main.py", "eval(input())\n")]);
    let check = |args: &[&str]| vetrun().current_dir(place.path()).args(args).output().expect("vetrun starts");
    assert_eq!(check(&["check", "gen"]).status.code(), Some(0));
    assert_eq!(check(&["check", "gen", "--no-policy"]).status.code(), Some(1));
    std::fs::write(place.path().join("vetrun.toml"), "[gate]\nfail_onn = \"low\"\n").expect("a file");
    let refused = check(&["check", "gen"]);
    assert_eq!(refused.status.code(), Some(2), "{}", shown(&refused));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("fail_onn"), "{}", shown(&refused));
}

#[test]
fn a_baseline_keeps_old_findings_out_and_lets_new_ones_in() {
    let artifact = folder(&[("main.py", "eval(input())\n")]);
    let baseline = artifact.path().with_extension("baseline.json");
    let first = run(&["check", arg(artifact.path()), "--format", "json", "-o", arg(&baseline)]);
    assert_eq!(first.status.code(), Some(1), "{}", shown(&first));
    let again = ["check", arg(artifact.path()), "--baseline", arg(&baseline)];
    assert_eq!(code(&again), 0);
    std::fs::write(artifact.path().join("main.py"), "\n\neval(input())\nexec(input())\n").expect("a file");
    assert_eq!(code(&again), 1);
    std::fs::remove_file(baseline).expect("the baseline is there");
}

#[test]
fn equal_inputs_make_equal_reports_but_for_the_clock() {
    fn without_clock(mut value: Value) -> Value {
        match &mut value {
            Value::Object(map) => {
                map.retain(|key, _| !key.ends_with("At") && !key.ends_with("Ms") && key != "logs");
                map.values_mut().for_each(|value| *value = without_clock(value.take()));
            }
            Value::Array(all) => all.iter_mut().for_each(|value| *value = without_clock(value.take())),
            _ => {}
        }
        value
    }
    let artifact = folder(&[("b.py", "exec(input())\n"), ("a.js", "eval(x)\n"), ("c/d.html", "<html>")]);
    let once = || without_clock(report(&run(&["check", arg(artifact.path()), "--format", "json"])));
    assert_eq!(once(), once());
}

#[test]
fn the_report_fits_its_schema() {
    let schema = run(&["schema", "report"]);
    let schema: Value = serde_json::from_slice(&schema.stdout).expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let artifact =
        folder(&[("main.py", "import os\nopen(os.environ.get('OUT', '/out') + '/a.txt', 'w').write('x')\n")]);
    for args in [["check", arg(artifact.path())], ["run", arg(artifact.path())], ["check", "no/such/path"]] {
        let output = run(&[args[0], args[1], "--format", "json"]);
        let report = report(&output);
        let errors: Vec<_> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}\n{}", shown(&output));
    }
}

#[test]
fn the_program_gets_its_arguments_and_environment_and_leaves_its_files() {
    let code = "import os, sys\nopen('/out/seen.txt', 'w').write(' '.join(sys.argv[1:]) + os.environ['COLOUR'])\n";
    let artifact = folder(&[("main.py", code)]);
    let out = tempfile::tempdir().expect("a temporary folder");
    let args = ["run", arg(artifact.path()), "--env", "COLOUR=red", "--out", arg(out.path()), "--", "--n", "3"];
    let output = run(&args);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    assert_eq!(std::fs::read_to_string(out.path().join("seen.txt")).expect("the output"), "--n 3red");
    let again = run(&args);
    assert_eq!(again.status.code(), Some(2), "a folder that is not empty is refused: {}", shown(&again));
    let thrown_away = run(&["run", arg(artifact.path()), "--env", "COLOUR=red", "--format", "json"]);
    assert_eq!(report(&thrown_away)["execution"]["outputs"][0]["path"], "seen.txt", "{}", shown(&thrown_away));
}

#[test]
fn the_seeds_example_is_failed_by_the_security_pass_alone() {
    let output = run(&["check", "fixtures/blocked/eval-calculator", "--format", "json", "--no-policy"]);
    let report = report(&output);
    assert_eq!(report["status"], "failed");
    assert_eq!(report["validationResults"]["security"]["passed"], false);
    assert_eq!(report["validationResults"]["syntax"]["passed"], true);
    assert_eq!(report["validationResults"]["execution"]["status"], "skipped");
}

#[test]
fn a_batch_reports_every_artifact_on_a_line_and_sums_up() {
    let files: Vec<(String, &str)> = (0..1000)
        .map(|number| {
            (format!("a{number:04}/main.py"), if number % 100 == 0 { "eval(input())\n" } else { "print(1)\n" })
        })
        .collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let place = folder(&files);
    let output = run(&["batch", arg(place.path())]);
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let (summary, reports) = lines.split_last().expect("a summary");
    assert_eq!(reports.len(), 1000);
    assert!(reports.iter().all(|line| line["type"] == "report"));
    assert_eq!(summary["type"], "summary");
    assert_eq!((&summary["passed"], &summary["failed"]), (&Value::from(990), &Value::from(10)));
    assert_eq!(summary["exitCode"], 1);
}

/// Everything that a vetrun with this process id, and programs with `needle` on their command line, left on the host.
fn left_behind(pid: u32, needle: &str, scratch: &Path) -> Vec<String> {
    let mut left = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("/proc").filter_map(Result::ok) {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains(needle) {
            left.push(format!("process {}", entry.file_name().display()));
        }
    }
    let own = format!("vetrun-{pid}-");
    let mut folders = vec![std::path::PathBuf::from("/sys/fs/cgroup")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok) {
            if entry.file_name().to_string_lossy().starts_with(&own) {
                left.push(format!("control group {}", entry.path().display()));
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
        }
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
    left.extend(mounts.lines().filter(|line| line.contains(arg(scratch))).map(|line| format!("mount {line}")));
    let files = std::fs::read_dir(scratch).expect("the scratch folder").filter_map(Result::ok);
    left.extend(files.map(|file| format!("file {}", file.path().display())));
    left
}

/// Starts `vetrun`, interrupts it after `delay`, and returns what it said and what it left.
fn interrupted(args: &[&str], needle: &str, delay: Duration) -> (Output, Vec<String>) {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let child = vetrun()
        .env("TMPDIR", scratch.path())
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("vetrun starts");
    let pid = child.id();
    std::thread::sleep(delay);
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT)
        .expect("vetrun was started and not yet waited for");
    let killed = Instant::now();
    let output = child.wait_with_output().expect("vetrun ends");
    assert!(killed.elapsed() < Duration::from_secs(5), "{}", shown(&output));
    (output, left_behind(pid, needle, scratch.path()))
}

#[test]
fn signals_that_come_together_are_one_interruption_and_still_leave_nothing() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let place = folder(&[("a/main.py", "import time\ntime.sleep(25)\n")]);
    let child = vetrun()
        .env("TMPDIR", scratch.path())
        .args(["batch", arg(place.path()), "--run"])
        .stdout(Stdio::null())
        .spawn();
    let mut child = child.expect("vetrun starts");
    std::thread::sleep(Duration::from_millis(2500));
    for signal in [rustix::process::Signal::HUP, rustix::process::Signal::TERM, rustix::process::Signal::HUP] {
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), signal).expect("vetrun runs");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(child.wait().expect("vetrun ends").code(), Some(130));
    assert_eq!(std::fs::read_dir(scratch.path()).expect("a folder").count(), 0);
}

#[test]
fn outputs_of_two_artifacts_of_a_batch_never_share_a_folder() {
    let place = folder(&[("x/a/main.py", "print(1)\n"), ("y/a/main.py", "print(1)\n")]);
    let (x, y, out) = (place.path().join("x"), place.path().join("y"), place.path().join("out"));
    let output = run(&["batch", arg(&x), arg(&y), "--run", "--out", arg(&out)]);
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    assert!(String::from_utf8_lossy(&output.stderr).contains("share theirs"), "{}", shown(&output));
}

#[test]
fn an_interrupted_run_exits_with_130_and_leaves_nothing() {
    let artifact = folder(&[("main.py", "import time\nprint('up', flush=True)\ntime.sleep(25)\n")]);
    let needle = "vetrun-interrupt-marker";
    let args = ["run", arg(artifact.path()), "--format", "json", "--", needle];
    let (output, left) = interrupted(&args, needle, Duration::from_millis(2500));
    assert_eq!(output.status.code(), Some(130), "{}", shown(&output));
    assert_eq!(report(&output)["execution"]["outcome"], "interrupted");
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn an_interrupt_at_any_moment_leaves_nothing() {
    let sleeper = "import time\ntime.sleep(25)\n";
    let files: Vec<_> = (0..6).map(|number| (format!("a{number}/main.py"), sleeper)).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let place = folder(&files);
    let needle = "vetrun-any-moment-marker";
    let env = format!("MARK={needle}");
    for delay_ms in [0, 5, 10, 20, 40, 80, 120, 160, 240, 400, 700] {
        let args = ["batch", "--run", arg(place.path()), "--env", &env, "--entry", &format!("main.py {needle}")];
        let (output, left) = interrupted(&args, needle, Duration::from_millis(delay_ms));
        // Before the handler stands, the signal ends the process as it ends any other.
        assert!(matches!(output.status.code(), Some(130) | None), "{delay_ms} ms: {}", shown(&output));
        assert!(left.is_empty(), "{delay_ms} ms: {left:?}");
    }
}

#[test]
fn help_and_version_are_answers() {
    for args in [vec!["--help"], vec!["--version"], vec!["check", "--help"], vec!["rules", "explain", "python-eval"]] {
        let output = run(&args);
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn init_writes_a_policy_that_can_be_used_and_never_over_one() {
    let place = folder(&[("a/main.py", "print(1)\n")]);
    let vetrun = |args: &[&str]| vetrun().current_dir(place.path()).args(args).output().expect("vetrun starts");
    assert_eq!(vetrun(&["init"]).status.code(), Some(0));
    assert_eq!(vetrun(&["check", "a"]).status.code(), Some(0));
    assert_eq!(vetrun(&["init"]).status.code(), Some(2));
    assert_eq!(vetrun(&["init", "--force"]).status.code(), Some(0));
}

#[test]
fn every_schema_is_a_schema() {
    for what in ["report", "policy", "rule"] {
        let output = run(&["schema", what]);
        let schema: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(run(&["completions", shell]).stdout.len() > 1000, "{shell}");
    }
}

#[test]
fn the_changed_folder_does_not_change_what_runs() {
    // The program would print the changed text if the folder on disk were what runs.
    let artifact = folder(&[("main.py", "print(open('data.txt').read())\n"), ("data.txt", "as vetted")]);
    let snapshot = vetrun::intake::read_path(
        artifact.path(),
        &vetrun::policy::IntakeLimits::default(),
        &vetrun::intake::exclude_set::<&str>(&[]).expect("no globs"),
    )
    .expect("readable");
    std::fs::write(artifact.path().join("data.txt"), "changed").expect("a file");
    std::fs::write(artifact.path().join("main.py"), "raise SystemExit(9)\n").expect("a file");
    let within = tempfile::tempdir().expect("a temporary folder");
    let scratch = vetrun::sandbox::Scratch::new(within.path(), false).expect("a temporary folder");
    let sandbox = native();
    let (policy, stop) = (vetrun::policy::Policy::default(), vetrun::sandbox::Stop::default());
    let rules = vetrun::rules::RuleSet::load(true, &[] as &[&str]).expect("built-in rules load");
    let running = vetrun::vet::Running {
        sandbox: &sandbox,
        uv: None,
        args: &[],
        out: None,
        scratch: &scratch,
        store: None,
        stop: &stop,
    };
    let baseline = vetrun::vet::Baseline::new();
    let names = vetrun::deps::names::NameData::builtin();
    let judging =
        vetrun::vet::Judging { policy: &policy, rules: &rules, baseline: &baseline, requirements: None, names };
    let session = vetrun::vet::Session {
        judging,
        grounds: std::borrow::Cow::Owned(vetrun::vet::Grounds::of(&judging)),
        agent_id: None,
        running: Some(running),
        cache: None,
    };
    let vetting = session.vet(&snapshot);
    assert_eq!(vetting.exit, vetrun::vet::Exit::Passed, "{:?}", vetting.report.logs);
    assert_eq!(vetting.report.execution.expect("it ran").stdout.text, "as vetted\n");
}

#[test]
fn the_root_of_the_package_is_vetted_without_a_crash() {
    let output = run(&["check", arg(&root().join("src")), "--format", "json"]);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", shown(&output));
}

/// What the report says of the version of Python that a file was judged for.
fn judged_for(output: &Output) -> (String, String) {
    let python = &report(output)["validationResults"]["syntax"]["details"]["target"]["python"];
    let text = |name: &str| python[name].as_str().unwrap_or_else(|| panic!("{}", shown(output))).to_owned();
    (text("version"), text("because"))
}

#[test]
fn a_file_is_judged_for_the_python_that_will_run_it() {
    let here = native().interpreter(Interpreter::Python).expect("the test machine has python3").version;
    let here = PythonVersion::of_release(&here).expect("it is a Python 3").name();
    let manifest = ("pyproject.toml", "[project]\nname = \"a\"\nversion = \"1\"\nrequires-python = \">=3.9,<3.11\"\n");
    let code = ("main.py", "try:\n    print('hello')\nexcept* ValueError:\n    pass\n");
    let artifact = folder(&[manifest, code]);
    let check = run(&["check", arg(artifact.path()), "--format", "json"]);
    assert_eq!(judged_for(&check), ("3.10".to_owned(), "it is the newest that pyproject.toml allows".to_owned()));
    assert_eq!(check.status.code(), Some(1), "{}", shown(&check));

    let policy = folder(&[("vetrun.toml", "[parse]\npython_version = \"3.12\"\n")]);
    let policy = policy.path().join("vetrun.toml");
    let check = run(&["check", arg(artifact.path()), "--format", "json", "--policy", arg(&policy)]);
    assert_eq!(judged_for(&check), ("3.12".to_owned(), "the policy says so".to_owned()));
    assert_eq!(check.status.code(), Some(0), "{}", shown(&check));

    let ran = run(&["run", arg(artifact.path()), "--format", "json", "--no-install"]);
    assert_eq!(judged_for(&ran), (here.to_owned(), "it is the one in the sandbox".to_owned()));
}

#[test]
fn what_takes_long_to_remove_is_removed_by_another_process() {
    let within = tempfile::tempdir().expect("a temporary folder");
    let scratch = vetrun::sandbox::Scratch::new(within.path(), false).expect("a temporary folder");
    let place = scratch.path().to_owned();
    let folder = tempfile::tempdir_in(&place).expect("a temporary folder");
    for number in 0..20_000 {
        std::fs::write(folder.path().join(number.to_string()), "").expect("a file");
    }
    scratch.clear(folder);
    scratch.leave(Path::new(env!("CARGO_BIN_EXE_vetrun")));
    let began = Instant::now();
    while place.exists() {
        assert!(began.elapsed() < Duration::from_secs(60), "it is never removed");
        std::thread::sleep(Duration::from_millis(5));
    }
    // Nothing else is removed in this way.
    let mut clearer = Command::new(env!("CARGO_BIN_EXE_vetrun"));
    std::os::unix::process::CommandExt::arg0(&mut clearer, vetrun::sandbox::CLEARER_NAME);
    assert!(!clearer.arg(within.path()).status().expect("it starts").success());
    assert!(within.path().exists());
}
