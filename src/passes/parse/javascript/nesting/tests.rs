//! What a measure must count, what it may forget, and what must not mislead it.

use super::*;

fn weight(text: &str) -> usize {
    measure(text, false).weight
}

fn grows(before: &str, part: &str, after: &str) -> bool {
    let heavy = |times: usize| weight(&format!("{before}{}{after}", part.repeat(times)));
    heavy(200) >= heavy(100) + 100 * 300
}

#[test]
fn what_nests_adds_up() {
    for (before, part, after) in [
        ("x = ", "(", "1"),
        ("x = ", "[", "1"),
        ("x = ", "{a: ", "1"),
        ("x = ", "`${", "1"),
        ("x = f", "()", ";"),
        ("x = a", ".b", ";"),
        ("x = a", "``", ";"),
        ("x = ", "y => ", "1"),
        ("x = ", "- ", "1"),
        ("x = ", "new ", "A"),
        ("x = a", " ? 1 : a", ""),
        ("", "if (x) ", ";"),
        ("", "if (x) y; else ", ";"),
        ("", "if (x) y;\u{a0}else ", ";"),
        ("", "if (x) { y; } else ", ";"),
        ("", "do x; while (y)", ";"),
        ("", "do ", "; while (y);"),
        ("", "for (;;) ", ";"),
        ("", "a: ", ";"),
        ("", "a: ", "x, y"),
        ("", "if (x) ", "y, z"),
        ("x = /", "(", "/"),
        ("x = ", "a in ", "b"),
    ] {
        assert!(grows(before, part, after), "{before}{part}{after}");
    }
}

#[test]
fn what_stands_side_by_side_does_not() {
    for (before, part, after) in [
        ("", "f(a, b);\n", ""),
        ("x = [", "{a: 1, b: [2, 'c(']},\n", "]"),
        ("x = {", "a: f(1) ? b : c, ", "}"),
        ("f(", "'((((', /[(]\\((/g, a / (b) / c, ", ")"),
        ("", "x = `(${a + '}'}((`; // ((\n", ""),
        ("", "for (;;) { if (x) y; else z(); }\n;", ""),
        ("", "/* ( */ i++ / 2;", ""),
        ("", "x = (1 << y) < z; while (n --> 0) of(y) / 1;", ""),
        ("", "!function () {}(x) < y / z, 1;", ""),
        ("", "π = halfπ / (2);", ""),
    ] {
        assert!(!grows(before, part, after), "{before}{part}{after}");
    }
}

#[test]
fn nothing_hides_a_bracket() {
    for (before, part) in [
        // Closing brackets in what could be read as code.
        ("", "{} /[/]/.x(/)))/, "),
        ("x = ", "(<p>)</p>, "),
        ("", "x = a\u{a0}/ 1; (/)/;"),
        ("", "a = (b\n++/)/, "),
        ("", "<!-- )\n("),
        ("", "x\n--> )\n("),
        ("", "// \r( // )\n"),
        ("", "// \u{2028}( // )\n"),
        ("", "( ' )\n' "),
        ("", "(for await (x of y) /)/; "),
        ("", "yield /)/ ( "),
        ("a\\//", "( \n"),
        ("a\\'", "( "),
        ("\\u'", "( "),
    ] {
        let deep = measure(&format!("{before}{}", part.repeat(100)), false);
        assert!(deep.depth >= 100, "{before}{part}: {deep:?}");
    }
    for text in ["\u{feff}#!/*\n((((", "#!/*\n((((", "#! (\n (((("] {
        assert_eq!(measure(text, false).depth, 4, "{text}");
    }
}

#[test]
fn what_may_begin_parameters_is_counted() {
    for text in [
        "(a = ",
        "async (a, ",
        "({",
        "([",
        "(...a",
        "( /* */ a",
        "(\n\\u0061 = ",
        "(a\\u0061",
        "(ä, ",
        "(a/**/,",
        "(a <!-- x\n, ",
        "(this, ",
        "x = (a, ",
        "return(a, ",
        "a\\u0073ync(a, ",
        "\\u{61}sync(a, ",
        "f`${a}`\n(a, ",
    ] {
        assert!(parameters_over(text.as_bytes(), 0), "{text}");
        assert!(!parameters_over(text.as_bytes(), 1), "{text}");
        assert!(parameters_over(format!("{text} ").repeat(3).as_bytes(), 2), "{text}");
    }
    for text in [
        "",
        "()",
        "(a)",
        "(a.b)",
        "('a')",
        "(a[0], b)",
        "(!a)",
        "(\"a\")",
        "(a&&b)",
        "( a )",
        "(a ? b : c)",
        "(a == b)",
        "(a => b)",
        "(0, a.b)(c)",
        "(a in b)",
        "(a / b)",
        "f(a, b)",
        "x.f ? f([a]) : g({})",
        "if(a, b)",
        "new F(a, b)",
    ] {
        assert!(!parameters_over(text.as_bytes(), 0), "{text}");
    }
}
