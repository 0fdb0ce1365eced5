//! `vetrun init` and `vetrun schema`.

use std::fs::OpenOptions;
use std::io::Write as _;

use super::Failure;
use super::args::{InitArgs, SchemaOf};
use super::in_force::POLICY_FILE;
use super::reporting::answer;
use crate::report::Report;
use crate::rules::RuleSet;
use crate::vet::Exit;

/// `vetrun init`: writes the commented policy, and never over one that is there unless asked to.
pub(super) fn init(args: &InitArgs) -> Result<Exit, Failure> {
    let path = args.dir.join(POLICY_FILE);
    let mut options = OpenOptions::new();
    options.write(true).truncate(true).create(args.force).create_new(!args.force);
    let mut file = options.open(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => format!("{} is there already (replace it with `--force`)", path.display()),
        _ => format!("could not write {}: {error}", path.display()),
    })?;
    file.write_all(crate::policy::TEMPLATE.as_bytes())?;
    writeln!(answer(), "wrote {}", path.display())?;
    Ok(Exit::Passed)
}

/// `vetrun schema`: prints a JSON Schema.
pub(super) fn schema(what: SchemaOf) -> Result<Exit, Failure> {
    let schema = match what {
        SchemaOf::Report => schemars::schema_for!(Report).to_value(),
        SchemaOf::Policy => crate::policy::schema(),
        SchemaOf::Rule => RuleSet::schema(),
        SchemaOf::Hook => super::hook::schema(),
        SchemaOf::Tool => crate::serve::functions(),
    };
    writeln!(answer(), "{}", serde_json::to_string_pretty(&schema)?)?;
    Ok(Exit::Passed)
}
