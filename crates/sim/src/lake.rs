//! Where the lake of a world lies, and the faults of whatever it lies on.

use std::sync::Arc;

use clock::ManualClock;
use storage::LakeObjects;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::bucket::{BucketPlan, FaultyBucket};
use crate::chance::Chance;
use crate::disk::{FaultyDisk, Plan};
use crate::run::Run;

/// The lake's folder in a data folder.
const FOLDER: &str = "lake/";

/// A lake in a bucket.
#[derive(Debug)]
pub(crate) struct BucketLake {
    pub(crate) bucket: FaultyBucket,
    part_bytes: usize,
}

/// Faults that do not happen for the moment.
pub(crate) struct Paused {
    disk: Option<Plan>,
    bucket: Option<BucketPlan>,
}

impl BucketLake {
    /// The bucket of a world, or `None` where the lake is in the data folder: every other one.
    pub(crate) fn draw(chance: &Chance, clock: &Arc<ManualClock>) -> Option<Self> {
        let page_len = chance.between(1, 6) as usize;
        // Some blocks are larger than any of these but the last.
        let part_bytes = *chance.pick(&[512, 2 << 10, 8 << 10, 8 << 20]);
        chance.per_mille(500).then(|| Self {
            bucket: FaultyBucket::new(clock.clone(), page_len),
            part_bytes,
        })
    }

    /// The lake as the process on `disk` takes it.
    pub(crate) fn objects(&self, disk: &FaultyDisk) -> LakeObjects {
        LakeObjects {
            objects: self.bucket.client(disk),
            part_bytes: self.part_bytes,
        }
    }
}

impl Run {
    /// The bucket, where there is one.
    pub(crate) fn bucket(&self) -> Option<&FaultyBucket> {
        self.lake.as_ref().map(|lake| &lake.bucket)
    }

    /// Stops an operation on a path of a data folder, wherever its lake is: see [`FaultyDisk::hold`] and [`FaultyBucket::hold`].
    pub(crate) fn hold(&self, prefix: &str, nth: u64) -> UnboundedReceiver<()> {
        match (self.bucket(), prefix.strip_prefix(FOLDER)) {
            (Some(bucket), Some(prefix)) => bucket.hold(prefix, nth),
            _ => self.disk.hold(prefix, nth),
        }
    }

    /// Lets go on what is held.
    pub(crate) fn release(&self) {
        self.disk.release();
        if let Some(bucket) = self.bucket() {
            bucket.release();
        }
    }

    /// No faults for the moment.
    pub(crate) fn pause_faults(&self) -> Paused {
        Paused {
            disk: self.disk.set_plan(None),
            bucket: self.bucket().and_then(|bucket| bucket.set_plan(None)),
        }
    }

    /// The same faults as before.
    pub(crate) fn resume_faults(&self, paused: Paused) {
        self.disk.set_plan(paused.disk);
        if let Some(bucket) = self.bucket() {
            bucket.set_plan(paused.bucket);
        }
    }

    /// Lets requests fail from now on, or no more.
    pub(crate) fn change_bucket_faults(&mut self) -> (String, String) {
        let Some(bucket) = self.bucket().cloned() else {
            return ("bucket".to_owned(), "there is none".to_owned());
        };
        self.had_faults = true;
        if self.chance.per_mille(250) {
            bucket.calm();
            return ("the bucket is well".to_owned(), String::new());
        }
        let plan = BucketPlan {
            seed: self.chance.any(),
            refused_per_mille: *self.chance.pick(&[0, 10, 50, 150]),
            lost_per_mille: *self.chance.pick(&[0, 30, 100, 250]),
            late_per_mille: *self.chance.pick(&[0, 30, 100, 250]),
            slow_per_mille: *self.chance.pick(&[0, 0, 50, 300]),
            outage: *self.chance.pick(&[0, 0, 0, 3, 20, 120]),
        };
        let what = format!("the bucket is faulty: {plan:?}");
        self.journal.count("changes of the bucket's fault plan", 1);
        let has_outage = plan.outage > 0;
        bucket.set_plan(Some(plan));
        self.journal
            .count("outages of the bucket", u64::from(has_outage));
        (what, String::new())
    }

    /// Ends the process during one of the next requests.
    pub(crate) fn arm_bucket_crash(&mut self) -> (String, String) {
        let nth = self.chance.between(1, 25);
        if let Some(bucket) = self.bucket() {
            bucket.crash_in(nth);
        }
        self.had_faults = true;
        let what = format!("the process will end during request {nth}");
        (what, String::new())
    }

    /// The files of blocks.
    pub(crate) fn block_files(&self) -> Vec<String> {
        match self.bucket() {
            Some(bucket) => bucket.paths("spans/hour="),
            None => self.disk.paths("lake/spans/hour="),
        }
    }
}
