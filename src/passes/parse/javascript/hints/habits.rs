//! What to do about habits of other languages, and about what is left out between two tokens.

use std::borrow::Cow;

use crate::passes::parse::javascript::{roles, scan};

type Mend = Option<Cow<'static, str>>;

/// How far into a file the bracket around a fault is looked for: each fault is looked for from the beginning.
const SCANNED_BYTES_MAX: usize = 64 << 10;

/// A fault, and what stands around it.
pub(super) struct Place<'a> {
    /// What the strict parser says.
    pub(super) message: &'a str,
    /// The whole text, and where the fault is in it.
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// The line up to the fault.
    pub(super) before: &'a str,
    /// The text from the fault on.
    pub(super) rest: &'a str,
}

/// Mends of what can be nothing else.
const CERTAIN: &[fn(&Place<'_>) -> Mend] =
    &[page, entity, apostrophe, words, placeholder, arrow, in_class, object, condition, operand];

/// The mend of a fault, where what stands around it tells what was meant.
pub(super) fn certain(place: &Place<'_>) -> Mend {
    CERTAIN.iter().find_map(|mend| mend(place))
}

/// The mend of a fault of which nothing else is known.
pub(super) fn likely(place: &Place<'_>) -> Mend {
    separator(place).or_else(|| message(place))
}

impl Place<'_> {
    /// The bracket around the fault, and where it stands.
    fn around(&self) -> Option<(u8, usize)> {
        let before = self.text.get(..self.at).filter(|before| before.len() <= SCANNED_BYTES_MAX)?;
        scan::scan(before, u64::MAX).brackets.innermost()
    }

    /// The text before the bracket around the fault, if it is a brace.
    fn before_brace(&self) -> Option<&str> {
        let (bracket, at) = self.around()?;
        (bracket == b'{').then(|| &self.text[..at])
    }

    fn expects(&self, what: &str) -> bool {
        self.message.strip_prefix("Expected `").is_some_and(|rest| rest.starts_with(what))
    }

    fn expects_end(&self) -> bool {
        self.message.starts_with("Expected a semicolon")
    }

    fn begins_operand(&self) -> bool {
        self.rest.starts_with(|char: char| char.is_alphanumeric() || matches!(char, '_' | '$' | '"' | '\'' | '`'))
    }
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '$')
}

/// The last word of a text, which no white space follows but at its very end.
fn last_word(text: &str) -> &str {
    let text = text.trim_end();
    &text[text.trim_end_matches(is_word).len()..]
}

/// A page in a file that is named as a script.
fn page(place: &Place<'_>) -> Mend {
    let is_page = place.message.starts_with("Unexpected JSX") && roles::begins_page(place.text);
    is_page.then(|| "this is HTML: name the file .html, or keep only what stands in its script".into())
}

/// `&lt;` for `<`.
fn entity(place: &Place<'_>) -> Mend {
    const ENTITIES: &[(&str, &str)] = &[("&lt", "<"), ("&gt", ">"), ("&amp", "&"), ("&quot", "\""), ("&#39", "'")];
    let (entity, char) = ENTITIES.iter().find(|(entity, _)| place.before.ends_with(entity))?;
    let is_entity = place.rest.starts_with(';');
    is_entity.then(|| format!("the source is escaped as in HTML: write {char} for {entity};").into())
}

/// `'it's'`.
fn apostrophe(place: &Place<'_>) -> Mend {
    let is_inside = place.before.ends_with('\'') && place.rest.starts_with(char::is_alphabetic);
    is_inside.then(|| "write an apostrophe inside '…' as \\', or put the string in \"…\"".into())
}

/// Words of other languages before the fault.
fn words(place: &Place<'_>) -> Mend {
    let is_string = place.rest.starts_with(['"', '\'']);
    match last_word(place.before) {
        "f" if is_string && place.before.ends_with('f') => return Some("write `…${name}…` in back quotes".into()),
        "not" => return Some("write !".into()),
        "lambda" => return Some("write `name => …` for a small function".into()),
        "from" if place.begins_word() && place.before.trim_start().starts_with(['i', 'e']) => {
            return Some("put the name of the module in quotes".into());
        }
        "for" if place.expects("(") && !place.ends_with_colon() => {
            return Some("write `for (const name of values) { … }`".into());
        }
        "async" if place.expects_end() => return Some("put the parameters in ( )".into()),
        _ => {}
    }
    let head = place.before.trim_start().trim_start_matches(['}', ' ']);
    let is_branch = ["elif ", "elif(", "elseif ", "elseif(", "elsif "].iter().any(|word| head.starts_with(word));
    is_branch.then(|| "write `else if`".into())
}

impl Place<'_> {
    /// Whether the line is the head of a block of Python.
    fn ends_with_colon(&self) -> bool {
        let line = &self.rest[..self.rest.find('\n').unwrap_or(self.rest.len())];
        line.trim_end().ends_with(':')
    }

    fn begins_word(&self) -> bool {
        self.rest.starts_with(char::is_alphabetic)
    }
}

/// Three dots and `<your key>`, for what somebody is to write.
fn placeholder(place: &Place<'_>) -> Mend {
    let before = place.before.trim_end();
    if before.ends_with("...") && place.rest.starts_with([']', '}', ')']) {
        return Some("replace the placeholder by code".into());
    }
    let open = before.strip_suffix('>').and_then(|tag| tag.rfind('<').map(|at| &tag[at + 1..]))?;
    let is_name = open.starts_with(char::is_alphabetic)
        && open.chars().all(|char| char.is_alphanumeric() || matches!(char, '-' | '_'));
    let ends = place.rest.is_empty() || place.rest.starts_with([';', ',', ')', '}', '\n']);
    (is_name && ends)
        .then(|| format!("put a value in the place of <{open}>; if it is JSX, close it with </{open}>").into())
}

