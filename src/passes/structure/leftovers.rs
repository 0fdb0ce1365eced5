//! What was left in the code on its way out of a conversation or a merge: Markdown fences, placeholders for code that
//! was not written, conflict markers, pointers to files that were not fetched.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem;
use regex::Regex;

use super::view::{Found, View};
use crate::finding::{Confidence, Severity};
use crate::language::Language;
use crate::rules::Expression;
use crate::words::{Words, pairs};

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant and a test compiles it")
}

/// A line that opens or closes a Markdown fence, and nothing else.
static FENCE: LazyLock<Expression> =
    LazyLock::new(|| Expression::known(r"^\s{0,3}(?:`{3,}|~{3,})[ \t]*[A-Za-z0-9_+.#-]*[ \t]*$"));

/// Reports Markdown fences in source files. In JavaScript a fenced file is valid (empty templates, one after another), so
/// that no parser can be relied upon for this.
pub(super) fn fences(view: &View<'_>, found: &mut Found) {
    if matches!(view.language, Language::Binary) || (view.language == Language::Text && !is_plain_source(view.path)) {
        return;
    }
    if !["```", "~~~"].iter().any(|fence| memmem::find(view.text.as_str().as_bytes(), fence.as_bytes()).is_some()) {
        return;
    }
    // Text of several lines may well hold fences in HTML, TOML and YAML; there, only those around the whole file count.
    let only_around = matches!(view.language, Language::Html | Language::Toml | Language::Yaml | Language::Text);
    let written = || view.lines().filter(|(_, line)| !line.trim().is_empty()).map(|(at, _)| at);
    let around = only_around.then(|| (written().next(), written().last()));
    let mut is_open = false;
    for (start, line) in view.lines().filter(|(_, line)| FENCE.is_match(line)) {
        let at = start + line.len() - line.trim_start().len();
        let is_around = around.is_some_and(|(first, last)| first == Some(start) || last == Some(start));
        let region = view.region_at(at);
        let in_text = region.is_some_and(|part| part.shape().is_inside_text(at));
        let in_script = region.is_some_and(|part| part.region.language != Language::Html);
        let in_code = !in_text && (!only_around || (in_script && view.language == Language::Html));
        // What opened as a fence closes as one: in JavaScript, the closing line looks like the end of a template.
        if is_open || is_around || in_code {
            is_open = !is_open && !only_around;
            let range = at..start + line.trim_end().len();
            let message = "a Markdown fence is left in the file";
            if let Some(finding) = found.at(view, "markdown-fence", Severity::High, range, message) {
                finding.hint = Some("keep only what stands between the fences".to_owned());
            }
        }
    }
}

/// Files of no known language that are still read by a machine, where a fence is a fault.
fn is_plain_source(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let ends = [".sh", ".sql", ".csv", ".tsv", ".ini", ".cfg", ".svg", ".xml", "dockerfile", "makefile", ".env"];
    (name.starts_with("requirements") && name.ends_with(".txt")) || ends.iter().any(|end| name.ends_with(end))
}

/// A comment that stands for code that was not written.
struct Placeholder {
    /// Of these, in lower case, a line of ASCII holds one if the pattern is in it.
    needs: &'static [&'static str],
    pattern: Expression,
    severity: Severity,
    message: &'static str,
}

impl Placeholder {
    /// Whether it is in a line, which is in lower case in `lower`. A letter that is not ASCII may be one but for its case.
    fn is_in(&self, line: &str, lower: &str) -> bool {
        let is_worth = !line.is_ascii() || self.needs.iter().any(|need| lower.contains(need));
        is_worth && self.pattern.is_match(line)
    }
}

/// Words of which a comment must hold one before the patterns, which are costly to compile, are tried on it.
const IN_PLACEHOLDERS: [&str; 19] = [
    "...",
    "…",
    "unchanged",
    "omitted",
    "elided",
    "left out",
    "for brevity",
    "todo",
    "fixme",
    "your ",
    "rest of",
    "remainder of",
    "code here",
    "logic here",
    "goes here",
    "content here",
    "implementation here",
    "remain",
    "stay",
];
static PLACEHOLDER_WORDS: Words = Words::new(&IN_PLACEHOLDERS, &pairs(&IN_PLACEHOLDERS));

