//! The page for a browser: that no data becomes markup, that nothing but its own script may run, and what is left out.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};
use tree_sitter::{Node, Parser};
use vetrun::output::Format;
use vetrun::report::*;

use super::fixture::{batch, finding, hostile, shipped, unread};
use super::plain;

/// What a page is made of, as a parser sees it.
#[derive(Default)]
struct Seen {
    elements: Vec<String>,
    attributes: BTreeSet<String>,
    links: Vec<String>,
    errors: usize,
}

fn seen(page: &str) -> Seen {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_html::LANGUAGE.into()).expect("the grammar fits the parser");
    let tree = parser.parse(page, None).expect("it was given a language");
    let mut seen = Seen::default();
    walk(tree.root_node(), page, &mut seen);
    seen
}

fn walk(node: Node<'_>, page: &str, seen: &mut Seen) {
    let text = |node: Node<'_>| page[node.byte_range()].to_owned();
    seen.errors += usize::from(node.is_error() || node.is_missing());
    match node.kind() {
        "start_tag" | "self_closing_tag" => seen.elements.push(text(node.named_child(0).expect("it has a name"))),
        "attribute" => {
            let name = text(node.named_child(0).expect("it has a name"));
            if name == "href" || name == "src" {
                seen.links.push(text(node.named_child(1).expect("it has a value")));
            }
            seen.attributes.insert(name);
        }
        _ => {}
    }
    let mut cursor = node.walk();
    node.children(&mut cursor).for_each(|child| walk(child, page, seen));
}

#[test]
fn nothing_that_an_artifact_wrote_is_an_element_or_an_attribute() {
    let [passed, failed, error] = batch();
    let page = plain(Format::Html, &[&passed, &failed, &error, &unread()]);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "the hostile name is shown");
    let seen = seen(&page);
    assert_eq!(seen.errors, 0);
    let times = |name: &str| seen.elements.iter().filter(|element| *element == name).count();
    assert_eq!((times("script"), times("style"), times("body"), times("img"), times("base")), (1, 1, 1, 0, 0));
    let ours = "html head meta title style body header main section div p h1 h2 h3 h4 b span code a form label input fieldset \
                legend select option button output details summary dl dt dd table thead tbody tr th td article ol ul li mark \
                pre svg rect script";
    let ours: BTreeSet<_> = ours.split_whitespace().collect();
    let foreign: Vec<_> = seen.elements.iter().filter(|element| !ours.contains(element.as_str())).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    let attributes = "aria-hidden aria-label aria-labelledby aria-live autocomplete charset checked class colspan content \
                      data-rule data-severity data-verdict height hidden href http-equiv id lang name placeholder \
                      preserveAspectRatio role scope spellcheck start tabindex type value viewBox width x y";
    let ours: BTreeSet<_> = attributes.split_whitespace().collect();
    let foreign: Vec<_> = seen.attributes.iter().filter(|name| !ours.contains(name.as_str())).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    assert!(seen.links.iter().all(|link| link.starts_with("\"#")), "{:?}", seen.links);
}

#[test]
fn the_page_allows_its_own_script_and_style_alone() {
    let page = plain(Format::Html, &[&hostile(), &shipped()]);
    let policy = "default-src &#39;none&#39;; style-src &#39;sha256-";
    assert!(page.contains(policy), "{}", &page[..600]);
    for tag in ["script", "style"] {
        let (_, rest) = page.split_once(&format!("<{tag}>")).unwrap();
        let (text, _) = rest.split_once(&format!("</{tag}>")).unwrap();
        let digest = BASE64_STANDARD.encode(Sha256::digest(text));
        assert!(page.contains(&format!("{tag}-src &#39;sha256-{digest}&#39;")), "{tag}");
    }
    assert!(!page.contains("unsafe-inline") && !page.contains(" style=") && !page.contains("http://"));
}

#[test]
fn equal_reports_make_equal_pages() {
    let [passed, failed, error] = batch();
    let page = || plain(Format::Html, &[&passed, &failed, &error]);
    assert_eq!(page(), page());
    // The worst come first.
    let page = page();
    let at = |class: &str| page.find(&format!("<details class=\"artifact {class}\"")).unwrap();
    assert!(at("error") < at("failed") && at("failed") < at("passed"));
}

#[test]
fn a_page_says_what_the_code_can_do() {
    let mut report = shipped();
    let capabilities = serde_json::json!([{ "name": "network" }, { "count": 1 }, { "name": "<b>files" }]);
    report.validation_results.security.details.insert("capabilities".into(), capabilities);
    let page = plain(Format::Html, &[&report]);
    assert!(page.contains("<dt>the code can</dt><dd>network, &lt;b&gt;files</dd>"), "{page}");
}

#[test]
fn a_page_says_what_it_leaves_out() {
    let mut report = hostile();
    report.findings = (0..130).map(|at| finding("r", Severity::Low, "app.py", &format!("low {at}."))).collect();
    report.findings[129].severity = Severity::Critical;
    report.execution.as_mut().unwrap().stdout.text = format!("begin{}end", "x".repeat(20 << 10));
    let page = plain(Format::Html, &[&report]);
    assert!(page.contains("low 129.") && page.contains("low 98.") && !page.contains("low 99."));
    assert!(page.contains("… and 30 findings not on this page"));
    assert!(page.contains("xend") && !page.contains("begin") && page.contains("the last 16.0 KiB are shown"));
}

#[test]
fn a_page_of_many_artifacts_stays_within_its_limits() {
    let mut loud = hostile();
    loud.execution.as_mut().unwrap().stdout.text = "x".repeat(16 << 10);
    let mut many = vec![&loud; 2100];
    let passed = shipped();
    many.push(&passed);
    let page = plain(Format::Html, &many);
    assert_eq!(page.matches("<details class=\"artifact ").count(), 2101);
    assert_eq!(page.matches("The page is full").count(), 101);
    assert!(page.len() < 64 << 20, "{} bytes", page.len());
    assert!(page.matches("<article class=\"finding ").count() <= 10_000);
}