/// Arrows that are torn apart or missing.
fn arrow(place: &Place<'_>) -> Mend {
    let before = place.before.trim_end();
    if place.rest.starts_with('>') && before.ends_with('=') {
        return Some("write =>".into());
    }
    let opens = place.expects_end() && place.rest.starts_with('{') && before.ends_with(')');
    let head = opens.then(|| before.rfind('(')).flatten().map(|at| before[..at].trim_end())?;
    (head.ends_with(['=', '(', ',', ':']) || last_word(head) == "async").then(|| "add => before this".into())
}

/// What no member of a class begins with, or is parted by.
fn in_class(place: &Place<'_>) -> Mend {
    if place.message.starts_with("A class member cannot have the") {
        return Some("remove the word: a field of a class is its name and its value".into());
    }
    let is_comma = place.rest.starts_with(',') && place.before.trim_end().ends_with('}');
    let is_function = last_word(place.before) == "function" && place.expects(";");
    if !is_comma && !is_function {
        return None;
    }
    let head = place.before_brace()?;
    let line = head[head.rfind('\n').map_or(0, |at| at + 1)..].trim_start();
    let is_class = line.split(|char| !is_word(char)).any(|word| word == "class");
    is_class.then(|| match is_comma {
        true => "remove the comma: nothing parts the methods of a class".into(),
        false => "remove `function`: a method is its name and its parameters".into(),
    })
}

/// Objects where a brace begins a block.
fn object(place: &Place<'_>) -> Mend {
    if !place.rest.starts_with(':') || !place.expects_end() {
        return None;
    }
    let head = place.before_brace()?;
    let before = head.trim_end();
    if before.ends_with("=>") {
        return Some("put the object in brackets: `=> ({ … })`".into());
    }
    if last_word(before) == "return" && head[before.len()..].contains('\n') {
        return Some("put the brace on the line of `return`, which ends here".into());
    }
    let is_data = before.is_empty() && place.before.trim_start().starts_with(['"', '\'']);
    is_data.then(|| "this is JSON: name the file .json, or assign it to a name".into())
}

/// Round brackets that a head needs.
fn condition(place: &Place<'_>) -> Mend {
    if place.expects("(") {
        let head = place.before.trim_end();
        return match last_word(head) {
            "if" | "while" | "switch" if !place.ends_with_colon() => Some("write ( ) around the condition".into()),
            _ if head.contains("function") => Some("add the parameters in brackets; () where there are none".into()),
            _ => None,
        };
    }
    (place.expects(")") && place.rest.starts_with('{')).then(|| "add the missing ')' before this".into())
}

/// Something that is missing between two signs.
fn operand(place: &Place<'_>) -> Mend {
    if !place.message.starts_with("Unexpected token") {
        return None;
    }
    let before = place.before.trim_end();
    if place.rest.starts_with("else") && before.ends_with(')') {
        return Some("add the statement that belongs to the `if` before this".into());
    }
    if place.rest.starts_with(':') && before.ends_with('?') {
        return Some("write `a || b`, or `condition ? a : b`".into());
    }
    let operator = before.chars().next_back().filter(|char| "=+-*/%&|^?<".contains(*char))?;
    let ends = place.rest.is_empty() || place.rest.starts_with([';', ')', ']', '}', ',']);
    let is_twice = before.ends_with("++") || before.ends_with("--");
    (ends && !is_twice).then(|| format!("something is missing behind '{operator}'").into())
}

/// Commas, colons and brackets that are missing.
fn separator(place: &Place<'_>) -> Mend {
    if place.expects(":` ") && !last_word(place.text.get(..place.at).unwrap_or_default()).is_empty() {
        return Some("add ':' before this".into());
    }
    if place.expects_end() {
        let is_closing = place.rest.starts_with([')', ']', '}']);
        return is_closing.then(|| "remove it, or add the bracket that it should close".into());
    }
    let close = place.message.strip_prefix("Expected `,` or `")?.chars().next()?;
    if place.begins_operand() {
        return Some(format!("add a comma before this, or the missing '{close}'").into());
    }
    match place.rest.chars().next() {
        Some(';') if close == '}' && !place.rest[1..].trim_start().is_empty() => {
            Some("write a comma between two properties".into())
        }
        Some(';' | '{' | '}' | ')' | ']') | None => Some(format!("add the missing '{close}'").into()),
        _ => None,
    }
}

/// What the words of a message alone tell.
fn message(place: &Place<'_>) -> Mend {
    const MENDS: &[(&str, &str)] = &[
        ("A rest parameter must be last", "put it behind the other parameters"),
        ("A rest element must be last", "put it behind the other elements"),
        ("A module cannot have multiple default exports", "keep one; export the other by its name"),
        ("Private field '#", "declare it in the body of the class"),
        ("Export '", "declare it, or import it"),
        ("'import statement' declaration", "move it to the top of the file, or write `await import(…)`"),
    ];
    MENDS.iter().find(|(theirs, _)| place.message.starts_with(theirs)).map(|(_, ours)| (*ours).into())
}