/// Patterns keep to ASCII: classes over all of Unicode make them ten times as large, and English is what is looked for.
static PLACEHOLDERS: LazyLock<Vec<Placeholder>> = LazyLock::new(|| {
    let lead = r#"^[ \t#/*<!\-\[({"'.…]*"#;
    let thing = "(?:code|content|file|functions?|methods?|class(?:es)?|implementations?|logic|script|components?|styles?\
                 |css|html|imports?|routes?|handlers?|fields?|properties|props|tests?|program|module|body|markup\
                 |elements?)";
    let gone = "(?:unchanged|(?:remains?|stays?|is|are) (?:the same|as is|as before|unchanged|here)|goes here|here\
                |as before|same|omitted|[.]{3}|…|etc)";
    let dots = r#"[ \t#/*<!\-\[({"']*(?:\.{3,}|…)[ \t(\[{\-]*"#;
    let elided = "stands for code that was left out";
    let yours = "stands for code that someone else is to write";
    let unwritten = "says that something is still to be written";
    let rows: [(&[&str], _, _, _); 9] = [
        (
            &["rest of", "remainder of"],
            Severity::Medium,
            elided,
            format!(
                "{lead}(?:the )?(?:rest|remainder) of (?:the |your |my |this |original |existing |previous )*{thing}[ -\\-/-~]{{0,40}} {gone}"
            ),
        ),
        (&["rest of", "remainder of"],
            Severity::Medium, elided, format!("^{dots}(?:the |keep the |keep )?(?:rest|remainder) of")),
        (
            &["...", "…"],
            Severity::Medium,
            elided,
            format!(
                "^{dots}(?:the |your |my |any |all )*(?:existing|previous|remaining|other|same|original|more|additional|unchanged) [a-z0-9_ ,/-]{{0,40}}{thing}"
            ),
        ),
        (
            &["existing", "previous", "remaining", "original"],
            Severity::Medium,
            elided,
            format!(
                "{lead}(?:the |your |all )*(?:existing|previous|remaining|original) (?:[a-z]+ ){{0,2}}{thing}[a-z0-9_ ,]{{0,30}}(?: (?:unchanged|omitted|goes here|remains? the same|stays? the same|here)|{dots})"
            ),
        ),
        (
            &["for brevity", "for simplicity", "for clarity", "for space", "for the sake of "],
            Severity::Medium,
            elided,
            format!(
                "{thing} (?:is |was |are )?(?:omitted|elided|removed|left out|truncated|shortened) for (?:the sake of )?(?:brevity|simplicity|clarity|space)"
            ),
        ),
        (
            &["your "],
            Severity::Medium,
            yours,
            format!(
                "{lead}(?:add |insert |put |write |place |implement |paste )?your (?:own |actual |custom )*{thing} (?:goes )?here"
            ),
        ),
        (
            &[" here"],
            Severity::Medium,
            yours,
            format!("{lead}(?:add|insert|put|write|place|paste) (?:the |actual |real )*{thing} here"),
        ),
        (&[" goes here"],
            Severity::Medium, yours, format!("{lead}{thing} goes here")),
        (
            &["todo", "fixme"],
            Severity::Low,
            unwritten,
            "(?:todo|fixme)[ :\\-()]{0,3}(?:implement|add (?:the )?(?:implementation|logic|code)|write (?:this|the)|fill (?:this )?in|finish)".to_owned(),
        ),
    ];
    let compiled = rows.into_iter().map(|(needs, severity, message, pattern)| Placeholder {
        needs,
        pattern: Expression::known(format!("(?i){pattern}(?:[^a-z]|$)")),
        severity,
        message,
    });
    compiled.collect()
});

/// Whether a text holds what [`MODEL`] begins with.
fn may_hold_model(text: &str) -> bool {
    let text = text.as_bytes();
    // The end of `as` and the beginning of what follows, in any case.
    let begins = |at: usize| {
        let word = text.get(at.saturating_sub(1)..).unwrap_or_default();
        let all = ["as a ai", "as an ai", "as a artificial", "as an artificial"].map(str::as_bytes);
        all.iter().any(|begin| word.get(..begin.len()).is_some_and(|there| there.eq_ignore_ascii_case(begin)))
    };
    [b"s a", b"s A", b"S a", b"S A"].iter().any(|middle| memmem::find_iter(text, middle).any(begins))
}

/// What a language model says of itself; no code needs to.
static MODEL: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)\bas an? (?:ai|artificial intelligence)(?: language)? (?:model|assistant)\b"));

/// A comment of dots alone.
static DOTS: LazyLock<Expression> =
    LazyLock::new(|| Expression::known(r"^(?:#|//|/\*|<!--|\*)?\s*(?:\.{3,}|…)\s*(?:\*/|-->)?$"));

