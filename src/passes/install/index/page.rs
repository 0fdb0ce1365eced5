//! Index pages: read in the JSON (PEP 691, 700) or HTML (PEP 503) form, filtered, written again for the installer.
//!
//! Only wheels of the page's own name pass. Source archives run build code and stand apart, and yanked files were taken back
//! by their owner; that they are there is remembered, so that their absence can be explained.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::address::join;
use crate::deps::normalised;

/// The media type of the JSON form.
pub(in crate::passes::install) const JSON_TYPE: &str = "application/vnd.pypi.simple.v1+json";

/// Files of one page that are looked at.
const FILES_MAX: usize = 100_000;

/// A wheel on offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::passes::install) struct Offer {
    pub(in crate::passes::install) filename: String,
    /// Where the index keeps it.
    pub(in crate::passes::install) url: String,
    /// Lower-case hexadecimal.
    pub(in crate::passes::install) sha256: Option<String>,
    pub(in crate::passes::install) requires_python: Option<String>,
    pub(in crate::passes::install) size: Option<u64>,
    /// When it was uploaded, in seconds since 1970; absent where the index does not tell (PEP 700).
    pub(in crate::passes::install) uploaded_s: Option<u64>,
    /// Whether its metadata can be fetched by itself (PEP 658), and its digest.
    pub(in crate::passes::install) metadata: Metadata,
}

/// What a page offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::passes::install) struct Listing {
    /// The wheels that may be used.
    pub(in crate::passes::install) offers: Vec<Offer>,
    /// The source archives, which would have to be built.
    pub(in crate::passes::install) sources: Vec<Offer>,
    /// Names of files that are there and may not be used, and why: a fragment that can follow "version 1.0 ".
    pub(in crate::passes::install) left_out: Vec<(String, &'static str)>,
}

impl Listing {
    fn files(&self) -> usize {
        self.offers.len() + self.sources.len() + self.left_out.len()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::passes::install) enum Metadata {
    None,
    Offered(Option<String>),
}

#[derive(Deserialize)]
struct JsonPage {
    files: Vec<JsonFile>,
    #[serde(default, rename = "project-status")]
    status: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct JsonFile {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
    requires_python: Option<String>,
    size: Option<u64>,
    upload_time: Option<String>,
    #[serde(default)]
    yanked: Value,
    #[serde(default)]
    core_metadata: Value,
    #[serde(default)]
    dist_info_metadata: Value,
}

/// Why a file on a page is not used.
const YANKED: &str = "was taken back by its owner (yanked)";
const QUARANTINED: &str = "is in quarantine at the index";

/// Reads the JSON form; `url` is where the page came from.
pub(in crate::passes::install) fn from_json(name: &str, url: &str, bytes: &[u8]) -> Result<Listing, String> {
    let page: JsonPage = serde_json::from_slice(bytes).map_err(|error| format!("its JSON is not valid: {error}"))?;
    // A project that the index has quarantined offers nothing (PEP 792).
    let status = page.status.get("status").or(Some(&page.status)).and_then(Value::as_str);
    let quarantined = status == Some("quarantined");
    let mut listing = Listing::default();
    for file in page.files.into_iter().take(FILES_MAX) {
        let is_yanked = !matches!(file.yanked, Value::Null | Value::Bool(false));
        if quarantined {
            listing.left_out.push((file.filename, QUARANTINED));
        } else if is_yanked {
            listing.left_out.push((file.filename, YANKED));
        } else if is_source(&file.filename) {
            listing.sources.extend(offer_of_json(url, file));
        } else {
            listing.offers.extend(offer_of_json(url, file).filter(|offer| is_wheel_of(name, &offer.filename)));
        }
    }
    Ok(listing)
}

fn is_source(filename: &str) -> bool {
    [".tar.gz", ".zip", ".tar.bz2", ".tgz"].iter().any(|ending| filename.ends_with(ending))
}

fn offer_of_json(page: &str, file: JsonFile) -> Option<Offer> {
    let metadata = [file.core_metadata, file.dist_info_metadata].into_iter().find_map(|value| match value {
        Value::Bool(true) => Some(Metadata::Offered(None)),
        Value::Object(hashes) => Some(Metadata::Offered(hashes.get("sha256").and_then(Value::as_str).and_then(sha256))),
        _ => None,
    });
    Some(Offer {
        url: join(page, &file.url)?,
        sha256: file.hashes.get("sha256").and_then(|text| sha256(text)),
        filename: file.filename,
        requires_python: file.requires_python.filter(|text| is_plain(text)),
        size: file.size,
        uploaded_s: file.upload_time.as_deref().and_then(seconds),
        metadata: metadata.unwrap_or(Metadata::None),
    })
}

/// Reads the HTML form: every `a` element with its attributes. Anything else on the page is passed over.
pub(in crate::passes::install) fn from_html(name: &str, url: &str, text: &str) -> Listing {
    let mut listing = Listing::default();
    let mut rest = text;
    while let Some(at) = rest.find("<a").filter(|_| listing.files() < FILES_MAX) {
        rest = &rest[at + 2..];
        if !rest.starts_with(char::is_whitespace) {
            continue;
        }
        let attributes = take_attributes(&mut rest);
        let end = rest.find('<').unwrap_or(rest.len());
        let filename = unescaped(rest[..end].trim());
        if attributes.contains_key("data-yanked") {
            listing.left_out.push((filename, YANKED));
        } else if is_source(&filename) {
            listing.sources.extend(offer_of_anchor(url, filename, &attributes));
        } else {
            let offer = offer_of_anchor(url, filename, &attributes);
            listing.offers.extend(offer.filter(|offer| is_wheel_of(name, &offer.filename)));
        }
    }
    listing
}

fn offer_of_anchor(page: &str, filename: String, attributes: &BTreeMap<String, String>) -> Option<Offer> {
    let href = attributes.get("href")?;
    let fragment = href.split_once('#').map_or("", |(_, fragment)| fragment);
    let digest = |text: &str| text.strip_prefix("sha256=").and_then(sha256);
    let metadata = attributes.get("data-core-metadata").or_else(|| attributes.get("data-dist-info-metadata"));
    Some(Offer {
        url: join(page, href)?,
        sha256: fragment.split('&').find_map(digest),
        filename,
        requires_python: attributes.get("data-requires-python").filter(|text| is_plain(text)).cloned(),
        size: None,
        uploaded_s: None,
        metadata: metadata.map_or(Metadata::None, |text| Metadata::Offered(digest(text))),
    })
}

/// Reads attributes up to the `>` that closes the element, and leaves `rest` behind it.
fn take_attributes(rest: &mut &str) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    loop {
        *rest = rest.trim_start_matches(|char: char| char.is_whitespace() || char == '/');
        let end = rest.find(|char: char| char.is_whitespace() || matches!(char, '=' | '>' | '/')).unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        *rest = rest[end..].trim_start();
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix('=') {
            *rest = after.trim_start();
            let quote = rest.chars().next().filter(|char| matches!(char, '"' | '\''));
            let body = quote.map_or(*rest, |_| &rest[1..]);
            let close = match quote {
                Some(quote) => body.find(quote),
                None => body.find(|char: char| char.is_whitespace() || char == '>'),
            };
            let close = close.unwrap_or(body.len());
            value = unescaped(&body[..close]);
            *rest = body[close..].strip_prefix(quote.unwrap_or('\0')).unwrap_or(&body[close..]);
        }
        if !name.is_empty() {
            attributes.entry(name).or_insert(value);
        }
        if let Some(after) = rest.strip_prefix('>') {
            *rest = after;
            return attributes;
        }
        if rest.is_empty() || end == 0 {
            *rest = rest.get(1..).unwrap_or("");
            return attributes;
        }
    }
}

/// Text without the entities that index pages use.
fn unescaped(text: &str) -> String {
    const ENTITIES: [(&str, &str); 7] = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&amp;", "&"),
    ];
    if !text.contains('&') {
        return text.to_owned();
    }
    ENTITIES.iter().fold(text.to_owned(), |text, (entity, char)| text.replace(entity, char))
}

