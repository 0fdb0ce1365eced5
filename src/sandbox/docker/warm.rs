//! Containers that are ready before there is anything to run in them, for one program each.
//!
//! Most of what a container costs does not depend on what will run in it. A container of the usual kind (no network, no
//! input but the artifact, the limits of the policy) is made ahead with an empty folder as its input; the artifact's files
//! are put there when it is known. It runs one program and is removed like any other. What wants anything else gets a
//! container of its own.
//!
//! Once a script was run, an interpreter that is started like its own waits in each of these containers, and becomes the next
//! one.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bollard::Docker;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::engine::Features;
use super::folder::RunFolder;
use super::image::Image;
use super::link::Ahead;
use super::paths::Paths;
use super::ready::{Place, Ready, ready, remove};
use crate::sandbox::{Job, Limits, Network, Program, SandboxError, Stop, WORK_DIR, locked};

/// A container that has waited longer is not used any more: another vetrun may take it for left behind.
const AGE_MAX: Duration = Duration::from_secs(1800);

/// A container that waits for a program, and its folder.
pub(super) struct Warm {
    pub(super) folder: RunFolder,
    pub(super) ready: Ready,
    since: Instant,
}

/// What containers are made of.
pub(super) struct Maker {
    pub(super) client: Docker,
    pub(super) features: Features,
    pub(super) paths: Paths,
    pub(super) image: Image,
    pub(super) limits: Limits,
}

/// The containers that wait.
pub(super) struct Pool {
    count: usize,
    maker: Arc<Maker>,
    waiting: Arc<Mutex<Vec<Warm>>>,
    making: Mutex<Vec<JoinHandle<()>>>,
    /// The interpreter of the latest script.
    ahead: Arc<Mutex<Option<Ahead>>>,
    /// Ends the making of further ones.
    stop: Stop,
}

impl Pool {
    /// A pool that keeps `count` containers ready, once it is [filled](Self::refill).
    pub(super) fn new(maker: Maker, count: usize) -> Self {
        let maker = Arc::new(maker);
        Self {
            count,
            maker,
            waiting: Arc::default(),
            making: Mutex::default(),
            ahead: Arc::default(),
            stop: Stop::default(),
        }
    }

    /// Whether the containers of this pool are what a job needs.
    pub(super) fn fits(&self, job: &Job, image: &Image) -> bool {
        matches!(job.network, Network::None)
            && job.stdin.is_empty()
            && matches!(job.mounts.as_slice(), [mount] if mount.inside == WORK_DIR && mount.host.is_dir())
            && job.limits
                == Limits { wall: job.limits.wall, stream_bytes: job.limits.stream_bytes, ..self.maker.limits.clone() }
            && image.id == self.maker.image.id
    }

    /// A container that waits, if there is one; containers that are too old or dead are removed.
    pub(super) fn take(&self, runtime: &Runtime) -> Option<Warm> {
        loop {
            let warm = locked(&self.waiting).pop()?;
            if warm.since.elapsed() < AGE_MAX && warm.ready.link.is_open() {
                return Some(warm);
            }
            // What cannot be removed now is swept by a later vetrun.
            let _ = runtime.block_on(remove(&self.maker.client, &warm.ready.name));
        }
    }

    /// Begins to make as many containers as are missing.
    pub(super) fn refill(&self, runtime: &Runtime) {
        let mut making = locked(&self.making);
        making.retain(|task| !task.is_finished());
        let there = making.len() + locked(&self.waiting).len();
        for _ in there..self.count {
            let (maker, waiting, stop) = (Arc::clone(&self.maker), Arc::clone(&self.waiting), self.stop.clone());
            let ahead = Arc::clone(&self.ahead);
            making.push(runtime.spawn(async move {
                // A run that finds none makes its own, and is told then what is wrong.
                if let Ok(Some(warm)) = make(&maker, &ahead, &stop).await {
                    locked(&waiting).push(warm);
                }
            }));
        }
    }

    /// Expects scripts that are run like this one, if it is one: their interpreter is started in every container that waits.
    pub(super) fn expect(&self, job: &Job, runtime: &Runtime) {
        let Some(ahead) = Ahead::of(job, &self.maker.image.path) else { return };
        if locked(&self.ahead).replace(ahead.clone()).as_ref() == Some(&ahead) {
            return;
        }
        let mut waiting = std::mem::take(&mut *locked(&self.waiting));
        runtime.block_on(async {
            for warm in &mut waiting {
                warm.start(&ahead).await;
            }
        });
        locked(&self.waiting).append(&mut waiting);
    }

    /// Removes all containers that wait, and makes no more.
    pub(super) fn close(&self, runtime: &Runtime) {
        self.stop.raise();
        let making = std::mem::take(&mut *locked(&self.making));
        runtime.block_on(async {
            for task in making {
                // One that panicked has made nothing.
                let _ = task.await;
            }
            let waiting = std::mem::take(&mut *locked(&self.waiting));
            let removals = waiting.iter().map(|warm| remove(&self.maker.client, &warm.ready.name));
            // What cannot be removed now is swept by a later vetrun.
            let _ = futures_util::future::join_all(removals).await;
        });
    }
}

impl Warm {
    /// Starts an interpreter in it. Where that fails the container is dead, which is found out when it is taken.
    async fn start(&mut self, ahead: &Ahead) {
        let _ = self.ready.link.start_ahead(ahead).await;
    }
}

async fn make(maker: &Maker, ahead: &Mutex<Option<Ahead>>, stop: &Stop) -> Result<Option<Warm>, SandboxError> {
    let folder = RunFolder::make(&maker.paths)?;
    let mut mounts = folder.stage(&[], &maker.paths)?;
    mounts.push(folder.stage_later()?);
    let Maker { client, features, image, .. } = maker;
    // A job as far as it decides what its container is like.
    let job = &Job::bare(Program::Command(String::new()), maker.limits.clone());
    let place = Place { client, features, image, folder: &folder, mounts: &mounts, job, stop };
    let ready = ready(&place, &folder.name()).await.map_err(|trouble| trouble.error)?;
    let Some(ready) = ready else { return Ok(None) };
    let mut warm = Warm { folder, ready, since: Instant::now() };
    let ahead = locked(ahead).clone();
    if let Some(ahead) = ahead {
        warm.start(&ahead).await;
    }
    Ok(Some(warm))
}
