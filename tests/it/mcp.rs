//! `vetrun mcp`, spoken to as a client does: one JSON message a line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{folder, vetrun};

/// A server and what a client knows of it.
struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    id: u64,
}

impl Server {
    fn start(here: &Path, args: &[&str]) -> Self {
        let mut command = vetrun();
        command.arg("mcp").args(args).current_dir(here).env("HOME", here);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("vetrun starts");
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().expect("standard output"));
        let mut server = Self { child, stdin, stdout: BufReader::new(stdout), id: 0 };
        let greeting = server.ask(
            "initialize",
            &json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } }),
        );
        assert_eq!(greeting["result"]["serverInfo"]["name"], "vetrun", "{greeting}");
        server.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        server
    }

    fn send(&mut self, message: &Value) {
        let stdin = self.stdin.as_mut().expect("standard input is open");
        writeln!(stdin, "{message}").expect("the server reads");
    }

    /// Sends a request, without waiting for its answer.
    fn begin(&mut self, method: &str, params: &Value) -> u64 {
        self.id += 1;
        let id = self.id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("the server answers");
        serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("standard output is the protocol's alone: {error}: {line}"))
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        let id = self.begin(method, params);
        loop {
            let message = self.next();
            if message["id"] == id {
                return message;
            }
        }
    }

    fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        let answer = self.ask("tools/call", &json!({ "name": tool, "arguments": arguments }));
        assert!(answer.get("error").is_none(), "{answer}");
        answer["result"].clone()
    }

    /// Closes standard input; the exit code.
    fn end(mut self) -> Option<i32> {
        drop(self.stdin.take());
        self.child.wait().expect("it ends").code()
    }
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().expect("a text")
}

#[test]
fn tools_are_described_and_answer_in_their_shape() {
    let here = folder(&[("app/main.py", "eval(input())\n"), ("ok.py", "print(1)\n")]);
    let mut server = Server::start(here.path(), &[]);
    let tools = server.ask("tools/list", &json!({}))["result"]["tools"].clone();
    let schema = |name: &str| {
        let tool = tools.as_array().expect("tools").iter().find(|tool| tool["name"] == name).expect("the tool").clone();
        assert_eq!(tool["annotations"]["readOnlyHint"], json!(name != "run_code"), "{tool}");
        jsonschema::validator_for(&tool["outputSchema"]).expect("a schema")
    };
    for (arguments, status, code) in [
        (json!({ "code": "print(1)", "language": "python" }), "passed", 0),
        (json!({ "code": "eval(input())", "filename": "a.py" }), "failed", 1),
        (json!({ "code": "def f(:", "language": "python", "filename": null }), "failed", 1),
    ] {
        let result = server.call("vet_code", &arguments);
        let data = &result["structuredContent"];
        assert_eq!((&data["status"], &data["exitCode"]), (&json!(status), &json!(code)), "{result}");
        assert_eq!(result["isError"], json!(false), "what is blocked is a result: {result}");
        assert!(schema("vet_code").is_valid(data), "{data}");
        assert!(text(&result).starts_with(status), "{result}");
    }
    let result = server.call("vet_path", &json!({ "path": "app" }));
    assert_eq!(result["structuredContent"]["findings"][0]["ruleId"], "python-eval", "{result}");
    assert_eq!(server.call("vet_path", &json!({ "path": "ok.py" }))["structuredContent"]["status"], "passed");
    let rule = server.call("explain_rule", &json!({ "id": "python-eval" }));
    assert!(schema("explain_rule").is_valid(&rule["structuredContent"]), "{rule}");
    assert!(text(&rule).contains("instead: `ast.literal_eval`"), "{rule}");
    assert_eq!(server.end(), Some(0));
}