/// Reports placeholders: comments that stand for code, lines of dots, and what a model says of itself.
pub(super) fn placeholders(view: &View<'_>, found: &mut Found) {
    if matches!(view.language, Language::Text | Language::Binary | Language::Json) {
        return;
    }
    for range in comments(view) {
        let text = &view.text.as_str()[range.clone()];
        for (start, line) in lines_of(text, range.start) {
            placeholder_in(view, start, line, found);
        }
    }
    dotted_lines(view, found);
    if !may_hold_model(view.text.as_str()) {
        return;
    }
    for hit in MODEL.find_iter(view.text.as_str()) {
        found.at(view, "placeholder-text", Severity::Medium, hit.range(), "is what a language model says, not code");
    }
}

fn placeholder_in(view: &View<'_>, start: usize, line: &str, found: &mut Found) {
    let range = start..start + line.len();
    if !PLACEHOLDER_WORDS.is_any_in(line) {
        return;
    }
    let lower = line.to_ascii_lowercase();
    if let Some(hit) = PLACEHOLDERS.iter().find(|placeholder| placeholder.is_in(line, &lower)) {
        found.at(view, "placeholder-text", hit.severity, range, format!("`{}` {}", line.trim(), hit.message));
    } else if DOTS.is_match(line.trim()) {
        found.at(view, "elision", Severity::Low, range, "a comment of dots where code may have been left out");
    }
}

/// Lines of dots outside of comments and strings. In Python `...` is a statement and means nothing ill.
fn dotted_lines(view: &View<'_>, found: &mut Found) {
    if !matches!(view.language, Language::JavaScript | Language::TypeScript | Language::Css | Language::Html) {
        return;
    }
    for (start, line) in view.lines().filter(|(_, line)| matches!(line.trim(), "..." | "…")) {
        let at = start + line.len() - line.trim_start().len();
        let Some(part) = view.region_at(at) else { continue };
        // A string range does not count its own first byte as inside, and dots are never the start of one.
        if part.shape().is_inside_text(at) {
            continue;
        }
        let range = at..at + line.trim().len();
        let message = "a line of dots where code was left out";
        let finding = found.at(view, "placeholder-text", Severity::Medium, range, message);
        if let Some(finding) = finding.filter(|_| part.region.language == Language::Html) {
            finding.confidence = Confidence::Medium;
        }
    }
}

/// The comments of a file: from its trees or, where nothing parses it, the lines that begin like one.
fn comments(view: &View<'_>) -> Vec<Range<usize>> {
    if !view.regions.is_empty() {
        return view.regions.iter().flat_map(|part| part.comments()).collect();
    }
    let starts: &[&str] = match view.language {
        Language::Toml | Language::Yaml | Language::Python => &["#"],
        Language::Html => &["<!--"],
        _ => &["//", "/*", "*", "{/*"],
    };
    let lines = view.lines().filter(|(_, line)| starts.iter().any(|start| line.trim_start().starts_with(start)));
    lines.map(|(start, line)| start..start + line.len()).collect()
}

fn lines_of(text: &str, start: usize) -> impl Iterator<Item = (usize, &str)> {
    let mut at = start;
    text.split_inclusive('\n').map(move |line| {
        let start = at + (line.len() - line.trim_start().len());
        at += line.len();
        (start, line.trim())
    })
}

/// Reports what a merge leaves behind: all three markers, in their order.
pub(super) fn conflict_markers(view: &View<'_>, found: &mut Found) {
    if memmem::find(view.text.as_str().as_bytes(), b"<<<<<<< ").is_none() {
        return;
    }
    let mut opened: Option<Range<usize>> = None;
    let mut divided = false;
    for (start, line) in view.lines() {
        if line.starts_with("<<<<<<< ") {
            (opened, divided) = (Some(start..start + line.len()), false);
        } else if line == "=======" {
            divided = opened.is_some();
        } else if line.starts_with(">>>>>>> ") && divided {
            if let Some(range) = opened.take() {
                found.at(view, "conflict-marker", Severity::Medium, range, "a merge conflict is left in the file");
            }
            divided = false;
        }
    }
}

/// Reports a pointer of Git's large file storage where the file itself should be.
pub(super) fn large_file_pointer(view: &View<'_>, found: &mut Found) {
    let text = view.text.as_str();
    if text.starts_with("version https://git-lfs.github.com/spec/") && text.len() < 1024 {
        let message = "is a pointer to a file that was not fetched";
        found.whole(view.path, "file-not-fetched", Severity::Low, message);
    }
}
