//! Layers: text that the code runs is itself code.
//!
//! What `exec`, `eval`, `Function`, `vm`, a timer, `python -c` or `node -e` would run and what folds to a constant is
//! parsed like a file and scanned with the same rules, layer inside layer. What is found there stands at the place of the
//! outermost call, and shows the decoded text.

use std::collections::{HashSet, VecDeque};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use super::decoded::Told;
use super::limits;
use super::matcher::Hit;
use super::resolve::Resolver;
use super::runners::{self, Run};
use super::shell;
use super::trail::Trail;
use super::values::{PathId, Set, Value};
use crate::artifact::{Artifact, SourceFile, SourceText};
use crate::facts::{Argument, Dialect, ExprId, Kind};
use crate::passes::parse::{Target, parse};
use crate::policy::ParsePolicy;
use crate::rules::{Haystack, RuleSet};

/// What kind of text a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Tongue {
    Python,
    JavaScript,
    Html,
    /// A script for a shell.
    Shell,
}

impl Tongue {
    /// What the report calls it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::Html => "html",
            Self::Shell => "shell",
        }
    }

    /// A program that runs it.
    pub(super) const fn runner(self) -> &'static str {
        match self {
            Self::Python => "python3",
            Self::JavaScript => "node",
            Self::Html | Self::Shell => "sh",
        }
    }
}

/// Text that is run by the call at a place.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) tongue: Tongue,
    pub(super) text: Arc<str>,
    /// Layers around it.
    pub(super) depth: usize,
    /// It is written into a file of code there; else it is run.
    pub(super) written: bool,
    /// Of a script for a shell: others may run what it prints.
    pub(super) is_fed: bool,
    /// The code that it is hidden in, where that is plain from the command that runs it.
    pub(super) codec: Option<&'static str>,
    /// It is what stands at its place itself, with its variables put in.
    pub(super) is_restated: bool,
    /// What was decoded in the code around it.
    pub(super) trail: Option<Rc<Trail>>,
    /// The layer around it.
    pub(super) outer: Option<Rc<Told>>,
}

impl Layer {
    /// A layer that begins in a file; what is around it, and how it was decoded, is not told yet.
    pub(super) fn new(place: Range<usize>, (tongue, text): (Tongue, Arc<str>), depth: usize) -> Self {
        let Range { start, end } = place;
        let (written, is_fed, is_restated) = (false, false, false);
        Self { start, end, tongue, text, depth, written, is_fed, codec: None, is_restated, trail: None, outer: None }
    }

    /// Whether it is the same text at the same place.
    fn is_like(&self, other: &Self) -> bool {
        let of = |layer: &Self| (layer.start, layer.end, layer.tongue, layer.depth, layer.written);
        of(self) == of(other) && self.text == other.text
    }
}

/// A hit inside a layer, at the place of the outermost call.
pub(super) struct Inner {
    pub(super) hit: Hit,
    /// Where it was hit in the text of the layer.
    pub(super) inside: Range<usize>,
    /// The layer where it was hit.
    pub(super) told: Rc<Told>,
}

/// What was found in all layers of a file.
#[derive(Default)]
pub(super) struct Unwrapped {
    pub(super) hits: Vec<Inner>,
    /// The layers that begin in the file itself.
    pub(super) first: Vec<Rc<Told>>,
}

/// Which argument of a call is run, and as what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sink {
    /// The argument at a position, as code of the language that calls.
    Code(usize),
    /// The last argument: `Function`.
    Last,
    /// The first argument, which is a command or its words.
    Command,
    /// All arguments are the words of a command.
    Words,
    /// The first argument, as a page.
    Page,
    /// `data:` URLs of modules and workers.
    Url,
}

fn sink(name: &str, dialect: Dialect) -> Option<Sink> {
    match dialect {
        Dialect::Python => python_sink(name),
        Dialect::JavaScript => javascript_sink(name),
    }
}

