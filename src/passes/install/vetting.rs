//! How one wheel is vetted here: the limits of the policy, and what it is held against.

use super::probe::Probe;
use crate::deps::wheel::{self, Surroundings, Wheel, WheelLimits, WheelName};
use crate::finding::Finding;
use crate::policy::InstallPolicy;

/// What wheels are held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vetting<'a> {
    pub(super) probe: &'a Probe,
    pub(super) limits: WheelLimits,
}

impl<'a> Vetting<'a> {
    pub(super) fn new(probe: &'a Probe, policy: &InstallPolicy) -> Self {
        let limits = WheelLimits {
            members_max: policy.installed_files_max,
            unpacked_bytes_max: policy.installed_bytes_max.bytes(),
            ..WheelLimits::default()
        };
        Self { probe, limits }
    }

    /// Vets a wheel.
    ///
    /// # Errors
    /// What stands against it.
    pub(super) fn vet<'w>(&self, name: &WheelName, bytes: &'w [u8]) -> Result<Wheel<'w>, Vec<Finding>> {
        let around =
            Surroundings { stdlib: &self.probe.stdlib, owner_of: &|_| None, interpreter: self.probe.abi.as_ref() };
        wheel::vet(name, bytes, &self.limits, &around)
    }
}