#[test]
fn what_cannot_be_done_is_an_error_that_says_why() {
    let outside = folder(&[("secret.py", "x = 1\n")]);
    let here = folder(&[("vetrun.toml", ""), ("a.py", "x = 1\n")]);
    std::os::unix::fs::symlink(outside.path(), here.path().join("link")).expect("a link");
    let mut server = Server::start(here.path(), &[]);
    let secret = outside.path().join("secret.py");
    for (tool, arguments, why) in [
        ("vet_path", json!({ "path": secret }), "outside of the server's roots"),
        ("vet_path", json!({ "path": "link/secret.py" }), "outside of the server's roots"),
        ("vet_path", json!({ "path": "nowhere" }), "there is no file or folder"),
        ("vet_path", json!({ "path": "." }), "which it would be judged by"),
        ("vet_code", json!({ "code": "x" }), "the language of the code is not known"),
        ("vet_code", json!({ "code": "", "language": "python" }), "nothing to vet"),
        ("vet_code", json!({ "text": "x" }), "are not understood"),
        (
            "run_code",
            json!({ "code": "x = 1", "language": "python", "timeout_seconds": -1 }),
            "not a number of seconds",
        ),
        ("explain_rule", json!({ "id": "python-evil" }), "the nearest is `python-eval`"),
    ] {
        let result = server.call(tool, &arguments);
        assert_eq!(result["isError"], json!(true), "{tool} {arguments}: {result}");
        assert!(text(&result).contains(why), "{tool} {arguments}: {result}");
    }
    let unknown = server.ask("tools/call", &json!({ "name": "rm", "arguments": {} }));
    assert!(unknown["error"]["message"].as_str().is_some_and(|why| why.contains("there is no tool `rm`")), "{unknown}");
    assert_eq!(server.end(), Some(0));
}

#[test]
fn code_that_passes_is_run_within_the_policy() {
    let here = folder(&[]);
    let mut server = Server::start(here.path(), &["--timeout", "20s", "--sandbox", "native"]);
    let run = |server: &mut Server, code: &str, more: &Value| {
        let mut arguments = json!({ "code": code, "language": "python" });
        arguments.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        server.call("run_code", &arguments)
    };
    let result = run(&mut server, "import sys\nprint(sys.argv[1:])\n", &json!({ "args": ["a b"] }));
    let execution = &result["structuredContent"]["execution"];
    assert_eq!((&execution["stdout"], &execution["exitCode"]), (&json!("['a b']\n"), &json!(0)), "{result}");
    assert!(text(&result).contains("| ['a b']"), "{result}");
    let failed = run(&mut server, "raise SystemExit(3)\n", &json!({}));
    assert_eq!((&failed["structuredContent"]["exitCode"], &failed["isError"]), (&json!(4), &json!(false)), "{failed}");
    let blocked = run(&mut server, "eval(input())\n", &json!({}));
    assert_eq!(blocked["structuredContent"]["execution"], Value::Null, "{blocked}");
    let late = run(&mut server, "import time\ntime.sleep(9)\n", &json!({ "timeout_seconds": 0.5 }));
    assert_eq!(late["structuredContent"]["execution"]["outcome"], "timeout", "{late}");
    let script = json!({ "code": "console.log(1 + 1)", "language": "javascript" });
    let script = server.call("run_code", &script);
    assert_eq!(script["structuredContent"]["execution"]["stdout"], "2\n", "{script}");
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_call_that_is_cancelled_is_stopped_and_so_is_everything_at_the_end() {
    let here = folder(&[]);
    let mut server = Server::start(here.path(), &["--timeout", "60s", "--sandbox", "native", "--at-once", "1"]);
    let slow =
        json!({ "name": "run_code", "arguments": { "code": "import time\ntime.sleep(50)\n", "language": "python" } });
    let began = Instant::now();
    let id = server.begin("tools/call", &slow);
    std::thread::sleep(Duration::from_secs(2));
    server.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } }));
    // Only one call is done at once: this one waits for the end of the other.
    let quick = server.call("vet_code", &json!({ "code": "x = 1", "language": "python" }));
    assert_eq!(quick["structuredContent"]["status"], "passed", "{quick}");
    server.begin("tools/call", &slow);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(server.end(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}
