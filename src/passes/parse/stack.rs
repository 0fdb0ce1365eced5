//! Threads with room to recurse.
//!
//! The strict parsers, their visitors and the drop of their trees recurse with the nesting of the source, and a stack
//! that overflows ends the process. So all parsing is done on threads whose stacks are far larger than usual (virtual
//! memory only: pages that are never touched are never paid for), and a file whose [`weight`] says that it could need more
//! than that is refused before any parser sees it.
//!
//! There is no pool of threads, so that an artifact that takes its time never holds up another. Who already is on such a
//! thread ([`start`]) stays on it, and has others help where there is enough to do: to start threads that would have
//! nothing to do is dearer than to parse a small file.

use std::cell::Cell;
use std::io;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder, JoinHandle};

use memchr::memchr_iter;

/// The stack of each parsing thread, in bytes.
pub(super) const STACK_BYTES: usize = 1 << 30;

/// Where 1 GiB of address space cannot be had.
const SMALL_STACK_BYTES: usize = 1 << 28;

/// The part of the stack that parsing may use by the estimate of [`weight`]; the rest is for what is not estimated.
const USABLE_PERCENT: usize = 90;

/// Bytes of source that are worth the start of one more thread, which takes as long as to vet some of them.
const BYTES_PER_THREAD: u64 = 32 << 10;

/// Threads that work on one artifact.
const THREADS_MAX: u64 = 64;

thread_local! {
    /// The stack of this thread, in bytes, where it was started to parse; 0 where no thread could be started for that.
    static STACK: Cell<Option<usize>> = const { Cell::new(None) };
}

/// A thread with so large a stack, which is yet to be started.
fn builder(stack: usize) -> Builder {
    Builder::new().name("parse".to_owned()).stack_size(stack)
}

/// Runs `job` on this thread, which has so large a stack.
fn on_stack<T>(stack: usize, job: impl FnOnce() -> T) -> T {
    STACK.set(Some(stack));
    job()
}

/// Starts `job` on a thread with room to recurse.
///
/// # Errors
/// What the system said, where it gives no thread with a large stack.
pub(crate) fn start(job: impl FnOnce() + Send + Clone + 'static) -> io::Result<JoinHandle<()>> {
    let with_stack = |stack, job| builder(stack).spawn(move || on_stack(stack, job));
    with_stack(STACK_BYTES, job.clone()).or_else(|_| with_stack(SMALL_STACK_BYTES, job))
}

/// Runs `job` where recursion over what is parsed has room: on this thread where it has, else on one of its own. On the
/// caller's own stack only where the system gives no other, and then no file is parsed.
pub(crate) fn with_room<T: Send>(job: impl FnOnce() -> T + Send) -> T {
    if STACK.get().is_some() {
        return job();
    }
    // Where a thread cannot be started, what it was to do is lost with it; so the job is lent.
    let mut job = Some(job);
    for stack in [STACK_BYTES, SMALL_STACK_BYTES] {
        let run = || on_stack(stack, job.take().expect("each thread that starts is the last"));
        let done = thread::scope(|scope| builder(stack).spawn_scoped(scope, run).map(thread::ScopedJoinHandle::join));
        match done {
            Ok(Ok(value)) => return value,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_no_thread) => {}
        }
    }
    let value = on_stack(0, job.take().expect("no thread has started"));
    STACK.set(None);
    value
}

