//! What findings show of text that was decoded before it is run.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::support::{arg, folder, report, run};

/// The findings about one file.
fn findings(name: &str, text: &str) -> Vec<Value> {
    let place = folder(&[(name, text)]);
    let report = report(&run(&["check", arg(place.path()), "--no-policy", "--format", "json"]));
    report["findings"].as_array().expect("findings").clone()
}

/// What the finding of a rule that stands inside of decoded text shows of it.
fn decoded(findings: &[Value], rule: &str) -> Value {
    let inside = |one: &&Value| one["ruleId"] == rule && !one["decoded"]["range"].is_null();
    findings.iter().find(inside).unwrap_or_else(|| panic!("no {rule} in {findings:#?}"))["decoded"].clone()
}

const PYTHON: &str = "import os\nos.system(input())\n";
const JAVASCRIPT: &str = "require('child_process').exec(process.argv[2]);";

fn base64(text: &str) -> String {
    BASE64_STANDARD.encode(text)
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_finding_shows_the_text_and_what_hid_it() {
    let numbers = PYTHON.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(",");
    let escapes: String = PYTHON.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
    let zipped = "eNrLzC3ILypRyC/myi/WK64sLknN1cjMKygt0dDU5AIApSIKOQ==";
    let nested = format!("exec(bytes.fromhex('{}'))\n", hex(PYTHON));
    let cases = [
        (
            format!("import base64, zlib\nexec(zlib.decompress(base64.b64decode('{zipped}')))\n"),
            json!(["base64", "zlib"]),
        ),
        (
            "import codecs\nexec(codecs.decode('vzcbeg bf\\nbf.flfgrz(vachg())\\n', 'rot13'))\n".to_owned(),
            json!(["rot13"]),
        ),
        (format!("exec(bytes.fromhex('{}'))\n", hex(PYTHON)), json!(["hex"])),
        (format!("exec(''.join(chr(c) for c in [{numbers}]))\n"), json!(["computed"])),
        (format!("exec('{escapes}')\n"), json!(["escapes"])),
        (format!("import base64\nexec(base64.b64decode('{}'))\n", base64(&nested)), json!(["base64", "hex"])),
    ];
    for (text, layers) in cases {
        let decoded = decoded(&findings("main.py", &text), "python-os-system");
        assert_eq!((&decoded["layers"], &decoded["text"]), (&layers, &json!(PYTHON)), "{text}");
        assert_eq!(
            (&decoded["bytes"], &decoded["offset"], &decoded["truncated"]),
            (&json!(29), &json!(0), &json!(false))
        );
        assert_eq!(decoded["range"]["start"], json!({ "line": 2, "column": 1, "offset": 10 }), "{text}");
    }
    let rule = "javascript-child-process-exec-dynamic";
    for (text, layer) in [
        (format!("eval(atob('{}'));\n", base64(JAVASCRIPT)), "base64"),
        (format!("eval(Buffer.from('{}', 'hex').toString());\n", hex(JAVASCRIPT)), "hex"),
    ] {
        let decoded = decoded(&findings("main.js", &text), rule);
        assert_eq!((&decoded["layers"], &decoded["language"]), (&json!([layer]), &json!("javascript")), "{text}");
    }
    let script = format!("echo {} | base64 -d | sh\n", base64("rm -rf /"));
    let decoded = decoded(&findings("main.sh", &script), "shell-recursive-delete");
    assert_eq!((&decoded["layers"], &decoded["language"]), (&json!(["base64"]), &json!("shell")));
}

#[test]
fn the_call_that_runs_it_shows_it_too_and_plain_text_is_not_called_decoded() {
    let text = format!("import base64\nexec(base64.b64decode('{}'))\n", base64("print(1)\n"));
    let found = findings("main.py", &text);
    let call = found.iter().find(|one| one["ruleId"] == "python-exec").expect("the call");
    assert_eq!((&call["decoded"]["text"], &call["decoded"]["range"]), (&json!("print(1)\n"), &Value::Null));
    for plain in ["exec('import os\\nos.system(input())')\n", "exec(\"import os; os.system(input())\")\n"] {
        let found = findings("main.py", plain);
        assert!(found.iter().any(|one| one["ruleId"] == "python-os-system"), "{found:#?}");
        assert!(found.iter().all(|one| one["decoded"].is_null()), "{found:#?}");
    }
}

#[test]
fn long_text_is_shown_around_the_fault() {
    let long = format!("import os\n{}os.system(input())  # é\n{}", "x = 'é'\n".repeat(3000), "y = 2\n".repeat(3000));
    let text = format!("import base64\nexec(base64.b64decode('{}').decode())\n", base64(&long));
    let decoded = decoded(&findings("main.py", &text), "python-os-system");
    let (shown, offset) = (decoded["text"].as_str().expect("a text"), decoded["offset"].as_u64().expect("a number"));
    assert!(shown.len() <= 4096 && shown.contains("os.system(input())  # é"), "{shown}");
    assert_eq!((&decoded["truncated"], &decoded["bytes"]), (&json!(true), &json!(long.len())));
    let start =
        usize::try_from(decoded["range"]["start"]["offset"].as_u64().expect("a number") - offset).expect("it fits");
    assert!(shown[start..].starts_with("os.system"), "{start}");
    assert_eq!(decoded["range"]["start"]["line"], json!(3002));
    // Many of them have less room each.
    let one = |at: usize| format!("import os\n{}os.system(input())  # {at}\n", "x = 1\n".repeat(1000));
    let many: String = (0..100).map(|at| format!("exec(base64.b64decode('{}'))\n", base64(&one(at)))).collect();
    let found = findings("main.py", &format!("import base64\n{many}"));
    let whole: usize = found.iter().filter_map(|one| one["decoded"]["text"].as_str()).map(str::len).sum();
    assert!(found.len() >= 200, "{}", found.len());
    assert!(whole > 256 << 10 && whole <= (256 << 10) + found.len() * 160 + 4096, "{whole}");
}
