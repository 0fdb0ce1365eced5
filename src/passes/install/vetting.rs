//! How one wheel is vetted here: the limits of the policy, and what it is held against.

use super::probe::Probe;
use crate::deps::names::{NameData, is_allowed};
use crate::deps::wheel::{self, Surroundings, Wheel, WheelLimits, WheelName};
use crate::finding::Finding;
use crate::policy::InstallPolicy;

/// What wheels are held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vetting<'a> {
    probe: &'a Probe,
    pub(super) limits: WheelLimits,
    names: &'a NameData,
    policy: &'a InstallPolicy,
}

impl<'a> Vetting<'a> {
    pub(super) fn new(probe: &'a Probe, policy: &'a InstallPolicy, names: &'a NameData) -> Self {
        let limits = WheelLimits {
            members_max: policy.installed_files_max,
            unpacked_bytes_max: policy.installed_bytes_max.bytes(),
            ..WheelLimits::default()
        };
        Self { probe, limits, names, policy }
    }

    /// Vets a wheel.
    ///
    /// # Errors
    /// What stands against it.
    pub(super) fn vet<'w>(&self, name: &WheelName, bytes: &'w [u8]) -> Result<Wheel<'w>, Vec<Finding>> {
        let is_trusted = self.is_known(&name.distribution);
        let around = Surroundings {
            stdlib: &self.probe.stdlib,
            owner_of: &|module| if is_trusted { None } else { self.owner(module) },
            interpreter: self.probe.abi.as_ref(),
        };
        wheel::vet(name, bytes, &self.limits, &around)
    }

    /// Whether a package is among the most popular ones, or the policy's owner knows it.
    pub(super) fn is_known(&self, name: &str) -> bool {
        self.names.rank(name).is_some() || is_allowed(name, self.policy)
    }

    /// The popular package that a top-level module is known to be of. Popular packages share modules by agreement
    /// (`opencv-python-headless` has `cv2` as well), so only of others it is asked.
    fn owner(&self, module: &str) -> Option<&'a str> {
        if self.names.is_namespace(module) {
            return None;
        }
        self.names.bringer(module)?.package
    }
}