/// Seconds since 1970 of a time such as `2024-05-29T14:03:11.123456Z`.
fn seconds(time: &str) -> Option<u64> {
    let time = humantime::parse_rfc3339_weak(time).ok()?;
    time.duration_since(std::time::UNIX_EPOCH).ok().map(|since| since.as_secs())
}

fn sha256(text: &str) -> Option<String> {
    (text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| text.to_ascii_lowercase())
}

/// Whether a text can stand in a page that we write.
fn is_plain(text: &str) -> bool {
    text.len() <= 1024 && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// Whether `filename` is a wheel of the package with the normalised name `name`.
pub(in crate::passes::install) fn is_wheel_of(name: &str, filename: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._+!-".contains(&byte);
    let parts = filename.strip_suffix(".whl").map_or(0, |stem| stem.split('-').count());
    (5..=6).contains(&parts)
        && filename.len() <= 512
        && filename.bytes().all(plain)
        && filename.split('-').next().is_some_and(|part| normalised(part) == name)
}

/// The page for an installer that reads JSON. `tokens` stand for the files, in order.
pub(in crate::passes::install) fn to_json(name: &str, offers: &[(u64, Offer)]) -> Vec<u8> {
    let files: Vec<Value> = offers
        .iter()
        .map(|(token, offer)| {
            let hashes: BTreeMap<&str, &String> = offer.sha256.iter().map(|digest| ("sha256", digest)).collect();
            let metadata = match &offer.metadata {
                Metadata::None => json!(false),
                Metadata::Offered(None) => json!(true),
                Metadata::Offered(Some(digest)) => json!({ "sha256": digest }),
            };
            let mut file = json!({
                "filename": offer.filename, "url": path(*token, offer), "hashes": hashes,
                // Under the name of PEP 714 alone: pip 22.3 to 23.0 break on the older one.
                "core-metadata": metadata,
            });
            if let Some(wanted) = &offer.requires_python {
                file["requires-python"] = json!(wanted);
            }
            if let Some(size) = offer.size {
                file["size"] = json!(size);
            }
            file
        })
        .collect();
    json!({ "meta": { "api-version": "1.0" }, "name": name, "files": files }).to_string().into_bytes()
}

/// The page for an installer that reads HTML.
pub(in crate::passes::install) fn to_html(offers: &[(u64, Offer)]) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut page = "<!DOCTYPE html>\n<html><body>\n".to_owned();
    for (token, offer) in offers {
        let fragment = offer.sha256.as_ref().map_or(String::new(), |digest| format!("#sha256={digest}"));
        let python = offer.requires_python.as_ref().map_or(String::new(), |wanted| {
            let escaped = wanted.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
            format!(" data-requires-python=\"{escaped}\"")
        });
        let metadata = match &offer.metadata {
            Metadata::None => String::new(),
            Metadata::Offered(None) => " data-core-metadata=\"true\"".to_owned(),
            Metadata::Offered(Some(digest)) => format!(" data-core-metadata=\"sha256={digest}\""),
        };
        let _infallible =
            writeln!(page, "<a href=\"{}{fragment}\"{python}{metadata}>{}</a>", path(*token, offer), offer.filename);
    }
    page.push_str("</body></html>\n");
    page.into_bytes()
}