fn python_sink(name: &str) -> Option<Sink> {
    Some(match name {
        "exec"
        | "eval"
        | "compile"
        | "timeit.timeit"
        | "timeit.repeat"
        | "timeit.Timer"
        | "cProfile.run"
        | "profile.run"
        | "pdb.run"
        | "pdb.runeval"
        | "bdb.Bdb.().run"
        | "code.compile_command"
        | "codeop.compile_command"
        | "trace.Trace.().run"
        | "doctest.debug_script" => Sink::Code(0),
        "_xxsubinterpreters.run_string" | "_interpreters.exec" | "_interpreters.run_string" => Sink::Code(1),
        "os.popen"
        | "os.system"
        | "commands.getoutput"
        | "commands.getstatusoutput"
        | "pty.spawn"
        | "asyncio.create_subprocess_shell"
        | "popen2.popen2"
        | "platform.popen" => Sink::Command,
        "asyncio.create_subprocess_exec" => Sink::Words,
        _ => {
            let (module, last) = name.rsplit_once('.')?;
            match last {
                "runcode" | "runsource" | "push" if module.starts_with("code.") => Sink::Code(0),
                "run_cell" | "ex" | "run_code" if module.contains("get_ipython") => Sink::Code(0),
                "system" | "getoutput" if module.contains("get_ipython") => Sink::Command,
                "exec" if module.starts_with("concurrent.interpreters") => Sink::Code(0),
                _ if module == "subprocess" => Sink::Command,
                _ if module == "os" && last.starts_with("exec") => Sink::Words,
                _ if module == "os" && last.starts_with("spawn") => Sink::Words,
                _ => return None,
            }
        }
    })
}

fn javascript_sink(name: &str) -> Option<Sink> {
    Some(match name {
        "eval"
        | "execScript"
        | "setTimeout"
        | "setInterval"
        | "setImmediate"
        | "vm.runInNewContext"
        | "vm.runInThisContext"
        | "vm.runInContext"
        | "vm.Script"
        | "vm.compileFunction"
        | "vm.SourceTextModule" => Sink::Code(0),
        "Function" => Sink::Last,
        "Worker" | "SharedWorker" | "worker_threads.Worker" | "import" => Sink::Url,
        "document.write" | "document.writeln" => Sink::Page,
        "child_process.exec" | "child_process.execSync" => Sink::Command,
        "child_process.spawn" | "child_process.spawnSync" | "child_process.execFile" | "child_process.execFileSync" => {
            Sink::Words
        }
        _ => {
            let (_, last) = name.rsplit_once('.')?;
            match last {
                "_compile" => Sink::Code(0),
                "executeJavaScript" | "executeScript" => Sink::Code(0),
                _ => return None,
            }
        }
    })
}