/// Calls `job` for every one of `items`, which stand for so many bytes of source: on this thread, and on others with as much
/// room where there is enough to do for them. What it gives comes in no order.
pub(crate) fn each<T: Sync, R: Send>(items: &[T], bytes: u64, job: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let share = || {
        let own = std::iter::from_fn(|| items.get(next.fetch_add(1, Ordering::Relaxed)));
        own.map(&job).collect::<Vec<R>>()
    };
    let helpers = helpers(items.len(), bytes);
    if helpers == 0 {
        return share();
    }
    let stack = STACK.get();
    let help = || match stack {
        Some(stack) => on_stack(stack, share),
        None => share(),
    };
    thread::scope(|scope| {
        let start = |_| builder(stack.unwrap_or(SMALL_STACK_BYTES)).spawn_scoped(scope, help).ok();
        let started: Vec<_> = (0..helpers).map_while(start).collect();
        let mut all = share();
        for thread in started {
            all.extend(thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        all
    })
}

/// How many threads are worth starting beside this one.
fn helpers(items: usize, bytes: u64) -> u64 {
    static PROCESSORS: OnceLock<u64> = OnceLock::new();
    let worth = (bytes / BYTES_PER_THREAD).min(THREADS_MAX).min(items as u64);
    if worth < 2 {
        return 0;
    }
    let processors = PROCESSORS.get_or_init(|| thread::available_parallelism().map_or(1, NonZero::get) as u64);
    worth.min(*processors) - 1
}

/// Whether this thread has the stack that a recursive parser may need for `source`. Bounds that take less work come
/// first.
pub(super) fn fits(source: &str) -> bool {
    fits_all(source) || fits_by_brackets(source) || has_room_for(weight(source.as_bytes()))
}

/// Whether they have it if every byte of `source` that is no opening bracket is an operator.
fn fits_by_brackets(source: &str) -> bool {
    has_room_for(source.len().saturating_mul(OPERATOR))
        && has_room_for(source.len() * OPERATOR + brackets(source.as_bytes()) * (BRACKET - OPERATOR))
}

/// The opening brackets of a text that [`weight`] counts.
fn brackets(source: &[u8]) -> usize {
    count_each(source, b"([{<")
}

/// How often any of a few bytes stands in a text. To count one after the other is quicker than all at once.
pub(super) fn count_each(source: &[u8], meant: &[u8]) -> usize {
    meant.iter().map(|&byte| memchr_iter(byte, source).count()).sum()
}

/// Whether they have it if every byte of `source` is an opening bracket; so it is with a small file.
pub(super) fn fits_all(source: &str) -> bool {
    has_room_for(source.len().saturating_mul(BRACKET))
}

/// Whether this thread has room for so much as [`weight`] measures it.
pub(super) fn has_room_for(weight: usize) -> bool {
    weight <= room()
}

/// How much room this thread has, in bytes: none where it is no parsing thread.
pub(super) fn room() -> usize {
    // Tests of single functions call them from where they are.
    let untold = if cfg!(test) { STACK_BYTES } else { 0 };
    STACK.get().unwrap_or(untold) / 100 * USABLE_PERCENT
}

/// What an opening bracket weighs, a mark of an operator that goes on to its right, the start of a word, and any other mark.
pub(super) const BRACKET: usize = 2560;
pub(super) const OPERATOR: usize = 768;
pub(super) const WORD: usize = 640;
pub(super) const MARK: usize = 320;

/// How many bytes of a text are of a kind; summed up in single bytes, many are looked at together.
#[inline]
fn count(source: &[u8], is_meant: impl Fn(u8) -> bool) -> usize {
    let of = |chunk: &[u8]| usize::from(chunk.iter().map(|byte| u8::from(is_meant(*byte))).sum::<u8>());
    source.chunks(usize::from(u8::MAX)).map(of).sum()
}

/// How many neighbours in a text are of a kind, counted in the same way.
#[inline]
fn count_pairs(source: &[u8], is_meant: impl Fn(u8, u8) -> bool) -> usize {
    let (before, behind) = (source, source.get(1..).unwrap_or_default());
    let each = usize::from(u8::MAX);
    let of = |(before, behind): (&[u8], &[u8])| {
        usize::from(before.iter().zip(behind).map(|(&before, &byte)| u8::from(is_meant(before, byte))).sum::<u8>())
    };
    before.chunks(each).zip(behind.chunks(each)).map(of).sum()
}

/// An upper bound of the stack, in bytes, that a recursive parser and the visitors after it need for `source`.
///
/// Every level of recursion costs at least one byte of source, and which byte says how much: an opening bracket is the
/// dearest, an operator or the start of a word next. The bound does not look at strings or comments, so that nothing in
/// the source can mislead it. The figures are about twice what was measured in an unoptimised build (bytes a level:
/// brackets up to 1,300, type arguments 1,400, `for (;;)` 600, `x =>` 470, `new` 300, operators 70–380).
pub(super) fn weight(source: &[u8]) -> usize {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() | matches!(byte, b'_' | b'$') | (byte >= 0x80);
    let begins = |before: u8, byte: u8| is_word(byte) & !byte.is_ascii_digit() & !is_word(before);
    let first = source.first().is_some_and(|&byte| begins(b' ', byte));
    let words = usize::from(first) + count_pairs(source, begins);
    let operators = count_each(source, b"=?:`");
    let marks = count(source, |byte| {
        matches!(byte, b'!' | b'#' | b'%' | b'&' | b'*' | b'+' | b'-' | b'.' | b'/' | b'@' | b'\\' | b'^' | b'|' | b'~')
    });
    brackets(source) * BRACKET + operators * OPERATOR + words * WORD + marks * MARK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_weighs_what_it_can_begin() {
        let of = |source: &str| weight(source.as_bytes());
        assert_eq!(of("a = b ? [c, {d: `e`}] : f(g) <= 1"), 4 * BRACKET + 7 * OPERATOR + 7 * WORD);
        assert_eq!(of("x1 1x é _y $ !~ ;"), 4 * WORD + 2 * MARK);
        assert_eq!(of(&"a ".repeat(1000)), 1000 * WORD);
        assert_eq!(of(&"a".repeat(1000)), WORD);
    }

    #[test]
    fn weight_grows_with_what_can_nest() {
        assert_eq!(weight(b""), 0);
        assert_eq!(weight(b"((("), 3 * BRACKET);
        assert!(weight(b"\"aaaa\"") < weight(b"a.a.a."));
    }

    #[test]
    fn what_fits_by_its_brackets_fits() {
        let most = room() / OPERATOR;
        for (source, expected) in [("a".repeat(most), true), ("(".repeat(most), false), ("a".repeat(most + 1), false)] {
            assert_eq!(fits_by_brackets(&source), expected);
        }
        assert!(fits(&"a ".repeat(most)), "what it does not know is looked at");
    }

    fn depth(n: u32) -> u32 {
        let frame = std::hint::black_box([n; 256]);
        if n == 0 { 0 } else { depth(frame[0] - 1) + 1 }
    }

    #[test]
    fn jobs_have_a_deep_stack_and_so_have_those_who_help_them() {
        assert_eq!(with_room(|| depth(50_000)), 50_000);
        let items = [50_000; 16];
        for bytes in [0, u64::MAX] {
            assert_eq!(with_room(|| each(&items, bytes, |&item| depth(item))), items);
        }
        let (tell, told) = std::sync::mpsc::channel();
        let thread = start(move || tell.send(with_room(|| depth(50_000))).expect("somebody listens"));
        assert_eq!(told.recv(), Ok(50_000));
        thread.expect("it has started").join().expect("it has ended");
    }

    #[test]
    fn every_item_is_given_to_one_thread() {
        let items: Vec<u32> = (0..1000).collect();
        let mut seen = each(&items, u64::MAX, |&item| item);
        seen.sort_unstable();
        assert_eq!(seen, items);
    }

    #[test]
    fn a_panic_of_a_helper_is_one_of_the_caller() {
        let items = [0, 1, 2, 3];
        let caught = std::panic::catch_unwind(|| each(&items, u64::MAX, |&item| assert!(item < 3, "item {item}")));
        let message = caught.expect_err("it panics");
        assert_eq!(message.downcast_ref::<String>().map(String::as_str), Some("item 3"));
    }
}
