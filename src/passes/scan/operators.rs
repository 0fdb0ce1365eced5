//! The resolver's view of operators: texts put together, and constants folded within the limits of a region.

use super::fold;
use super::limits;
use super::resolve::Resolver;
use super::values::{Set, Value};
use crate::facts::{Binary, Dialect, ExprId, Kind, Span};

impl Resolver<'_> {
    pub(super) fn concat(&mut self, parts: Span) -> Set {
        let mut texts = vec![Value::Text("".into())];
        let dialect = self.facts.dialect;
        let mut built = false;
        for at in parts.range() {
            let part = self.need(self.facts.lists[at]);
            let options: Vec<Value> = self.constants(&part).collect();
            built |= part.open || options.len() < part.values.len() || options.is_empty();
            texts = self.combine(&texts, &options, |left, right| match (left, right) {
                (Value::Bytes(_), _) | (_, Value::Bytes(_)) if dialect == Dialect::Python => {
                    let (left, right) = (fold::bytes_of(left)?, fold::bytes_of(right)?);
                    fold::bytes_value([left, right].concat())
                }
                _ => fold::text(fold::display(left, dialect)? + &fold::display(right, dialect)?),
            });
        }
        self.built(texts, built)
    }

    /// Texts that were folded; where a part was not known, the text is put together at run time as well.
    fn built(&mut self, texts: Vec<Value>, built: bool) -> Set {
        let mut all = Set::empty();
        for text in texts {
            self.add(&mut all, text);
        }
        if built || all.values.is_empty() {
            all.values.push(Value::Built);
        }
        all
    }

    /// All pairs of two sets of constants put together, at most [`limits::VALUES_MAX`] of them.
    fn combine(
        &mut self,
        left: &[Value],
        right: &[Value],
        fold: impl Fn(&Value, &Value) -> Option<Value>,
    ) -> Vec<Value> {
        let mut out = Vec::new();
        for a in left {
            for b in right {
                if out.len() < limits::VALUES_MAX && self.charge(a.size() + b.size()) {
                    out.extend(fold(a, b));
                }
            }
        }
        out
    }

    /// Accounts for folded bytes; false where there have been too many.
    pub(super) fn charge(&mut self, bytes: usize) -> bool {
        self.folded_bytes = self.folded_bytes.saturating_add(bytes);
        let within = self.folded_bytes <= limits::FOLD_TOTAL_BYTES_MAX;
        if !within {
            self.limit = self.limit.or(Some("folded bytes"));
        }
        within
    }

    pub(super) fn binary(&mut self, operator: Binary, left: ExprId, right: ExprId) -> Set {
        let (a, b) = (self.need(left), self.need(right));
        if self.waits() {
            return Set::OPEN;
        }
        let dialect = self.facts.dialect;
        if let Some(folded) = self.percent_names(operator, &a, &b) {
            return Set::one(folded);
        }
        let (lefts, rights): (Vec<_>, Vec<_>) = (self.constants(&a).collect(), self.constants(&b).collect());
        let folded = self.combine(&lefts, &rights, |a, b| fold::binary(operator, a, b, dialect));
        let known = |set: &Set, found: &[Value]| !set.open && found.len() == set.values.len();
        let all_known = known(&a, &lefts) && known(&b, &rights);
        let textual = |set: &Set| set.values.iter().any(|value| matches!(value, Value::Text(_) | Value::Built));
        let adds = matches!(operator, Binary::Add | Binary::Modulo);
        if adds && (textual(&a) || (textual(&b) && operator == Binary::Add)) {
            return self.built(folded, !all_known);
        }
        if operator == Binary::Other
            && dialect == Dialect::Python
            && let Some(merged) = self.merged_mappings(&a, &b)
        {
            return merged;
        }
        let mut all = Set::empty();
        all.open = !all_known || folded.is_empty();
        for value in folded {
            self.add(&mut all, value);
        }
        all
    }

    /// `"%(a)s" % {"a": x}`, where all of it is known.
    fn percent_names(&mut self, operator: Binary, a: &Set, b: &Set) -> Option<Value> {
        let ([Value::Text(format)], [Value::Made(made)]) = (a.values.as_slice(), b.values.as_slice()) else {
            return None;
        };
        let Kind::Mapping(entries) = *self.facts.kind(*made) else { return None };
        let python = self.facts.dialect == Dialect::Python && operator == Binary::Modulo;
        if !python || !format.contains("%(") || entries.range().len() > limits::ITEMS_MAX {
            return None;
        }
        let mut named = Vec::new();
        for at in entries.range() {
            let entry = self.facts.entries[at];
            let key = self.text_of(entry.key?)?;
            let value = self.need(entry.value).constant().cloned()?;
            named.push((key, value));
        }
        let (mut out, mut rest) = (String::new(), &**format);
        while let Some((before, after)) = rest.split_once("%(") {
            let (name, after) = after.split_once(")s")?;
            out.push_str(before);
            out.push_str(&fold::display(&named.iter().find(|(key, _)| **key == *name)?.1, Dialect::Python)?);
            rest = after;
        }
        out.push_str(rest);
        (!out.contains('%') && self.charge(out.len())).then(|| fold::text(out))?
    }
}
