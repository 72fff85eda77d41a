//! Some dozens of seeds, and that the auditor notices what is wrong. Nights run thousands: `cargo xtask sim --seeds 0..5000`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use sim::{Options, Outcome, run};

/// Runs seeds on two threads until `look` has seen them all, or wants no more.
fn each(seeds: std::ops::Range<u64>, options: &Options, look: impl Fn(&Outcome) -> bool + Sync) {
    let next = AtomicU64::new(seeds.start);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || !look(&run(seed, options)) {
                        next.store(seeds.end, Ordering::Relaxed);
                        return;
                    }
                }
            });
        }
    });
}

/// What has to go wrong in some dozens of seeds, so that their silence says something.
const FAULTS: [&str; 14] = [
    "losses of power",
    "disk: changes that failed",
    "disk: changes without space",
    "disk: reads that failed",
    "outages of the bucket",
    "bucket: puts if absent, refused in an outage",
    "bucket: puts if absent, with a lost answer",
    "bucket: puts if absent, given up and done later",
    "bucket: parts of uploads, with a lost answer",
    "bucket: deletes, given up and done later",
    "bucket: pages of listings, with a lost answer",
    "bucket: gets, slow",
    "bucket: late effects that came about",
    "bucket: uploads left unfinished",
];

#[test]
fn no_seed_shows_a_violation() {
    let options = Options::default();
    let counts: Mutex<BTreeMap<String, u64>> = Mutex::default();
    each(0..48, &options, |outcome| {
        for (what, n) in &outcome.counts {
            *counts.lock().unwrap().entry(what.clone()).or_default() += n;
        }
        assert!(
            outcome.violation.is_none(),
            "{}\nseed {}: {}\nagain: cargo xtask sim --seed {} --steps {}",
            outcome.journal.join("\n"),
            outcome.seed,
            outcome.violation.as_deref().unwrap_or_default(),
            outcome.seed,
            options.steps,
        );
        true
    });
    let counts = counts.into_inner().unwrap();
    for place in ["a bucket", "the data folder"] {
        let worlds = counts[&format!("worlds with the lake in {place}")];
        assert!(worlds >= 12, "{worlds} of 48 in {place}");
    }
    for fault in FAULTS {
        assert!(
            counts.get(fault).is_some_and(|n| *n > 0),
            "no {fault}: {counts:#?}"
        );
    }
}

#[test]
fn a_seed_does_the_same_each_time() {
    let options = Options::default();
    for seed in 1000..1006 {
        let (one, two) = (run(seed, &options), run(seed, &options));
        assert_eq!(one.journal, two.journal);
        assert_eq!(one.digest, two.digest, "the disk of seed {seed} differs");
    }
}

#[test]
fn a_disk_that_lies_about_syncs_is_noticed() {
    let options = Options {
        syncs_lie: true,
        ..Options::default()
    };
    let noticed = AtomicU64::new(0);
    each(0..40, &options, |outcome| {
        let is_noticed = outcome.violation.is_some();
        noticed.fetch_add(u64::from(is_noticed), Ordering::Relaxed);
        !is_noticed
    });
    assert!(noticed.into_inner() > 0);
}
