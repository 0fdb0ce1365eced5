// Judges cases with the V8 of the Node that runs this.
//
// The frames are those of oracle.py. What is wanted: `s` script, `m` module, `c` CommonJS, `n` what Node makes of a
// `.js` file that no package.json speaks of: CommonJS, and a module where Node would try that next; what is valid as which,
// is told. A capital letter
// wants the same from V8 alone: Node 20 to 24 abort on some faults while they look for the place. `x` wants the sources
// of Node's own library.
'use strict';

const fs = require('fs');
const inspector = require('inspector');
const path = require('path');
const vm = require('vm');

const VALID = 0;
const REFUSED = 1;
const LIMIT = 2;
const FAULT = 3;
const WRAPPER = ['exports', 'require', 'module', '__filename', '__dirname'];

// Node's own decision and V8's own place of a fault, where this Node lets a program see them.
const internals = (() => {
  try {
    return require('internal/test/binding').internalBinding;
  } catch {
    return () => ({});
  }
})();
const { shouldRetryAsESM } = internals('contextify');
const arrow = (internals('util').privateSymbols || {}).arrow_message_private_symbol;

function read(length) {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const count = fs.readSync(0, bytes, filled, length - filled, null);
    if (count === 0) return null;
    filled += count;
  }
  return bytes;
}

function answer(kind, line = 0, column = 0, text = '') {
  const body = Buffer.from(text);
  const head = Buffer.alloc(13);
  head.writeUInt8(kind, 0);
  head.writeUInt32LE(line, 1);
  head.writeUInt32LE(column, 5);
  head.writeUInt32LE(body.length, 9);
  const frame = Buffer.concat([head, body]);
  for (let written = 0; written < frame.length;) written += fs.writeSync(1, frame, written);
}

// Line and column, counted from 1 in code points, from the text that Node prints above a stack.
function place(error) {
  const shown = (arrow && error[arrow]) || String(error.stack);
  const found = /^case\.js:(\d+)\r?\n([\s\S]*?)\n([ \t]*)\^/.exec(shown);
  if (!found) return [0, 0];
  return [Number(found[1]), [...found[2].slice(0, found[3].length)].length + 1];
}

// V8's inspector judges without Node in between, and has a place for every fault of a script.
let session = null;

function inspected(expression) {
  if (session === null) {
    session = new inspector.Session();
    session.connect();
    session.post('Runtime.enable');
  }
  let verdict = [FAULT, 0, 0, 'the inspector did not answer'];
  session.post('Runtime.compileScript', { expression, sourceURL: 'case.js', persistScript: false }, (error, result) => {
    if (error) return;
    const details = result.exceptionDetails;
    if (!details) return void (verdict = [VALID]);
    const said = String(details.exception.description || details.text).split('\n')[0].replace(/^SyntaxError: /, '');
    const line = expression.split(/\r\n|[\n\r\u2028\u2029]/)[details.lineNumber] || '';
    const before = [...line.slice(0, details.columnNumber)].length;
    verdict = [REFUSED, details.lineNumber + 1, before + 1, said];
  });
  session.post('Runtime.discardConsoleEntries');
  return verdict;
}

const HEAD = `(function (${WRAPPER}) {`;

function inspectedBody(source, head = HEAD) {
  const [kind, line, column, said] = inspected(`${head}${source.replace(/^#!/, '//')}\n})`);
  return kind === REFUSED ? [kind, line, line === 1 ? column - head.length : column, said] : [kind, line, column, said];
}

// What is refused in the strict body of an async function is refused in a module, but for what modules alone may hold.
function inspectedModule(source) {
  const verdict = inspectedBody(source, "(async function () {'use strict';");
  if (verdict[0] === REFUSED && !/import|export/.test(verdict[3])) return verdict;
  return [FAULT, 0, 0, 'only a module can tell'];
}

// The verdict of `compile`; where V8 told no place, the first of `others` that says the same of it tells one.
function attempt(compile, source, others) {
  try {
    compile();
    return [VALID];
  } catch (error) {
    if (error instanceof RangeError && /stack|string length/i.test(error.message)) {
      return [LIMIT, 0, 0, error.message];
    }
    if (!(error instanceof SyntaxError)) return [FAULT, 0, 0, String(error)];
    const found = place(error);
    if (found[0] > 0) return [REFUSED, ...found, error.message];
    const alike = others.map((other) => other(source)).find((verdict) => verdict[3] === error.message);
    return alike || [REFUSED, 0, 0, error.message];
  }
}

const script = (source) =>
  attempt(() => new vm.Script(source, { filename: 'case.js' }), source, [inspected]);
const module_ = (source) =>
  attempt(() => new vm.SourceTextModule(source, { identifier: 'case.js' }), source, [inspected]);
const commonJs = (source) =>
  attempt(() => vm.compileFunction(source, WRAPPER, { filename: 'case.js' }), source, [inspected, (text) => inspectedBody(text)]);

// A module that Node reads as one loses its byte order mark; one that it tries after CommonJS does not.
const file = (source) => module_(source.replace(/^\uFEFF/, ''));

// Whether Node tries a source as a module after CommonJS has refused it; Node 20 wants the refusal itself.
function retries(message, source) {
  if (!shouldRetryAsESM) return true;
  const isOld = Number(process.versions.node.split('.')[0]) < 22;
  return isOld ? shouldRetryAsESM(message, source, 'case.js') : shouldRetryAsESM(source, 'case.js');
}

function node(source) {
  const first = commonJs(source);
  if (first[0] === VALID) return [VALID, 0, 0, 'commonjs'];
  if (first[0] !== REFUSED) return first;
  if (!retries(first[3], source)) return first;
  const second = module_(source);
  if (second[0] === VALID) return [VALID, 0, 0, 'module'];
  // Where neither is valid and Node's own decision is out of reach, the first refusal stands.
  return shouldRetryAsESM ? second : first;
}

const JUDGES = {
  s: script, m: file, c: commonJs, n: node,
  S: inspected, M: inspectedModule, C: (source) => inspectedBody(source), N: inspectedModule,
  x: natives,
};

// The sources of Node's own library, each with its length in front, as oracle.py answers.
function natives() {
  const sources = Object.values(internals('builtins').natives || {}).map((source) => Buffer.from(source));
  const parts = sources.flatMap((source) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(source.length);
    return [length, source];
  });
  return [VALID, 0, 0, Buffer.concat(parts)];
}

function main() {
  const folder = path.join(path.dirname(process.execPath), '..', 'lib', 'node_modules');
  const folders = fs.existsSync(folder) ? [fs.realpathSync(folder)] : [];
  answer(VALID, 0, 0, JSON.stringify({ version: process.versions.node, folders }));
  for (;;) {
    const head = read(5);
    if (head === null) return;
    const body = read(head.readUInt32LE(1));
    if (body === null) return;
    answer(...JUDGES[String.fromCharCode(head[0])](body.toString('utf8')));
  }
}

main();