impl Resolver<'_> {
    /// The text that the calls of the region run, as far as it is known.
    pub(super) fn layers(&mut self, depth: usize) -> Vec<Layer> {
        let mut sinks: std::collections::HashMap<PathId, bool> = std::collections::HashMap::new();
        let mut layers = Vec::new();
        let matters = self.mattering();
        for at in (0..matters.len()).filter(|&at| matters[at].is_any()) {
            let expr = ExprId(u32::try_from(at).unwrap_or(u32::MAX));
            let Kind::Call { callee, arguments } = *self.facts.kind(expr) else { continue };
            if callee == crate::facts::OPAQUE || arguments.range().is_empty() && !self.may_hold_arguments(callee) {
                continue;
            }
            let callees = self.of(callee);
            let mut runs = false;
            for value in &callees.values {
                runs |= match value {
                    Value::Path(path) => *sinks.entry(*path).or_insert_with(|| self.may_run(*path)),
                    Value::Partial(_) | Value::Caller(_) | Value::Foreign(_) => true,
                    Value::Made(made) => matches!(self.facts.kind(*made), Kind::Class { .. }),
                    _ => false,
                };
            }
            if runs {
                self.layers_of(expr, callee, arguments, depth, &mut layers);
            }
        }
        self.layers_of_annotations(depth, &mut layers);
        if !layers.is_empty() && !self.trail.is_empty() {
            let trail = Rc::new(std::mem::take(&mut self.trail));
            layers.iter_mut().for_each(|layer| layer.trail = Some(trail.clone()));
        }
        layers
    }

    /// Annotations that are texts with a call in them, where the file has them evaluated: no type is a call.
    fn layers_of_annotations(&self, depth: usize, layers: &mut Vec<Layer>) {
        let evaluates = |text: &str| matches!(text, "get_type_hints" | "eval_str" | "get_annotations" | "_eval_type");
        if !self.facts.symbols.texts().any(evaluates) {
            return;
        }
        for &expr in &self.facts.shape.annotations {
            let Kind::Text(text) = self.facts.kind(expr) else { continue };
            if text.contains('(') && layers.len() < limits::LAYERS_MAX {
                let (start, end) = (self.facts.expr(expr).start as usize, self.facts.expr(expr).end as usize);
                layers.push(Layer::new(start..end, (Tongue::Python, text.clone()), depth));
            }
        }
    }

    /// Whether a call without arguments may have been given some before: `partial(exec, text)()`.
    fn may_hold_arguments(&self, callee: ExprId) -> bool {
        !matches!(self.facts.kind(callee), Kind::Attribute { .. })
    }

    /// Whether a path is a sink, or hands its arguments on to one.
    pub(super) fn may_run(&self, path: PathId) -> bool {
        let name = self.paths.name(path, &self.facts.symbols);
        let last = name.rsplit('.').next().unwrap_or_default();
        sink(name, self.facts.dialect).is_some() || matches!(last, "call" | "apply" | "construct")
    }

    fn layers_of(
        &mut self,
        expr: ExprId,
        callee: ExprId,
        arguments: crate::facts::Span,
        depth: usize,
        layers: &mut Vec<Layer>,
    ) {
        let (mut targets, _) = self.settled(|resolver| resolver.targets(callee, arguments));
        targets.extend(self.settled(|resolver| resolver.called_with_elements(callee, arguments)));
        let (start, end) = (self.facts.expr(expr).start as usize, self.facts.expr(expr).end as usize);
        for target in targets {
            let Value::Path(path) = target.value else { continue };
            let name = self.paths.name(path, &self.facts.symbols);
            let Some(sink) = sink(name, self.facts.dialect) else { continue };
            for Run { tongue, text, codec } in self.texts_run(sink, &target.arguments) {
                let layer = Layer { codec, ..Layer::new(start..end, (tongue, text), depth) };
                if !layers.iter().any(|other| other.is_like(&layer)) {
                    layers.push(layer);
                }
                if layers.len() >= limits::LAYERS_MAX {
                    self.limit = self.limit.or(Some("texts that are run"));
                    return;
                }
            }
        }
    }

    fn texts_run(&mut self, sink: Sink, arguments: &[Argument]) -> Vec<Run> {
        let own = match self.facts.dialect {
            Dialect::Python => Tongue::Python,
            Dialect::JavaScript => Tongue::JavaScript,
        };
        let code = |argument: Option<&Argument>| argument.map(|argument| argument.value);
        let (argument, tongue) = match sink {
            Sink::Code(at) => (code(arguments.get(at)), own),
            Sink::Last => (code(arguments.last()), own),
            Sink::Page => (code(arguments.first()), Tongue::Html),
            Sink::Command => return self.commands_run(arguments.first().into_iter().copied().collect()),
            Sink::Words => return self.commands_run(arguments.to_vec()),
            Sink::Url => {
                let texts = self.plain_texts(code(arguments.first()));
                let decoded = |text: Arc<str>| match runners::data_url(&text) {
                    Some((code, codec)) => Some(Run { codec, ..Run::plain(Tongue::JavaScript, code) }),
                    None => text.contains(['(', '=', ';']).then_some(Run::plain(Tongue::JavaScript, text)),
                };
                return texts.into_iter().filter_map(decoded).collect();
            }
        };
        self.plain_texts(argument).into_iter().map(|text| Run::plain(tongue, text)).collect()
    }

    /// The texts that an expression may be, those of bytes included.
    fn plain_texts(&mut self, expr: Option<ExprId>) -> Vec<Arc<str>> {
        let Some(expr) = expr else { return Vec::new() };
        let set = self.of(expr);
        set.values.iter().filter_map(text_of).filter(|text| text.len() > 2).collect()
    }

    /// Commands that start an interpreter with text, or a shell with a decoded one.
    fn commands_run(&mut self, arguments: Vec<Argument>) -> Vec<Run> {
        let mut found = Vec::new();
        let mut words: Vec<String> = Vec::new();
        for argument in arguments.iter().take(limits::WORDS_MAX) {
            let set = self.of(argument.value);
            let lists: Vec<Value> = self.settled(|resolver| resolver.partial_lists(&set));
            match lists.first() {
                Some(Value::List(items)) => words.extend(items.iter().map(shown)),
                Some(one) => words.push(shown(one)),
                None => words.push(self.program_name(&set).to_owned()),
            }
            if arguments.len() == 1 {
                for value in &lists {
                    if let Value::Text(text) = value {
                        let script = shell::script(text);
                        self.limit = self.limit.or(script.limit);
                        found.extend(script.code.into_iter().map(|(_, code)| code.run));
                        found.extend(script.restated.into_iter().map(|one| Run::plain(Tongue::Shell, one.text)));
                    }
                }
            }
        }
        if words.len() > 1 {
            found.extend(runners::run_by(&words));
        }
        found
    }

    /// `process.execPath`, which is the interpreter itself, by its name.
    fn program_name(&self, set: &Set) -> &str {
        let path = set.values.iter().find_map(|value| if let Value::Path(path) = value { Some(*path) } else { None });
        path.map_or("", |path| self.paths.name(path, &self.facts.symbols))
    }

    /// The constants in a set; of lists that are known in part, the parts that are known.
    fn partial_lists(&mut self, set: &Set) -> Vec<Value> {
        let mut found = Vec::new();
        for value in &set.values {
            if let Some(constant) = self.as_constant(value) {
                found.push(constant);
                continue;
            }
            let Value::Made(made) = value else { continue };
            let Kind::Sequence(items) = *self.facts.kind(*made) else { continue };
            let items: Vec<Value> = items
                .range()
                .take(limits::WORDS_MAX)
                .map(|at| {
                    let item = self.need(self.facts.lists[at]);
                    let known = item.values.iter().find(|value| value.is_constant() || matches!(value, Value::Path(_)));
                    known.map_or(Value::Undefined, |value| match value {
                        // `sys.executable` and `process.execPath` are the interpreter itself.
                        Value::Path(path) => Value::Text(self.paths.name(*path, &self.facts.symbols).clone()),
                        value => value.clone(),
                    })
                })
                .collect();
            found.push(Value::List(items.into()));
        }
        found
    }
}

