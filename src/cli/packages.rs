//! Where installed packages are kept between runs.

use std::fs;
use std::path::{Path, PathBuf};

use super::Failure;
use super::args::JudgingArgs;
use super::settings::build;
use crate::passes::install::Store;
use crate::policy::Policy;

/// Opens the store; `None` where nothing is to be kept, or where the user has no folder for such things. A folder that the
/// policy names must do. `base` is the policy's own folder.
pub(super) fn store(
    judging: &JudgingArgs,
    policy: &Policy,
    base: &Path,
    artifacts: &[PathBuf],
) -> Result<Option<Store>, Failure> {
    if judging.no_cache || !policy.install.enabled {
        return Ok(None);
    }
    let bytes_max = policy.install.cache_bytes_max.bytes();
    let Some(named) = &policy.install.cache_dir else {
        let folder = own_folder().filter(|folder| !is_inside(folder, artifacts));
        return Ok(folder.and_then(|folder| Store::open(&folder, build().ok()?, bytes_max).ok()));
    };
    let folder = base.join(named);
    let store = Store::open(&folder, build()?, bytes_max)?;
    if is_inside(&folder, artifacts) {
        let folder = folder.display();
        return Err(format!("the folder for packages {folder} lies inside an artifact (name one outside of it)").into());
    }
    Ok(Some(store))
}

/// The user's folder for what can be made again (XDG base directories).
fn own_folder() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(caches.join("vetrun").join("packages"))
}

fn is_inside(folder: &Path, artifacts: &[PathBuf]) -> bool {
    let Some(folder) = folder.ancestors().find_map(|folder| fs::canonicalize(folder).ok()) else { return false };
    artifacts.iter().filter_map(|path| fs::canonicalize(path).ok()).any(|root| folder.starts_with(root))
}
