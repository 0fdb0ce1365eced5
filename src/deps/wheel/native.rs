//! Which files of a wheel are native code: it cannot be scanned, and is imported only by the interpreter that it is for.

use super::archive::Inflater;
use super::elf::{self, Native};
use super::fault::{Faults, shown};
use super::layout::Placed;
use crate::finding::Severity;

/// What an interpreter takes for an extension module of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterpreterAbi {
    /// The middle of its extension modules' names: `cpython-311-x86_64-linux-gnu`.
    pub soabi: String,
    /// Its machine, as Linux has it: `x86_64`, `aarch64`, …
    pub machine: String,
}

/// Adds notes about native code; whether there is any.
pub(super) fn check(
    placed: &[Placed<'_>],
    interpreter: Option<&InterpreterAbi>,
    inflater: &mut Inflater,
    faults: &mut Faults,
) -> bool {
    let (mut own, mut foreign) = (Count::default(), Count::default());
    for file in placed {
        let kind = elf::native(inflater.prefix(&file.entry, elf::PREFIX_BYTES));
        match kind {
            None => continue,
            Some(Native::Elf(_)) => own.add(&file.target),
            Some(Native::Pe | Native::MachO) => foreign.add(&file.target),
        }
        if let (Some(Native::Elf(machine)), Some(interpreter)) = (kind, interpreter) {
            fits(&file.target, machine, interpreter, faults);
        }
    }
    own.note("package-native-code", "native code, which is not scanned", faults);
    foreign.note("package-native-foreign", "native code of another system", faults);
    own.files + foreign.files > 0
}

/// How many files there are of a kind, and the first of them.
#[derive(Default)]
struct Count {
    files: u64,
    first: String,
}

impl Count {
    fn add(&mut self, target: &str) {
        if self.files == 0 {
            self.first = shown(target);
        }
        self.files += 1;
    }

    fn note(&self, rule: &'static str, what: &str, faults: &mut Faults) {
        let first = &self.first;
        match self.files {
            0 => {}
            1 => faults.add(rule, Severity::Info, format_args!("`{first}` is {what}")),
            files => faults.add(rule, Severity::Info, format_args!("{files} files are {what}; the first is `{first}`")),
        }
    }
}

/// Whether the interpreter can import an extension module, or load a library.
fn fits(target: &str, machine: u16, interpreter: &InterpreterAbi, faults: &mut Faults) {
    let quoted = shown(target);
    if elf::machine_name(machine).is_some_and(|name| name != interpreter.machine) {
        let (name, wanted) = (elf::machine_name(machine).unwrap_or_default(), &interpreter.machine);
        let message = format_args!("`{quoted}` is for {name}, and the interpreter is for {wanted}");
        faults.add("package-native-wrong-machine", Severity::Low, message);
        return;
    }
    let file = target.rsplit('/').next().unwrap_or(target);
    let tag = file.strip_suffix(".so").and_then(|stem| stem.split_once('.')).map(|(_, tag)| tag);
    let is_others = |tag: &str| {
        let is_tag = ["cpython-", "pypy", "graalpy"].iter().any(|kind| tag.starts_with(kind));
        is_tag && tag != interpreter.soabi
    };
    if let Some(tag) = tag.filter(|tag| is_others(tag)) {
        let (tag, wanted) = (shown(tag), &interpreter.soabi);
        let message = format_args!("`{quoted}` is for {tag}, and the interpreter is {wanted}");
        faults.add("package-native-wrong-abi", Severity::Low, message);
    }
}