fn path(token: u64, offer: &Offer) -> String {
    format!("/files/{token}/{}", offer.filename)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://host.invalid/simple/good-pkg/";

    #[test]
    fn only_wheels_of_the_name_that_are_not_yanked_pass() {
        let digest = "a".repeat(64);
        let page = json!({ "files": [
            { "filename": "good_pkg-1.0-py3-none-any.whl", "url": "/f/1.whl", "hashes": { "sha256": digest }, "requires-python": ">=3.8", "core-metadata": { "sha256": digest }, "size": 7, "upload-time": "1970-01-02T00:00:01.5Z" },
            { "filename": "good_pkg-1.1-py3-none-any.whl", "url": "/f/2.whl", "yanked": "broken" },
            { "filename": "good-pkg-1.0.tar.gz", "url": "/f/3" },
            { "filename": "evil-1.0-py3-none-any.whl", "url": "/f/4" },
            { "filename": "good_pkg-2.0-py3-none-any.whl", "url": "file:///etc/passwd" },
            { "filename": "good_pkg-2.0-py3-none-../x.whl", "url": "/f/5" },
        ] });
        let listing = from_json("good-pkg", URL, page.to_string().as_bytes()).unwrap();
        let offers = listing.offers;
        assert_eq!(offers.len(), 1);
        assert_eq!(
            (offers[0].url.as_str(), &offers[0].sha256, offers[0].size, offers[0].uploaded_s),
            ("https://host.invalid/f/1.whl", &Some(digest.clone()), Some(7), Some(86_401))
        );
        let left_out: Vec<_> = listing.left_out.iter().map(|(name, why)| (name.as_str(), *why)).collect();
        assert_eq!(left_out, [("good_pkg-1.1-py3-none-any.whl", YANKED)]);
        let sources: Vec<_> = listing.sources.iter().map(|offer| offer.filename.as_str()).collect();
        assert_eq!(sources, ["good-pkg-1.0.tar.gz"]);
        let quarantined = json!({ "files": page["files"], "project-status": { "status": "quarantined" } });
        let quarantined = from_json("good-pkg", URL, quarantined.to_string().as_bytes()).unwrap();
        assert_eq!((quarantined.offers.len(), quarantined.left_out.len()), (0, 6));
        assert!(from_json("good-pkg", URL, b"<html>").is_err());
    }

    #[test]
    fn both_forms_say_the_same_after_a_round() {
        let digest = "0123456789abcdef".repeat(4);
        let html = format!(
            "<html><a href='../../f/good_pkg-1.0-py3-none-any.whl#sha256={digest}' data-requires-python=\"&gt;=3.8,&lt;4\" data-core-metadata=true>\n good_pkg-1.0-py3-none-any.whl </a>\
             <a href=x data-yanked>good_pkg-1.1-py3-none-any.whl</a><abbr>x</abbr><a>good_pkg-3-py3-none-any.whl</a><a href=\"unclosed"
        );
        let offers = from_html("good-pkg", URL, &html).offers;
        assert_eq!(offers.len(), 1);
        assert_eq!(offers[0].requires_python.as_deref(), Some(">=3.8,<4"));
        let numbered: Vec<_> = offers.into_iter().map(|offer| (7, offer)).collect();
        let from_own_html = from_html("good-pkg", URL, &String::from_utf8(to_html(&numbered)).unwrap());
        let from_own_json = from_json("good-pkg", URL, &to_json("good-pkg", &numbered)).unwrap();
        assert_eq!(from_own_html, from_own_json);
        assert_eq!(from_own_html.offers[0].url, "https://host.invalid/files/7/good_pkg-1.0-py3-none-any.whl");
    }
}
