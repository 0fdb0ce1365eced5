//! Containers that are ready before there is anything to run in them, for one program each.
//!
//! Most of what a container costs does not depend on what will run in it. A container of the usual kind (no network, no
//! input but the artifact, the limits of the policy) is made ahead with an empty folder as its input; the artifact's files
//! are put there when it is known. It runs one program and is removed like any other. What wants anything else gets a
//! container of its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bollard::Docker;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::engine::Features;
use super::folder::RunFolder;
use super::image::Image;
use super::paths::Paths;
use super::ready::{Place, Ready, ready, remove};
use crate::sandbox::{Job, Limits, Network, Program, SandboxError, Stop, WORK_DIR};

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
    /// Ends the making of further ones.
    stop: Stop,
}

impl Pool {
    /// A pool that keeps `count` containers ready, once it is [filled](Self::refill).
    pub(super) fn new(maker: Maker, count: usize) -> Self {
        let maker = Arc::new(maker);
        Self { count, maker, waiting: Arc::default(), making: Mutex::default(), stop: Stop::default() }
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
            let warm = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if warm.since.elapsed() < AGE_MAX && warm.ready.link.is_open() {
                return Some(warm);
            }
            // What cannot be removed now is swept by a later vetrun.
            let _ = runtime.block_on(remove(&self.maker.client, &warm.ready.name));
        }
    }

    /// Begins to make as many containers as are missing.
    pub(super) fn refill(&self, runtime: &Runtime) {
        let mut making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        making.retain(|task| !task.is_finished());
        let there = making.len() + self.waiting.lock().unwrap_or_else(PoisonError::into_inner).len();
        for _ in there..self.count {
            let (maker, waiting, stop) = (Arc::clone(&self.maker), Arc::clone(&self.waiting), self.stop.clone());
            making.push(runtime.spawn(async move {
                // A run that finds none makes its own, and is told then what is wrong.
                if let Ok(Some(warm)) = make(&maker, &stop).await {
                    waiting.lock().unwrap_or_else(PoisonError::into_inner).push(warm);
                }
            }));
        }
    }

    /// Removes all containers that wait, and makes no more.
    pub(super) fn close(&self, runtime: &Runtime) {
        self.stop.raise();
        let making = std::mem::take(&mut *self.making.lock().unwrap_or_else(PoisonError::into_inner));
        runtime.block_on(async {
            for task in making {
                // One that panicked has made nothing.
                let _ = task.await;
            }
            let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            let removals = waiting.iter().map(|warm| remove(&self.maker.client, &warm.ready.name));
            // What cannot be removed now is swept by a later vetrun.
            let _ = futures_util::future::join_all(removals).await;
        });
    }
}

async fn make(maker: &Maker, stop: &Stop) -> Result<Option<Warm>, SandboxError> {
    let folder = RunFolder::make(&maker.paths)?;
    let mut mounts = folder.stage(&[], &maker.paths)?;
    mounts.push(folder.stage_later()?);
    let Maker { client, features, image, .. } = maker;
    // A job as far as it decides what its container is like.
    let job = &Job::bare(Program::Command(String::new()), maker.limits.clone());
    let place = Place { client, features, image, folder: &folder, mounts: &mounts, job, stop };
    let ready = ready(&place, &folder.name()).await.map_err(|trouble| trouble.error)?;
    Ok(ready.map(|ready| Warm { folder, ready, since: Instant::now() }))
}
