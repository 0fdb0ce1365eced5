//! `vetrun doctor`: what works here under the policy in force, why not, and the mend.

use std::io::Write as _;

use super::Failure;
use super::args::DoctorArgs;
use super::engine::options;
use super::environment::search_path;
use super::host::{launcher, on_path};
use super::in_force::Asked;
use super::reporting::answer;
use crate::output::sanitize;
use crate::policy::{Layer, Origin};
use crate::sandbox::docker::{self, DockerSandbox};
use crate::sandbox::native::{self, NativeSandbox};
use crate::sandbox::{Diagnosis, Interpreter, Sandbox, SandboxError};
use crate::vet::Exit;

/// `vetrun doctor`: exits with 0 where at least one back end works, else with 2.
pub(super) fn doctor(args: &DoctorArgs) -> Result<Exit, Failure> {
    let mut out = answer();
    let mut typed = Layer::default();
    super::options::image(&mut typed, args.image.as_deref());
    typed.set("execute.runtime", args.runtime.as_ref(), Origin::Option { name: "--runtime" });
    let asked =
        Asked { policy: args.policy.as_deref(), no_policy: args.no_policy, is_running: true, ..Asked::default() };
    let in_force = asked.in_force(typed)?;
    if let Some(file) = in_force.file {
        writeln!(out, "policy: {}", sanitize::line(&file.to_string_lossy()))?;
    }
    for note in in_force.notes {
        writeln!(out, "note: {}", sanitize::line(&note))?;
    }
    let options = options(&in_force.resolved.policy.execute)?;
    let native = native::diagnose(&launcher());
    let docker = docker::diagnose(options.clone());
    for diagnosis in [&native, &docker] {
        write!(out, "{}", described(diagnosis))?;
    }
    if native.usable {
        let sandbox = NativeSandbox::new(launcher(), search_path());
        write!(out, "{}", interpreters("native", sandbox.map(|sandbox| Box::new(sandbox) as Box<dyn Sandbox>)))?;
    }
    if docker.usable {
        let sandbox = DockerSandbox::connect(options);
        write!(out, "{}", interpreters("docker", sandbox.map(|sandbox| Box::new(sandbox) as Box<dyn Sandbox>)))?;
    }
    match on_path("uv") {
        Some(path) => writeln!(out, "installer uv: {}", sanitize::line(&path.to_string_lossy()))?,
        None => writeln!(out, "installer uv: not on the PATH; it is needed for `--installer uv` alone")?,
    }
    Ok(if native.usable || docker.usable { Exit::Passed } else { Exit::NotVetted })
}

fn described(diagnosis: &Diagnosis) -> String {
    let word = if diagnosis.usable { "works" } else { "does not work" };
    let mut text = format!("sandbox {}: {word}: {}\n", diagnosis.backend, sanitize::line(&diagnosis.summary));
    for mend in &diagnosis.mends {
        text += &format!("  mend: {}\n", sanitize::line(mend));
    }
    let missing: Vec<_> =
        diagnosis.isolation.layers.iter().filter(|(_, active)| !**active).map(|(name, _)| *name).collect();
    if diagnosis.usable && !missing.is_empty() {
        text += &format!("  layers that are not active: {}\n", missing.join(", "));
    }
    let loose = diagnosis.isolation.limits.iter().filter(|(_, limit)| !limit.enforced);
    for (name, limit) in loose {
        text += &format!("  limit that is not enforced: {name}: {}\n", sanitize::line(&limit.by));
    }
    text
}

fn interpreters(backend: &str, sandbox: Result<Box<dyn Sandbox>, SandboxError>) -> String {
    let sandbox = match sandbox {
        Ok(sandbox) => sandbox,
        Err(error) => return format!("  {}\n", sanitize::line(&error.to_string())),
    };
    let mut text = String::new();
    for kind in [Interpreter::Python, Interpreter::Node] {
        text += &match sandbox.interpreter(kind) {
            Ok(info) => {
                format!("interpreter {} ({backend}): {} {}\n", kind.command(), info.version, sanitize::line(&info.path))
            }
            Err(error) => {
                format!("interpreter {} ({backend}): {}\n", kind.command(), sanitize::line(&error.to_string()))
            }
        };
    }
    text
}
