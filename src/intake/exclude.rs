//! What is left out of a snapshot.

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

use super::IntakeError;

/// What is left out of a snapshot.
#[derive(Clone, Debug, Default)]
pub struct ExcludeSet {
    /// Folders at the root that are left out with all that is in them. Most sets hold nothing else, and to compile globs
    /// takes longer than to vet a small file.
    folders: Vec<String>,
    globs: GlobSet,
}

impl ExcludeSet {
    /// Whether a path relative to the root is left out.
    #[must_use]
    pub fn is_match(&self, path: &str) -> bool {
        let first = path.split('/').next();
        self.folders.iter().any(|folder| first == Some(folder)) || self.globs.is_match(path)
    }
}

/// Compiles exclusions. A glob that matches a folder leaves out all that is in it; `*` does not match `/`.
///
/// # Errors
/// [`IntakeError::BadGlob`] names the first that is not a glob.
pub fn exclude_set<S: AsRef<str>>(globs: &[S]) -> Result<ExcludeSet, IntakeError> {
    let bad = |glob: &str, error: globset::Error| IntakeError::BadGlob {
        glob: glob.to_owned(),
        message: error.kind().to_string(),
    };
    let mut folders = Vec::new();
    let mut set = GlobSetBuilder::new();
    for glob in globs.iter().map(AsRef::as_ref) {
        let folder = glob.strip_suffix("/**");
        if let Some(folder) = folder.filter(|folder| is_plain(folder)) {
            folders.push(folder.to_owned());
            continue;
        }
        set.add(GlobBuilder::new(glob).literal_separator(true).build().map_err(|error| bad(glob, error))?);
        if let Some(folder) = folder {
            set.add(Glob::new(folder).map_err(|error| bad(glob, error))?);
        }
    }
    Ok(ExcludeSet { folders, globs: set.build().map_err(|error| bad("", error))? })
}

/// Whether a glob is one name that stands for itself.
fn is_plain(glob: &str) -> bool {
    !glob.is_empty() && glob.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_at_the_root_means_what_its_globs_mean() {
        let plain = exclude_set(&["a.b/**"]).expect("it is a glob");
        assert_eq!((plain.folders.len(), plain.globs.len()), (1, 0));
        let globs = ["a.b/**", "a.b"].map(|glob| GlobBuilder::new(glob).literal_separator(true).build().unwrap());
        let compiled = GlobSet::new(globs).expect("they are globs");
        for path in ["a.b", "a.b/c", "a.b/c/d", "a.b.c", "axb", "a", "c/a.b", "c/a.b/d", "a.bc/d"] {
            assert_eq!(plain.is_match(path), compiled.is_match(path), "{path}");
        }
        let others = exclude_set(&["*/**", "a/b/**", "**"]).expect("they are globs");
        assert_eq!((others.folders.len(), others.globs.len()), (0, 5));
    }
}
