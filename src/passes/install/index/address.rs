//! Addresses, as far as links on an index page need them: joining and hiding of credentials.

/// The address that the link `href` on the page `base` means; `None` unless both lead to `http` or `https`.
pub(in crate::passes::install) fn join(base: &str, href: &str) -> Option<String> {
    let href = href.split('#').next().unwrap_or_default();
    let (scheme, rest) = base.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let joined = if href.contains("://") {
        href.to_owned()
    } else if let Some(other_host) = href.strip_prefix("//") {
        format!("{scheme}://{other_host}")
    } else {
        let folder = if href.starts_with('/') { "" } else { &path[..path.rfind('/').unwrap_or(0)] };
        let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
        for part in href.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        format!("{scheme}://{authority}/{}", parts.join("/"))
    };
    let downgraded = scheme == "https" && !joined.starts_with("https://");
    let known = joined.starts_with("https://") || joined.starts_with("http://");
    (known && !downgraded && joined.is_ascii() && !joined.contains(char::is_whitespace)).then_some(joined)
}

/// The address without user name and password, for messages.
pub(crate) fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_joined() {
        let base = "https://host.invalid/root/simple/x/";
        let cases = [
            ("https://files.invalid/a.whl#sha256=00", Some("https://files.invalid/a.whl")),
            ("../../packages/a.whl", Some("https://host.invalid/root/packages/a.whl")),
            ("/p/a.whl", Some("https://host.invalid/p/a.whl")),
            ("a.whl", Some("https://host.invalid/root/simple/x/a.whl")),
            ("//other.invalid/a.whl", Some("https://other.invalid/a.whl")),
            ("../../../../../a", Some("https://host.invalid/a")),
            ("http://files.invalid/a.whl", None),
            ("file:///etc/passwd", None),
            ("a b.whl", None),
        ];
        for (href, url) in cases {
            assert_eq!(join(base, href).as_deref(), url, "{href}");
        }
        assert_eq!(join("http://127.0.0.1:1/simple/x/", "/f/a").as_deref(), Some("http://127.0.0.1:1/f/a"));
    }

    #[test]
    fn credentials_are_hidden() {
        assert_eq!(without_credentials("https://me:pw@host.invalid/simple/"), "https://host.invalid/simple/");
        assert_eq!(without_credentials("https://host.invalid/a@b"), "https://host.invalid/a@b");
    }
}
