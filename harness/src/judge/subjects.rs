//! The subjects of a run, each with what else the run is told.

use super::Judge;
use crate::case::Job;
use crate::lab::guest::GuestLab;
use crate::lab::host::HostLab;
use crate::subject::guest::GuestSubject;
use crate::subject::host::HostSubject;
use crate::verdict::Judged;

/// A guest on the reference host, in process.
pub struct Guest {
    pub subject: GuestSubject,
    pub file: String,
    pub seed: u64,
}

impl Judge for Guest {
    type Lab = GuestLab;

    fn name(&self) -> String {
        self.file.clone()
    }

    fn serves(&self, protocol: i32) -> bool {
        !self.subject.refuses(protocol, self.seed)
    }

    fn judge(&self, job: Job<GuestLab>) -> Judged {
        self.subject.judge(job, self.seed)
    }
}

/// The reference host, in process.
pub struct Reference {
    pub subject: HostSubject,
    pub seed: u64,
}

impl Judge for Reference {
    type Lab = HostLab;

    fn name(&self) -> String {
        HostSubject::NAME.to_owned()
    }

    /// What the reference host supports is what can be selected.
    fn serves(&self, _protocol: i32) -> bool {
        true
    }

    fn judge(&self, job: Job<HostLab>) -> Judged {
        self.subject.judge(job, self.seed)
    }
}
