//! One program that the agent starts, fed and heard and watched to its end.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use super::client::{Agent, AgentError, Heard, Line};
use super::wire::Frame;
use crate::sandbox::session::Source;
use crate::sandbox::{Stop, Stream};

/// How often the stop flag, and whatever else is to be watched, is looked at.
const TICK: Duration = Duration::from_millis(40);
/// How long a program may take to be dead once it was to be killed.
const KILL_WITHIN: Duration = Duration::from_secs(10);

/// What to start, and how much of it is heard.
#[derive(Clone, Debug)]
pub(in crate::sandbox) struct Program {
    pub(in crate::sandbox) cwd: String,
    pub(in crate::sandbox) command: Vec<String>,
    /// All of it.
    pub(in crate::sandbox) env: BTreeMap<String, String>,
    pub(in crate::sandbox) stdin: Vec<u8>,
    /// Whether everything else in the container ends with it, or when it is killed.
    pub(in crate::sandbox) is_alone: bool,
    pub(in crate::sandbox) wall: Duration,
    /// Bytes kept of each stream; it is killed when it writes more.
    pub(in crate::sandbox) stream_bytes: u64,
}

/// Why a program was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum Why {
    Timeout,
    Output,
    Interrupted,
}

/// How a program ended.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Ran {
    pub(in crate::sandbox) kill: Option<Why>,
    /// Its wait status, where anybody lived to tell.
    pub(in crate::sandbox) status: Option<i32>,
    /// The step that failed and the error number, where it could not be started.
    pub(in crate::sandbox) not_started: Option<(String, i32)>,
    pub(in crate::sandbox) stdout: Stream,
    pub(in crate::sandbox) stderr: Stream,
    pub(in crate::sandbox) wall: Duration,
    /// Processor time of the program and of those that it waited for.
    pub(in crate::sandbox) cpu: Option<Duration>,
    /// Whether the agent was gone before it could tell.
    pub(in crate::sandbox) is_lost: bool,
}

impl Agent {
    /// Runs a program to its end. `tell` gets what it writes as it comes, as far as it is kept; `look` is called every now and
    /// then.
    pub(in crate::sandbox) fn exec(
        &self,
        program: &Program,
        stop: &Stop,
        tell: &mut dyn FnMut(Source, &[u8]),
        look: &mut dyn FnMut(),
    ) -> Result<Ran, AgentError> {
        let heard = self.begin(b'P', &encoded(program)?)?;
        let line = &heard.line;
        std::thread::scope(|scope| {
            if !program.stdin.is_empty() {
                scope.spawn(|| feed(line, &program.stdin));
            }
            let kill = || {
                line.close();
                // Meanwhile what it writes must be taken, so that the agent comes to hear it.
                scope.spawn(|| self.send(b'K', if program.is_alone { 0 } else { line.number }, b""));
            };
            let ran = watch(&heard, program, stop, tell, look, kill);
            // What was not read by then is not read any more.
            line.close();
            ran
        })
    }
}

fn feed(line: &Line<'_>, stdin: &[u8]) {
    // A program that does not read its input is no error; and who is gone is noticed by whoever hears it.
    if line.pass(b'I', stdin).is_ok_and(|all| all) {
        let _ = line.send(b'I', b"");
    }
}

fn watch(
    heard: &Heard<'_>,
    program: &Program,
    stop: &Stop,
    tell: &mut dyn FnMut(Source, &[u8]),
    look: &mut dyn FnMut(),
    kill: impl Fn(),
) -> Result<Ran, AgentError> {
    let mut ran = Ran::default();
    let began = Instant::now();
    let mut killed = None;
    let mut looked = began;
    loop {
        let now = Instant::now();
        let deadline = killed.map_or(began + program.wall, |at: Instant| at + KILL_WITHIN);
        if killed.is_none() {
            let mut why = (now >= deadline).then_some(Why::Timeout);
            if ran.is_over(program.stream_bytes) {
                why = Some(Why::Output);
            } else if why.is_none() && now >= looked + TICK {
                looked = now;
                look();
                why = stop.is_raised().then_some(Why::Interrupted);
            }
            if why.is_some() {
                ran.kill = why;
                ran.wall = began.elapsed();
                killed = Some(now);
                kill();
                continue;
            }
        } else if now >= deadline {
            ran.is_lost = true;
            return Ok(ran);
        }
        match heard.try_next(TICK.min(deadline.saturating_duration_since(now))) {
            Ok(Some(frame)) if frame.kind == b'S' => return ran.ended(&frame).map(|()| ran),
            // What was still under way when too much was seen tells nothing more.
            Ok(Some(_)) if ran.kill == Some(Why::Output) => {}
            Ok(Some(frame)) => ran.take(&frame, program.stream_bytes, tell)?,
            Ok(None) => {}
            Err(AgentError::Lost) => {
                ran.is_lost = true;
                ran.wall = began.elapsed();
                return Ok(ran);
            }
            Err(error) => return Err(error),
        }
    }
}

