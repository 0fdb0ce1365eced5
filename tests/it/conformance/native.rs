//! What only the native back end has: two tiers, a launcher that can be killed, groups that can be left.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// A user that owns nothing.
const ORDINARY_ID: u32 = 12_345;

/// Runs both suites again as a user without rights, from copies of the programs that such a user can read.
#[test]
fn an_ordinary_user_has_the_same_sandbox() {
    if super::native_is_off() || !rustix::process::geteuid().is_root() {
        // Started by an ordinary user, the other tests have shown it.
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let copy = |from: &std::path::Path, name: &str| {
        let to = folder.path().join(name);
        std::fs::copy(from, &to).unwrap();
        std::fs::set_permissions(&to, PermissionsExt::from_mode(0o755)).unwrap();
        to
    };
    let tests = copy(&std::env::current_exe().unwrap(), "tests");
    let launcher = copy(env!("CARGO_BIN_EXE_vetrun").as_ref(), "vetrun");
    let output = Command::new(tests)
        .args(["--exact", "conformance::native_conforms", "conformance::native_conforms_around", "--nocapture"])
        .env("VETRUN_TEST_LAUNCHER", launcher)
        .uid(ORDINARY_ID)
        .gid(ORDINARY_ID)
        .current_dir("/")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("2 passed"), "{said}");
}