fn text_of(value: &Value) -> Option<Arc<str>> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Bytes(bytes) => std::str::from_utf8(bytes).ok().map(Arc::from),
        _ => None,
    }
}

fn shown(value: &Value) -> String {
    text_of(value).map(|text| text.to_string()).unwrap_or_default()
}

/// What the rules find in the layers of a file, and in the layers of those. Limits that were reached are named.
pub(super) fn unwrap(first: Vec<Layer>, rules: &RuleSet, reached: &mut Vec<String>) -> Unwrapped {
    let mut queue: VecDeque<Layer> = first.into();
    let mut seen: HashSet<(usize, Tongue, Arc<str>)> = HashSet::new();
    let mut found = Unwrapped::default();
    let mut bytes = 0_usize;
    while let Some(layer) = queue.pop_front() {
        if !seen.insert((layer.start, layer.tongue, layer.text.clone())) {
            continue;
        }
        bytes = bytes.saturating_add(layer.text.len());
        let over = [
            (layer.depth >= limits::LAYER_DEPTH_MAX, "layers of code inside one another"),
            (layer.text.len() > limits::LAYER_BYTES_MAX, "bytes of one text that is run"),
            (bytes > limits::LAYER_TOTAL_BYTES_MAX, "bytes of all texts that are run"),
            (seen.len() > limits::LAYERS_MAX, "texts that are run"),
        ];
        if let Some((_, what)) = over.iter().find(|(over, _)| *over) {
            reached.push(format!("the limit of {what} was reached"));
            if seen.len() > limits::LAYERS_MAX || bytes > limits::LAYER_TOTAL_BYTES_MAX {
                break;
            }
            continue;
        }
        let (hits, inner, text) = scan_layer(&layer, rules, reached);
        let Range { start, end } = layer.start..layer.end;
        let told = Told::of(layer, text);
        for mut hit in hits {
            let inside = hit.start..hit.end;
            (hit.start, hit.end) = (start, end);
            found.hits.push(Inner { hit, inside, told: told.clone() });
        }
        queue.extend(inner.into_iter().map(|inner| Layer { start, end, outer: Some(told.clone()), ..inner }));
        if told.is_first() {
            found.first.push(told);
        }
    }
    reached.dedup();
    found
}

