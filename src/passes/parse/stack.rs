//! Threads with room to recurse.
//!
//! The strict parsers, their visitors and the drop of their trees recurse with the nesting of the source, and a stack
//! that overflows ends the process. So all parsing is done on a pool of threads whose stacks are far larger than
//! usual (virtual memory only: pages that are never touched are never paid for), and a file whose [`weight`] says that
//! it could need more than that is refused before any parser sees it. One file alone gets a thread of its own: to start
//! those that would have nothing to do is dearer than to parse a small file.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use memchr::memchr_iter;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The stack of each parsing thread, in bytes.
pub(super) const STACK_BYTES: usize = 1 << 30;

/// Where 1 GiB of address space cannot be had.
const SMALL_STACK_BYTES: usize = 1 << 28;

/// The part of the stack that parsing may use by the estimate of [`weight`]; the rest is for what is not estimated.
const USABLE_PERCENT: usize = 90;

/// The stack that every parsing thread has, in bytes.
static STACK: AtomicUsize = AtomicUsize::new(STACK_BYTES);

/// Starts parsing threads, as many as there are processors where `threads` is zero; `None` where the system gives none with
/// a large stack.
fn start(threads: usize) -> Option<ThreadPool> {
    let with_stack = |bytes: usize| {
        STACK.fetch_min(bytes, Ordering::Relaxed);
        let builder = ThreadPoolBuilder::new().num_threads(threads).stack_size(bytes);
        builder.thread_name(|at| format!("parse-{at}")).build().ok()
    };
    let pool = with_stack(STACK_BYTES).or_else(|| with_stack(SMALL_STACK_BYTES));
    if pool.is_none() {
        STACK.store(0, Ordering::Relaxed);
    }
    pool
}

/// Runs `job` on so many files where recursion over what was parsed has the room that parsing had; on the caller's own
/// stack only where the system gives no other, and then no file was parsed.
pub(crate) fn with_room<T: Send>(files: usize, job: impl FnOnce() -> T + Send) -> T {
    static ALONE: OnceLock<Option<ThreadPool>> = OnceLock::new();
    static ALL: OnceLock<Option<ThreadPool>> = OnceLock::new();
    static USE_OF_ALONE: Mutex<()> = Mutex::new(());
    // The thread for one file is no bottleneck of many artifacts of one file: who finds it at work goes to the others.
    let turn = if files < 2 { USE_OF_ALONE.try_lock().ok() } else { None };
    let pool = if turn.is_some() { ALONE.get_or_init(|| start(1)) } else { ALL.get_or_init(|| start(0)) };
    match pool {
        Some(pool) => pool.install(job),
        None => job(),
    }
}

/// Whether the parsing threads have the stack that a recursive parser may need for `source`. Bounds that take less work come
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

/// Whether the parsing threads have room for so much as [`weight`] measures it.
pub(super) fn has_room_for(weight: usize) -> bool {
    weight <= room()
}

/// How much room the parsing threads have, in bytes.
pub(super) fn room() -> usize {
    STACK.load(Ordering::Relaxed) / 100 * USABLE_PERCENT
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

    #[test]
    fn jobs_have_a_deep_stack_whether_they_are_alone_or_not() {
        fn depth(n: u32) -> u32 {
            let frame = std::hint::black_box([n; 256]);
            if n == 0 { 0 } else { depth(frame[0] - 1) + 1 }
        }
        for files in [1, 2] {
            assert_eq!(with_room(files, || depth(50_000)), 50_000);
        }
        // Jobs of one file that wait for each other: the second does not wait for the thread of the first.
        let barrier = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| with_room(1, || barrier.wait()));
            }
        });
    }
}
