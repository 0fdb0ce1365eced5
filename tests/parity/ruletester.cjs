// Prints the cases of test files that are written for ESLint's RuleTester, as JSON: node ruletester.cjs FILE…
//
// The test files are loaded with a RuleTester that only writes down what it is given. What they load besides and is not
// installed (parsers, helpers) is replaced by an object that answers everything with itself.
'use strict';
const Module = require('module');

const cases = [];
class RuleTester {
  run(rule, _, lists) {
    for (const kind of ['valid', 'invalid']) {
      for (const one of lists[kind] || []) {
        const { code, options, languageOptions = {}, errors = [] } = typeof one === 'string' ? { code: one } : one;
        cases.push({
          rule: rule.split(' ')[0],
          kind,
          code,
          options: JSON.stringify(options || []),
          parser: languageOptions.parser ? languageOptions.parser[NAME] || 'own' : '',
          flow: JSON.stringify(languageOptions).includes('flow'),
          lines: Array.isArray(errors) ? errors.map(error => error.line || 0) : [],
        });
      }
    }
  }
}

const NAME = Symbol('name');
const nothing = name =>
  new Proxy(function () {}, {
    get: (_, key) => (key === NAME ? name : key === Symbol.toPrimitive ? () => name : key === 'toJSON' ? undefined : nothing(name)),
    apply: () => nothing(name),
    construct: () => nothing(name),
  });

const load = Module._load;
Module._load = function (name, ...rest) {
  if (name === 'eslint') return { RuleTester };
  try {
    return load.call(this, name, ...rest);
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND' && error.code !== 'ERR_REQUIRE_ESM') throw error;
    return nothing(name);
  }
};

for (const file of process.argv.slice(2)) require(require('path').resolve(file));
process.stdout.write(JSON.stringify(cases));
