//! The engine: a child that judges one case after another, and is started again when one of them brings it down.

use std::io::{Read, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::Error;
use super::case::{Case, Goal};

/// How long the engine may take for one case.
const PATIENCE: Duration = Duration::from_secs(120);

/// The longest text of an answer, in bytes.
const ANSWER_BYTES_MAX: u32 = 256 << 20;

/// What an engine says of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is valid, as this dialect where the engine chose between several.
    Valid(String),
    /// It is refused, for this reason, at this place where the engine tells one (line and column, counted from 1).
    Invalid { message: String, line: u32, column: u32 },
    /// The engine gave up for want of room: its stack, its memory.
    Limit(String),
    /// The engine failed over it, was brought down by it, or did not come to an end.
    Crash(String),
}

/// Which engine, and how it is started.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    program: String,
    arguments: Vec<String>,
}

impl Engine {
    /// CPython, started by the words of `command`.
    pub(crate) fn python(command: &str) -> Result<Self, Error> {
        Self::of(command, &["-I", "-B", "-c", include_str!("oracle.py")])
    }

    /// Node, started by the words of `command`.
    pub(crate) fn node(command: &str) -> Result<Self, Error> {
        let options = ["--experimental-vm-modules", "--expose-internals", "--no-warnings"];
        Self::of(command, &[&options[..], &["-e", include_str!("oracle.cjs")]].concat())
    }

    fn of(command: &str, arguments: &[&str]) -> Result<Self, Error> {
        let mut words = command.split_whitespace().map(str::to_owned);
        let program = words.next().ok_or_else(|| Error::Engine("no command was given".to_owned()))?;
        Ok(Self { program, arguments: words.chain(arguments.iter().map(|word| (*word).to_owned())).collect() })
    }

    /// What the engine says of itself: `{version, folders}`.
    pub(crate) fn describe(&self) -> Result<serde_json::Value, Error> {
        let (_, hello) = Running::start(self)?;
        serde_json::from_slice(&hello.text).map_err(|error| Error::Engine(error.to_string()))
    }
}

/// One answer of the child.
struct Answer {
    kind: u8,
    line: u32,
    column: u32,
    text: Vec<u8>,
}

/// A child at work. Its answers come through a thread, so that waiting for one can have an end.
struct Running {
    child: Child,
    stdin: ChildStdin,
    answers: Receiver<Answer>,
}

impl Running {
    fn start(engine: &Engine) -> Result<(Self, Answer), Error> {
        let failed = |what: String| Error::Engine(format!("`{}` {what}", engine.program));
        let mut child = Command::new(&engine.program)
            .args(&engine.arguments)
            // Certificates that Node would read at each start; nothing here goes to the network.
            .env_remove("NODE_EXTRA_CA_CERTS")
            .env_remove("NODE_OPTIONS")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| failed(format!("does not start: {error}")))?;
        let stdin = child.stdin.take().expect("it is piped");
        let mut stdout = child.stdout.take().expect("it is piped");
        let (sender, answers) = channel();
        thread::spawn(move || {
            while let Some(answer) = read_answer(&mut stdout) {
                if sender.send(answer).is_err() {
                    return;
                }
            }
        });
        let running = Self { child, stdin, answers };
        match running.answers.recv_timeout(PATIENCE) {
            Ok(hello) => Ok((running, hello)),
            Err(_) => Err(failed("ended, or waited, before it told its version".to_owned())),
        }
    }

    /// The answer; `Err` with what became of the child where there is none.
    fn ask(&mut self, wanted: u8, bytes: &[u8]) -> Result<Answer, String> {
        let length = u32::try_from(bytes.len()).map_err(|_| "the case is too long".to_owned())?;
        let mut frame = Vec::with_capacity(bytes.len() + 5);
        frame.push(wanted);
        frame.extend(length.to_le_bytes());
        frame.extend(bytes);
        let sent = self.stdin.write_all(&frame).and_then(|()| self.stdin.flush());
        match sent.map_err(|_| RecvTimeoutError::Disconnected).and_then(|()| self.answers.recv_timeout(PATIENCE)) {
            Ok(answer) => Ok(answer),
            Err(RecvTimeoutError::Timeout) => Err("no answer in time".to_owned()),
            Err(RecvTimeoutError::Disconnected) => {
                Err(self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string()))
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_answer(stdout: &mut ChildStdout) -> Option<Answer> {
    let mut head = [0; 13];
    stdout.read_exact(&mut head).ok()?;
    let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let length = number(9);
    if length > ANSWER_BYTES_MAX {
        return None;
    }
    let mut text = vec![0; length as usize];
    stdout.read_exact(&mut text).ok()?;
    Some(Answer { kind: head[0], line: number(1), column: number(5), text })
}

/// An engine that is asked about cases.
pub(crate) struct Oracle {
    engine: Engine,
    running: Option<Running>,
}

impl Oracle {
    /// An oracle that starts its engine with the first question.
    pub(crate) fn new(engine: &Engine) -> Self {
        Self { engine: engine.clone(), running: None }
    }

    /// The verdict on a case.
    pub(crate) fn judge(&mut self, case: &Case) -> Result<Verdict, Error> {
        let wanted = match case.goal {
            Goal::Python => b'p',
            Goal::Script => b's',
            Goal::Module => b'm',
            Goal::CommonJs => b'c',
            Goal::Node => b'n',
        };
        match self.verdict(wanted, &case.bytes)? {
            // Node may have failed over the telling of the place, not over the case.
            Verdict::Crash(first) if case.goal != Goal::Python => {
                let again = self.verdict(wanted.to_ascii_uppercase(), &case.bytes)?;
                Ok(if matches!(again, Verdict::Crash(_)) { Verdict::Crash(first) } else { again })
            }
            verdict => Ok(verdict),
        }
    }

    fn verdict(&mut self, wanted: u8, bytes: &[u8]) -> Result<Verdict, Error> {
        let answer = match self.ask(wanted, bytes)? {
            Ok(answer) => answer,
            Err(how) => return Ok(Verdict::Crash(how)),
        };
        let message = String::from_utf8_lossy(&answer.text).into_owned();
        Ok(match answer.kind {
            0 => Verdict::Valid(message),
            1 => Verdict::Invalid { message, line: answer.line, column: answer.column },
            2 => Verdict::Limit(message),
            _ => Verdict::Crash(message),
        })
    }

    /// The texts in a module of CPython's tests that look like source; of Node, the sources of its own library.
    pub(crate) fn texts(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        let Ok(Answer { kind: 0, text, .. }) = self.ask(b'x', bytes)? else { return Ok(Vec::new()) };
        let mut texts = Vec::new();
        let mut rest = text.as_slice();
        while let Some((length, tail)) = rest.split_first_chunk::<4>() {
            let length = (u32::from_le_bytes(*length) as usize).min(tail.len());
            texts.push(tail[..length].to_vec());
            rest = &tail[length..];
        }
        Ok(texts)
    }

    fn ask(&mut self, wanted: u8, bytes: &[u8]) -> Result<Result<Answer, String>, Error> {
        let mut running = match self.running.take() {
            Some(running) => running,
            None => Running::start(&self.engine)?.0,
        };
        let answer = running.ask(wanted, bytes);
        if answer.is_ok() {
            self.running = Some(running);
        }
        Ok(answer)
    }
}
