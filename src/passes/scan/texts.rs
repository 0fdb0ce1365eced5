//! The texts that an expression may be, however they are put together: what is not known of them is one U+FFFD.

use std::sync::Arc;

use super::fold;
use super::limits;
use super::resolve::Resolver;
use super::values::Value;
use crate::facts::{Binary, ExprId, IdSet, Kind, OPAQUE};

/// What stands in a text for a part that is not known.
pub(super) const UNKNOWN_TEXT: &str = "\u{fffd}";

impl Resolver<'_> {
    /// The texts that an expression may be: constants, lists of words joined by spaces, and what is put together at run time.
    pub(super) fn all_texts(&mut self, expr: ExprId) -> Vec<String> {
        let set = self.of(expr);
        let dialect = self.facts.dialect;
        let mut texts = Vec::new();
        for value in set.values.iter().take(limits::COMMAND_TEXTS_MAX) {
            match value {
                Value::Built => texts.extend(self.built_texts(expr)),
                Value::Bytes(bytes) => texts.push(String::from_utf8_lossy(bytes).into_owned()),
                Value::List(items) => {
                    let word = |item: &Value| fold::display(item, dialect).unwrap_or_else(|| UNKNOWN_TEXT.to_owned());
                    texts.push(items.iter().map(word).collect::<Vec<_>>().join(" "));
                }
                Value::Made(made) => texts.extend(self.list_text(*made)),
                value => texts.extend(fold::display(value, dialect)),
            }
        }
        texts.retain(|text| text.chars().any(|char| char != '\u{fffd}' && char != ' '));
        texts
    }

    /// The words of a list that is written out in the file.
    fn list_text(&mut self, list: ExprId) -> Option<String> {
        let Kind::Sequence(items) = *self.facts.kind(list) else { return None };
        let items: Vec<ExprId> =
            self.facts.lists[items.range()].iter().copied().take(limits::COMMAND_PARTS_MAX).collect();
        Some(items.into_iter().map(|item| self.word_text(item)).collect::<Vec<_>>().join(" "))
    }

    fn word_text(&mut self, item: ExprId) -> String {
        let set = self.of(item);
        match set.values.first() {
            Some(Value::Built) => self.built_text(item),
            Some(value) => fold::display(value, self.facts.dialect).unwrap_or_else(|| UNKNOWN_TEXT.to_owned()),
            None => UNKNOWN_TEXT.to_owned(),
        }
    }

    /// A text that is put together at run time; of a variable that is set in several places, one for each of them.
    fn built_texts(&mut self, expr: ExprId) -> Vec<String> {
        let set = self.variable_of(expr).map(|variable| &self.facts.variable_table[variable.at()].values);
        let set: Vec<ExprId> = set.into_iter().flatten().copied().take(limits::COMMAND_TEXTS_MAX).collect();
        if set.len() < 2 {
            return vec![self.built_text(expr)];
        }
        let built: Vec<ExprId> =
            set.into_iter().filter(|&value| self.of(value).values.contains(&Value::Built)).collect();
        built.into_iter().map(|value| self.built_text(value)).collect()
    }

    /// What is known of a text that is put together at run time.
    fn built_text(&mut self, expr: ExprId) -> String {
        let mut text = String::new();
        let mut todo = vec![expr];
        let mut steps = 0;
        while let Some(part) = todo.pop() {
            steps += 1;
            if steps > limits::COMMAND_PARTS_MAX || text.len() > limits::FOLD_BYTES_MAX {
                text.push_str(UNKNOWN_TEXT);
                break;
            }
            let set = self.of(part);
            let known = set.values.first().filter(|value| value.is_constant());
            if let Some(known) = known.and_then(|value| fold::display(value, self.facts.dialect)) {
                text.push_str(&known);
                continue;
            }
            let parts = self.text_parts(part);
            if parts.is_empty() {
                text.push_str(UNKNOWN_TEXT);
            }
            todo.extend(parts.into_iter().rev());
        }
        text
    }

    fn text_parts(&self, expr: ExprId) -> Vec<ExprId> {
        match *self.facts.kind(expr) {
            Kind::Concat(parts) => self.facts.lists[parts.range()].to_vec(),
            // `"a %s" % b`: the template, and then what it is filled with.
            Kind::Binary(_, left, right) => vec![left, right],
            Kind::Name(_) => match self.variable_of(expr) {
                Some(variable) => self.facts.variable_table[variable.at()].values.iter().take(1).copied().collect(),
                None => Vec::new(),
            },
            // `"a {}".format(b)`, and `", ".join("?" for _ in xs)`, which is as good as one of its parts.
            Kind::Call { callee, arguments } => match *self.facts.kind(callee) {
                Kind::Attribute { object, name } => match self.facts.text(name) {
                    "format" => vec![object, OPAQUE],
                    "join" => self.facts.arguments[arguments.range()]
                        .first()
                        .and_then(|list| self.part_of_list(list.value))
                        .into_iter()
                        .collect(),
                    _ => Vec::new(),
                },
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// What stands in every place of a list that repeats it: `["?"] * n`, `"?" for _ in xs`.
    fn part_of_list(&self, list: ExprId) -> Option<ExprId> {
        match *self.facts.kind(list) {
            Kind::Comprehension { body, .. } => Some(body),
            Kind::Binary(Binary::Multiply, left, _) => self.part_of_list(left),
            Kind::Sequence(items) if items.range().len() == 1 => self.facts.lists.get(items.range().start).copied(),
            _ => None,
        }
    }

    /// Whether a text is put together of numbers and signs alone, and none of it comes from a source.
    pub(super) fn is_arithmetic(&mut self, expr: ExprId) -> bool {
        let (mut todo, mut seen) = (vec![expr], IdSet::default());
        let (mut numbers, mut joins) = (0, 0);
        while let Some(one) = todo.pop() {
            if !seen.insert(one) {
                continue;
            }
            if seen.len() > limits::KEY_STEPS_MAX {
                return false;
            }
            match self.facts.kind(one).clone() {
                Kind::Name(_) => match self.variable_of(one) {
                    Some(variable) if !self.is_parameter(variable) => {
                        todo.extend_from_slice(&self.facts.variable_table[variable.at()].values);
                    }
                    Some(_) => {}
                    None => return false,
                },
                Kind::Binary(Binary::Add, left, right) => {
                    joins += 1;
                    todo.extend([left, right]);
                }
                Kind::Concat(parts) => {
                    joins += 1;
                    todo.extend_from_slice(&self.facts.lists[parts.range()]);
                }
                Kind::Text(text) if text.chars().all(|char| " +-*/%.()0123456789".contains(char)) => {}
                Kind::Call { callee, .. } => match *self.facts.kind(callee) {
                    Kind::Name(name) if matches!(self.facts.text(name), "str" | "repr") => numbers += 1,
                    _ => return false,
                },
                Kind::Subscript { .. } | Kind::Element(_) => {}
                _ => return false,
            }
        }
        numbers > 0 && joins > 0 && self.labels(expr).is_empty()
    }

    /// Whether a path is put together of constants and of where the program itself stands.
    pub(super) fn is_beside(&mut self, expr: ExprId) -> bool {
        const PLACES: [&str; 5] =
            ["__dirname", "__filename", "import.meta.url", "import.meta.dirname", "import.meta.filename"];
        const JOINS: [&str; 6] =
            ["path.join", "path.resolve", "path.dirname", "path.normalize", "url.fileURLToPath", "require.resolve"];
        let (mut todo, mut seen) = (vec![expr], IdSet::default());
        let mut places = 0;
        while let Some(one) = todo.pop() {
            if !seen.insert(one) || self.of(one).constant().is_some() {
                continue;
            }
            if seen.len() > limits::KEY_STEPS_MAX {
                return false;
            }
            let names = self.path_names(one);
            if names.iter().any(|name| PLACES.contains(&&**name) || &**name == "process.cwd.()") {
                places += 1;
                continue;
            }
            match *self.facts.kind(one) {
                Kind::Name(_) => match self.variable_of(one) {
                    Some(variable) if !self.is_parameter(variable) => {
                        todo.extend_from_slice(&self.facts.variable_table[variable.at()].values);
                    }
                    _ => return false,
                },
                Kind::Binary(Binary::Add, left, right) => todo.extend([left, right]),
                Kind::Concat(parts) => todo.extend_from_slice(&self.facts.lists[parts.range()]),
                Kind::Call { callee, arguments } => {
                    if !self.path_names(callee).iter().any(|name| JOINS.contains(&&**name)) {
                        return false;
                    }
                    todo.extend(self.facts.arguments[arguments.range()].iter().map(|argument| argument.value));
                }
                _ => return false,
            }
        }
        places > 0
    }

    /// The qualified names that an expression may be.
    fn path_names(&mut self, expr: ExprId) -> Vec<Arc<str>> {
        let set = self.of(expr);
        let name = |value: &Value| match value {
            Value::Path(path) => Some(self.paths.name(*path, &self.facts.symbols).clone()),
            _ => None,
        };
        set.values.iter().filter_map(name).collect()
    }
}
