//! Where installed packages are kept between runs.

use std::fs;
use std::path::{Path, PathBuf};

use super::Failure;
use super::args::JudgingArgs;
use super::environment;
use super::settings::build;
use crate::passes::install::Store;
use crate::policy::Policy;

/// Opens the store; `None` where nothing is to be kept, or where the user has no folder for such things. A folder that the
/// policy names must do.
pub(super) fn store(judging: &JudgingArgs, policy: &Policy, artifacts: &[PathBuf]) -> Result<Option<Store>, Failure> {
    if judging.no_cache || !policy.install.enabled {
        return Ok(None);
    }
    let bytes_max = policy.install.cache_bytes_max.bytes();
    let Some(named) = &policy.install.cache_dir else {
        let folder = own_folder().filter(|folder| !is_inside(folder, artifacts));
        return Ok(folder.and_then(|folder| Store::open(&folder, build().ok()?, bytes_max).ok()));
    };
    let store = Store::open(Path::new(named), build()?, bytes_max)?;
    if is_inside(Path::new(named), artifacts) {
        return Err(format!("the folder for packages {named} lies inside an artifact (name one outside of it)").into());
    }
    Ok(Some(store))
}

/// The user's own folder for packages.
fn own_folder() -> Option<PathBuf> {
    Some(environment::cache_home()?.join("vetrun").join("packages"))
}

fn is_inside(folder: &Path, artifacts: &[PathBuf]) -> bool {
    let Some(folder) = folder.ancestors().find_map(|folder| fs::canonicalize(folder).ok()) else { return false };
    artifacts.iter().filter_map(|path| fs::canonicalize(path).ok()).any(|root| folder.starts_with(root))
}
