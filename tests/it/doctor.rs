//! `vetrun doctor` looks at what the policy in force asks for, not at what it would be without one.

use std::process::Output;

use crate::support::{arg, folder, shown, vetrun};

fn doctor(policy: &str, args: &[&str]) -> Output {
    let here = folder(&[("vetrun.toml", policy)]);
    vetrun().arg("doctor").args(args).current_dir(here.path()).output().expect("vetrun starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_policy_in_force_is_named_and_read() {
    let output = doctor("[execute]\nimage = \"no-such-image:at-all\"\n", &[]);
    assert!(said(&output).starts_with("policy: /") && said(&output).contains("/vetrun.toml\n"), "{}", shown(&output));
    if crate::docker::sandbox().is_some() {
        assert!(said(&output).contains("sandbox docker: does not work"), "{}", shown(&output));
        assert!(said(&output).contains("no-such-image:at-all"), "{}", shown(&output));
        let output = doctor("[execute]\nruntime = \"no-such-runtime\"\n", &[]);
        assert!(said(&output).contains("no runtime `no-such-runtime`"), "{}", shown(&output));
        let output = doctor("[execute]\nruntime = \"no-such-runtime\"\n", &["--runtime", "runc"]);
        assert!(
            said(&output).contains("sandbox docker: works") && said(&output).contains("runtime runc"),
            "{}",
            shown(&output)
        );
    }
}

#[test]
fn without_a_policy_none_is_named() {
    let output = doctor("[execute]\nimage = \"no-such-image:at-all\"\n", &["--no-policy"]);
    assert!(!said(&output).contains("policy: "), "{}", shown(&output));
    assert!(!said(&output).contains("no-such-image"), "{}", shown(&output));
}

#[test]
fn a_policy_that_cannot_be_read_is_an_error() {
    let output = doctor("[execute]\ncpus = 0\n", &[]);
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    assert!(shown(&output).contains("execute.cpus"), "{}", shown(&output));
    let other = folder(&[("other.toml", "[execute]\nno_such_key = 1\n")]);
    let output = doctor("", &["--policy", arg(&other.path().join("other.toml"))]);
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    assert!(shown(&output).contains("no_such_key"), "{}", shown(&output));
}
