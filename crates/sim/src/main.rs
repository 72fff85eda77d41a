//! `cargo xtask sim`: runs seeds, prints those that show a violation, and how to see it again.

use std::collections::BTreeMap;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use sim::{Options, Outcome, run};

const USAGE: &str =
    "usage: cargo xtask sim [--seed N | --seeds A..B] [--steps N] [--threads N] [--verbose]";

struct Request {
    seeds: Range<u64>,
    threads: u64,
    verbose: bool,
    options: Options,
}

fn main() -> ExitCode {
    let Some(request) = parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let next = AtomicU64::new(request.seeds.start);
    let failed = Mutex::new(0_u64);
    let counts: Mutex<BTreeMap<String, u64>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..request.threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= request.seeds.end {
                        return;
                    }
                    let outcome = run(seed, &request.options);
                    let mut counts = counts.lock().expect("no thread panics while it adds");
                    for (what, n) in &outcome.counts {
                        *counts.entry(what.clone()).or_default() += n;
                    }
                    if outcome.violation.is_some() || request.verbose {
                        show(&outcome, &request.options);
                        let failures = u64::from(outcome.violation.is_some());
                        *failed.lock().expect("no thread panics while it adds") += failures;
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no thread panics while it adds");
    let seeds = request.seeds.end - request.seeds.start;
    println!("{seeds} seeds, {failed} with a violation");
    for (what, n) in counts.into_inner().expect("no thread panics while it adds") {
        println!("{n:10} {what}");
    }
    ExitCode::from(u8::from(failed > 0))
}

fn show(outcome: &Outcome, options: &Options) {
    println!("seed {}", outcome.seed);
    for line in &outcome.journal {
        println!("{line}");
    }
    println!("digest {}", outcome.digest);
    if let Some(violation) = &outcome.violation {
        println!("VIOLATION {violation}");
        println!(
            "again: cargo xtask sim --seed {} --steps {}\n",
            outcome.seed, options.steps
        );
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Request> {
    let mut request = Request {
        seeds: 0..100,
        threads: std::thread::available_parallelism().map_or(1, |n| n.get() as u64),
        verbose: false,
        options: Options::default(),
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seed" => {
                let seed: u64 = arguments.next()?.parse().ok()?;
                request.seeds = seed..seed.checked_add(1)?;
                request.verbose = true;
            }
            "--seeds" => {
                let range = arguments.next()?;
                let (from, to) = range.split_once("..")?;
                request.seeds = from.parse().ok()?..to.parse().ok()?;
            }
            "--steps" => request.options.steps = arguments.next()?.parse().ok()?,
            "--threads" => request.threads = arguments.next()?.parse().ok()?,
            "--verbose" => request.verbose = true,
            _ => return None,
        }
    }
    (request.seeds.start <= request.seeds.end).then_some(request)
}
