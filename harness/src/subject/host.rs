//! A host as subject: cases put hosts together behind a door, and clients visit them.

use std::rc::Rc;
use std::sync::Arc;

use reference_backend::{CpuMeter, Fault, GuestEngine};

use super::Refusal;
use super::in_process::InProcess;
use crate::case::Job;
use crate::lab::clock::Clock;
use crate::lab::door::Component;
use crate::lab::host::{HostLab, PROBE, PROBE_NAME};
use crate::lab::judge;
use crate::lab::recorder::Recorder;
use crate::rng::Rng;
use crate::verdict::Judged;

/// The reference host, in this process.
pub struct HostSubject {
    door: InProcess,
    /// What is broken on purpose.
    fault: Option<Fault>,
}

impl HostSubject {
    /// What reports call it.
    pub const NAME: &'static str = "reference-backend";

    /// Compiles what its cases need.
    ///
    /// # Errors
    /// When the machine cannot run guests.
    pub fn start() -> Result<Self, Refusal> {
        Self::with(GuestEngine::new(CpuMeter::Fuel)?, None)
    }

    /// The same, broken in this way.
    ///
    /// # Errors
    /// As [`Self::start`].
    #[cfg(feature = "selftest")]
    pub fn broken(fault: Fault) -> Result<Self, Refusal> {
        let engine = GuestEngine::new(CpuMeter::Fuel)?.with_fault(fault);
        Self::with(engine, Some(fault))
    }

    fn with(engine: GuestEngine, fault: Option<Fault>) -> Result<Self, Refusal> {
        let probe = engine.load(PROBE_NAME, PROBE)?;
        let door = InProcess::new(engine)
            .knowing(Component::carried(PROBE), probe)
            .with_same_ids()
            .broken(fault);
        Ok(Self { door, fault })
    }

    /// Judges one job: the case's claim, on the job's protocol.
    #[must_use]
    pub fn judge(&self, job: Job<HostLab>, seed: u64) -> Judged {
        let mut words = vec!["host".to_owned()];
        let broken = |fault: &Fault| Fault::all().find(|(_, known)| known == fault);
        if let Some((name, _)) = self.fault.as_ref().and_then(broken) {
            words.extend(["--fault".to_owned(), name.to_owned()]);
        }
        let repeat = judge::repeat_command(&words, job, seed);
        let door = Rc::new(self.door.clone().seeded(seed));
        judge::judge(Clock::Virtual, job, repeat, |origin| {
            let recorder = Recorder::new(origin);
            let rng = Rng::for_purpose(seed, job.case.name, job.protocol);
            let lab = HostLab::new(job.protocol, door, rng, origin, Arc::clone(&recorder));
            (recorder, async move { (job.case.run)(&lab).await })
        })
    }
}