/// The hits in one layer, the layers in it, and its text as it was looked at.
fn scan_layer(layer: &Layer, rules: &RuleSet, reached: &mut Vec<String>) -> (Vec<Hit>, Vec<Layer>, SourceText) {
    let name = match layer.tongue {
        Tongue::Python => "layer.py",
        Tongue::JavaScript => "layer.js",
        Tongue::Html => "layer.html",
        Tongue::Shell => "layer.sh",
    };
    let code = dedented(&layer.text);
    let source = SourceFile::new(name, code.as_bytes().to_vec());
    let artifact = Artifact::new("layer", "layer", vec![source], Vec::new());
    let (parsed, refused) = parse(&artifact, &ParsePolicy::default(), &Target::default());
    for refusal in refused.iter().filter(|refusal| super::LIMITS_OF_PARSING.contains(&&*refusal.rule_id)) {
        reached.push(format!("{} in text that is run", refusal.message));
    }
    let (mut hits, mut layers, mut whole) = (Vec::new(), Vec::new(), None);
    for file in parsed.files {
        let Some(text) = &file.text else { continue };
        let haystack = Haystack::of(text.as_str());
        if layer.tongue == Tongue::Shell {
            let judged = shell::judge(text.as_str(), layer.is_fed, rules, layer.depth + 1);
            hits.extend(judged.hits);
            layers.extend(judged.layers);
            reached.extend(judged.limit);
        } else {
            hits.extend(super::text_hits(text, &haystack, rules));
        }
        for region in &file.regions {
            let found = super::scan_region(region, (text, &haystack), rules, None, layer.depth + 1);
            hits.extend(found.hits);
            layers.extend(found.layers);
            reached.extend(found.limit);
        }
        whole = file.text;
    }
    (hits, layers, whole.unwrap_or_else(|| SourceText::from_utf8(code)))
}

/// Text without the indentation that all of its lines have, which `textwrap.dedent` and `exec` of a function's body leave.
fn dedented(text: &str) -> String {
    let indent = text.len() - text.trim_start_matches([' ', '\t']).len();
    if indent == 0 {
        return text.to_owned();
    }
    text.lines()
        .map(|line| line.get(indent..).filter(|_| line[..indent].trim().is_empty()).unwrap_or(line.trim_start()))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The first line of a text that says something, clean and short enough to be shown.
pub(super) fn shown_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let plain = |char: char| if char.is_control() || char == '`' { ' ' } else { char };
    let mut shown: String = line.chars().map(plain).take(limits::SHOWN_CHARS_MAX).collect();
    if line.chars().nth(limits::SHOWN_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}
