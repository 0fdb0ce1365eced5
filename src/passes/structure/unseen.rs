//! Characters that a reader does not see, and that make code read otherwise than it runs (CVE-2021-42574).

use super::view::{Found, View};
use crate::finding::Severity;
use crate::language::Language;

/// How characters of one kind are reported.
struct Kind {
    rule: &'static str,
    severity: Severity,
    what: &'static str,
}

const BIDI: Kind = Kind {
    rule: "bidirectional-control",
    severity: Severity::High,
    what: "a character that reorders the text around it, so that it reads otherwise than it runs",
};
const INVISIBLE_NAME: Kind = Kind {
    rule: "invisible-identifier",
    severity: Severity::Medium,
    what: "a letter that is drawn as nothing, so that a name or a string looks empty",
};
const TAG: Kind = Kind {
    rule: "hidden-text",
    severity: Severity::Medium,
    what: "a character that is never drawn and can carry hidden text",
};
const ZERO_WIDTH: Kind =
    Kind { rule: "zero-width-character", severity: Severity::Low, what: "a character that takes no room" };

/// Reports such characters, one finding for each line and kind.
pub(super) fn check(view: &View<'_>, found: &mut Found) {
    if view.text.as_str().is_ascii() {
        return;
    }
    let is_source = !matches!(view.language, Language::Text | Language::Binary);
    for (start, line) in view.lines().filter(|(_, line)| !line.is_ascii()) {
        let mut last_rule = "";
        let (mut before, mut tags) = (None, 0);
        for (at, char) in line.char_indices() {
            tags = if matches!(char, '\u{e0000}'..='\u{e007f}') { tags + 1 } else { 0 };
            let kind = kind_of(char, before, start + at, tags).filter(|kind| is_source || kind.rule == BIDI.rule);
            if let Some(kind) = kind.filter(|kind| kind.rule != last_rule) {
                last_rule = kind.rule;
                let range = start + at..start + at + char.len_utf8();
                let message = format!("U+{:04X} is {}", u32::from(char), kind.what);
                let finding = found.at(view, kind.rule, kind.severity, range, message);
                if let Some(finding) = finding.filter(|finding| finding.rule_id == BIDI.rule) {
                    finding.cwe.push(1007);
                }
            }
            before = Some(char);
        }
    }
}

/// What kind of unseen character this is. A joiner after another character than ASCII is part of writing in many
/// scripts and of emoji, and a byte order mark stands at the start of a file.
fn kind_of(char: char, before: Option<char>, offset: usize, tags: u32) -> Option<&'static Kind> {
    match char {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Some(&BIDI),
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => Some(&INVISIBLE_NAME),
        // The flags of parts of countries are spelled with at most six of these and an end tag, after a black flag.
        '\u{e0000}'..='\u{e007f}' => {
            let in_flag = before.is_some_and(|before| matches!(before, '\u{1f3f4}' | '\u{e0000}'..='\u{e007f}'));
            (!in_flag || tags > 7).then_some(&TAG)
        }
        // One of these chooses how the letter before it is drawn; a row of them means nothing but the bytes it hides.
        '\u{e0100}'..='\u{e01ef}' => match before {
            Some('\u{e0100}'..='\u{e01ef}') => Some(&TAG),
            Some(before) if is_ideograph(before) => None,
            _ => Some(&ZERO_WIDTH),
        },
        '\u{200c}' | '\u{200d}' => before.is_none_or(|before| before.is_ascii()).then_some(&ZERO_WIDTH),
        '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{180e}' | '\u{00ad}' => Some(&ZERO_WIDTH),
        '\u{feff}' => (offset > 0).then_some(&ZERO_WIDTH),
        _ => None,
    }
}

fn is_ideograph(char: char) -> bool {
    matches!(char, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}
