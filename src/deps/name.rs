//! Names of distributions, compared in one normalised form (PEP 503).

/// The longest name that is looked at, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 128;

/// Lower case, with each run of `-`, `_` and `.` as one `-`.
#[must_use]
pub fn normalised(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for char in name.chars() {
        let is_separator = matches!(char, '-' | '_' | '.');
        if !is_separator {
            out.push(char.to_ascii_lowercase());
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    out
}

/// Whether `name` is a valid name in normalised form.
#[must_use]
pub fn is_normalised(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX && super::text::is_name(name) && normalised(name) == name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_in_one_form() {
        for (name, form) in
            [("Flask", "flask"), ("ruamel.yaml", "ruamel-yaml"), ("a-_.B", "a-b"), ("zope.interface", "zope-interface")]
        {
            assert_eq!(normalised(name), form);
            assert!(is_normalised(form) && (name == form || !is_normalised(name)));
        }
        assert!(!is_normalised("-a") && !is_normalised("a/b") && !is_normalised(""));
    }
}
