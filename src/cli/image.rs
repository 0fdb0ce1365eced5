//! `vetrun image`: the image of the docker sandbox.

use std::io::{IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Failure;
use super::args::{ImageBuildArgs, ImageCommand};
use super::engine::options;
use super::host::on_path;
use super::reporting::answer;
use super::signals::{OnSignal, watch};
use crate::output::sanitize;
use crate::policy::ExecutePolicy;
use crate::sandbox::docker::{Built, DockerOptions, DockerSandbox, Recipe, build};
use crate::sandbox::{Interpreter, Sandbox as _};
use crate::vet::Exit;

/// `vetrun image`.
pub(super) fn image(command: &ImageCommand) -> Result<Exit, Failure> {
    match command {
        ImageCommand::Build(args) => image_build(args),
    }
}

/// `vetrun image build`: says what it built, and proves it by asking its interpreters.
fn image_build(args: &ImageBuildArgs) -> Result<Exit, Failure> {
    let stop = watch(OnSignal::Stop)?;
    let policy = ExecutePolicy {
        image: args.name.clone().unwrap_or(ExecutePolicy::default().image),
        ..ExecutePolicy::default()
    };
    let options = DockerOptions { stop: stop.clone(), ..options(&policy)? };
    let recipe = Recipe {
        name: policy.image,
        build_tools: args.build_tools,
        packages: args.package.clone(),
        release: args.suite.clone().zip(args.mirror.clone()),
    };
    let shown = spinner(args.verbose);
    let told = |line: &str| {
        let line = sanitize::line(line);
        if args.verbose {
            let _closed = writeln!(anstream::stderr(), "{line}");
        } else {
            shown.set_message(line.into_owned());
            shown.tick();
        }
    };
    let built = build(&recipe, args.force, on_path("mmdebstrap").as_deref(), &options, &told);
    shown.finish_and_clear();
    if stop.is_raised() {
        return Ok(Exit::Interrupted);
    }
    let (built, image) = built?;
    let mut out = answer();
    let how = match built {
        Built::Now => "built",
        Built::Before => "is there already (build it anew with --force):",
    };
    writeln!(out, "{how} {image}")?;
    let sandbox = DockerSandbox::connect(options)?;
    for kind in [Interpreter::Python, Interpreter::Node] {
        let info = sandbox.interpreter(kind)?;
        writeln!(out, "{} {} {}", kind.command(), info.version, sanitize::line(&info.path))?;
    }
    Ok(Exit::Passed)
}

/// What is being done, on standard error where that is a terminal.
fn spinner(verbose: bool) -> ProgressBar {
    let hidden = verbose || !std::io::stderr().is_terminal();
    let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let style = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}").expect("the template is well-formed");
    ProgressBar::with_draw_target(None, target).with_style(style)
}
