//! From options to the layer of the policy that they are: what is typed outranks everything else.

use super::args::{JudgingArgs, ReadingArgs, RunningArgs};
use crate::policy::{Layer, Origin};

const fn by(name: &'static str) -> Origin {
    Origin::Option { name }
}

/// What options about reading and judging set.
pub(super) fn judging(layer: &mut Layer, judging: &JudgingArgs, reading: &ReadingArgs) {
    layer.set("gate.fail_on", judging.fail_on, by("--fail-on"));
    layer.set("gate.min_confidence", judging.min_confidence, by("--min-confidence"));
    layer.add("gate.select", &judging.select, by("--select"));
    layer.add("gate.ignore", &judging.ignore, by("--ignore"));
    layer.set("gate.allow_suppressions", judging.allow_suppressions.then_some(true), by("--allow-suppressions"));
    layer.set("scan.builtin_rules", judging.no_builtin_rules.then_some(false), by("--no-builtin-rules"));
    let dirs: Vec<_> = judging.rules.iter().map(|dir| dir.to_string_lossy()).collect();
    layer.add("scan.rule_dirs", &dirs, by("--rules"));
    layer.set("cache.dir", judging.cache.as_ref().map(|dir| dir.to_string_lossy()), by("--cache"));
    if judging.no_cache {
        layer.forget("cache.dir", by("--no-cache"));
    }
    layer.set("structure.profile", reading.profile.as_ref(), by("--profile"));
}

/// What options about running set.
pub(super) fn running(layer: &mut Layer, running: &RunningArgs) {
    layer.set("execute.sandbox", running.sandbox, by("--sandbox"));
    image(layer, running.image.as_deref());
    layer.set("execute.pull", running.pull, by("--pull"));
    layer.set("execute.runtime", running.runtime.as_ref(), by("--runtime"));
    layer.set("execute.timeout", running.timeout, by("--timeout"));
    layer.set("execute.memory", running.memory, by("--memory"));
    layer.set("execute.cpus", running.cpus, by("--cpus"));
    layer.set("execute.pids", running.pids, by("--pids"));
    layer.set("execute.network", running.network, by("--network"));
    layer.set("execute.trace", running.no_trace.then_some(false), by("--no-trace"));
    for (name, value) in &running.env {
        layer.set_in("execute.env", name, value, by("--env"));
    }
    let entry = running.entry.as_ref().map(|entry| entry.split_whitespace().collect::<Vec<_>>());
    layer.set("execute.entry", entry, by("--entry"));
    layer.set("install.installer", running.installer, by("--installer"));
    layer.add("install.groups", &running.group, by("--group"));
    layer.set("install.build_sources", running.build_sources.then_some(true), by("--build-sources"));
    layer.set("install.enabled", running.no_install.then_some(false), by("--no-install"));
}

/// What `--image` sets: who names an image means it for everything.
pub(super) fn image(layer: &mut Layer, image: Option<&str>) {
    if image.is_some() {
        layer.forget("execute.images", by("--image"));
        layer.set("execute.image", image, by("--image"));
    }
}
