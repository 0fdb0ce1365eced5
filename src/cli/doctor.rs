//! `vetrun doctor`: what works here under the policy in force, why not, and the mend.

use std::io::Write as _;

use super::Failure;
use super::args::DoctorArgs;
use super::engine::options;
use super::host::{launcher, on_path, search_path};
use super::reporting::answer;
use super::settings::policy_in_force;
use crate::output::sanitize;
use crate::policy::Images;
use crate::sandbox::docker::{self, DockerSandbox};
use crate::sandbox::native::{self, NativeSandbox};
use crate::sandbox::{Diagnosis, Interpreter, Sandbox, SandboxError};
use crate::vet::Exit;

/// `vetrun doctor`: exits with 0 where at least one back end works, else with 2.
pub(super) fn doctor(args: &DoctorArgs) -> Result<Exit, Failure> {
    let mut out = answer();
    let (file, mut policy) = policy_in_force(args.policy.as_deref(), args.no_policy)?;
    if let Some(file) = file {
        writeln!(out, "policy: {}", sanitize::line(&file.to_string_lossy()))?;
    }
    if let Some(image) = &args.image {
        // Who names an image means it for everything.
        policy.execute.image.clone_from(image);
        policy.execute.images = Images::default();
    }
    if args.runtime.is_some() {
        policy.execute.runtime.clone_from(&args.runtime);
    }
    let options = options(&policy.execute)?;
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
