//! What the engines themselves need for the same files, each in one process of its own, its start excepted.

use std::process::Command;

use super::corpus::Corpus;

/// Prints the speed of `compile(…)` of the local `python3`.
pub(crate) fn python(corpus: &Corpus) {
    const PROGRAM: &str = "
import os, sys, time, warnings
warnings.simplefilter('ignore')
folder, names = sys.argv[1], sys.stdin.read().split('\\n')
sources = [open(os.path.join(folder, name), 'rb').read() for name in names]
def run(judge):
    start, size = time.perf_counter(), 0
    for source in sources:
        try:
            judge(source)
        except Exception:
            pass
        size += len(source)
    return size / 1e6 / (time.perf_counter() - start)
import ast
print('%.1f MB/s compiled, %.1f MB/s parsed by Python %s' % (
    run(lambda source: compile(source, '-', 'exec', dont_inherit=True)),
    run(lambda source: compile(source, '-', 'exec', ast.PyCF_ONLY_AST, dont_inherit=True)),
    sys.version.split()[0]))
";
    said("python3", &["-I", "-c", PROGRAM], corpus);
}

/// Prints the speed of `vm.Script` of the local `node`, which parses functions lazily.
pub(crate) fn node(corpus: &Corpus) {
    const PROGRAM: &str = "
const fs = require('fs'), path = require('path'), vm = require('vm');
const folder = process.argv[1], names = fs.readFileSync(0, 'utf8').split('\\n');
const sources = names.map(name => fs.readFileSync(path.join(folder, name), 'utf8'));
let size = 0, refused = 0;
const start = process.hrtime.bigint();
for (const source of sources) {
  try { new vm.Script('(function(){' + source + '\\n})') } catch { refused++ }
  size += source.length;
}
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
console.log((size / 1e6 / seconds).toFixed(1) + ' MB/s by vm.Script of Node ' + process.version +
  ', which reads functions lazily and refused ' + refused + ' modules at their first import');
";
    said("node", &["-e", PROGRAM], corpus);
}

fn said(program: &str, arguments: &[&str], corpus: &Corpus) {
    let names: Vec<&str> = corpus.sources().map(|source| source.path.as_str()).collect();
    let scratch = std::env::temp_dir().join(format!("vetrun-bench-{}", std::process::id()));
    let written = std::fs::write(&scratch, names.join("\n"));
    let list = written.and_then(|()| std::fs::File::open(&scratch));
    let output = list.and_then(|list| Command::new(program).args(arguments).arg(&corpus.folder).stdin(list).output());
    // A scratch file that stays behind does no harm.
    drop(std::fs::remove_file(&scratch));
    match output {
        Ok(output) if output.status.success() => print!("peer: {}", String::from_utf8_lossy(&output.stdout)),
        _ => println!("peer: {program} is not there, or failed"),
    }
}