impl Ran {
    fn is_over(&self, bytes_max: u64) -> bool {
        self.stdout.bytes_seen > bytes_max || self.stderr.bytes_seen > bytes_max
    }

    fn take(&mut self, frame: &Frame, bytes_max: u64, tell: &mut dyn FnMut(Source, &[u8])) -> Result<(), AgentError> {
        let (source, stream) = match frame.kind {
            b'O' => (Source::Stdout, &mut self.stdout),
            b'E' => (Source::Stderr, &mut self.stderr),
            _ => return Err(AgentError::Form("no output of a program")),
        };
        let room = bytes_max.saturating_sub(stream.bytes.len() as u64);
        let kept = &frame.data[..usize::try_from(room).unwrap_or(usize::MAX).min(frame.data.len())];
        stream.bytes.extend_from_slice(kept);
        stream.bytes_seen += frame.data.len() as u64;
        if !kept.is_empty() {
            tell(source, kept);
        }
        Ok(())
    }

    fn ended(&mut self, frame: &Frame) -> Result<(), AgentError> {
        let text = String::from_utf8_lossy(&frame.data);
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        if let Some(failure) = field("failed") {
            let mut words = failure.split(' ');
            let (step, errno) = (words.next().unwrap_or_default(), words.next().and_then(|word| word.parse().ok()));
            self.not_started = Some((step.to_owned(), errno.unwrap_or_default()));
            return Ok(());
        }
        let number = |name: &str| field(name)?.parse::<u64>().ok().map(Duration::from_nanos);
        let status = field("ended").and_then(|word| word.parse().ok());
        let (Some(status), Some(wall)) = (status, number("wall_ns")) else {
            return Err(AgentError::Form("no end of a program"));
        };
        self.status = Some(status);
        if self.kill.is_none() {
            self.wall = wall;
        }
        self.cpu = number("cpu_ns");
        Ok(())
    }
}

/// The program as `agent.py` reads it: fields that each end with a zero byte.
fn encoded(program: &Program) -> Result<Vec<u8>, AgentError> {
    let flags = format!(
        "{}{}",
        if program.is_alone { "alone " } else { "" },
        if program.stdin.is_empty() { "" } else { "input" }
    );
    let head = [flags, program.cwd.clone(), program.command.len().to_string()];
    let env = program.env.iter().map(|(name, value)| format!("{name}={value}"));
    let fields: Vec<String> = head.into_iter().chain(program.command.iter().cloned()).chain(env).collect();
    let is_odd = program.command.is_empty()
        || program.env.keys().any(|name| name.is_empty() || name.contains('='))
        || fields.iter().any(|field| field.contains('\0'));
    if is_odd {
        let said = "there is no command, or an argument or variable holds a zero byte or no name";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, said).into());
    }
    Ok(fields.into_iter().flat_map(|field| [field.into_bytes(), vec![0]].concat()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Result<Ran, AgentError> {
        let mut ran = Ran::default();
        ran.ended(&Frame { kind: b'S', number: 1, data: text.as_bytes().to_vec() }).map(|()| ran)
    }

    #[test]
    fn ends_are_read() {
        let ran = told("ended 9\nwall_ns 5\ncpu_ns 3").unwrap();
        assert_eq!((ran.status, ran.wall, ran.cpu), (Some(9), Duration::from_nanos(5), Some(Duration::from_nanos(3))));
        assert_eq!(told("failed exec 2").unwrap().not_started, Some(("exec".to_owned(), 2)));
        for odd in ["", "ended 9", "ended x\nwall_ns 1", "wall_ns 1"] {
            assert!(told(odd).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn no_more_is_kept_than_may_be() {
        let mut ran = Ran::default();
        let mut heard = Vec::new();
        for data in [&b"abc"[..], b"def", b"ghi"] {
            let frame = Frame { kind: b'O', number: 1, data: data.to_vec() };
            ran.take(&frame, 4, &mut |_, bytes| heard.extend_from_slice(bytes)).unwrap();
        }
        assert_eq!((ran.stdout.bytes.as_slice(), ran.stdout.bytes_seen), (&b"abcd"[..], 9));
        assert_eq!(heard, b"abcd");
        assert!(ran.is_over(8) && !ran.is_over(9));
    }
}
