//! The macro-benchmark: CPU of append and flush, bytes in the log and in the blocks.

use clock::{Clock, SystemClock};
use load::cpu_seconds;
use tokio::runtime::Runtime;

use crate::columns;
use crate::traffic::{Batches, append_all, folder, open};

/// About what a flush holds at full load.
const SPANS: u64 = 200_000;
const ROUNDS: usize = 3;
const APPENDERS: usize = 4;

/// Appends and flushes on fresh folders and prints the figures of each round; bytes per column of the last.
pub(crate) fn measure() {
    let runtime = Runtime::new().expect("a runtime");
    let traffic = Batches::decode(SPANS);
    let millions = traffic.n_spans as f64 / 1e6;
    println!(
        "{} spans, {} requests",
        traffic.n_spans,
        traffic.batches.len()
    );
    println!(
        "{:>7}{:>18}{:>18}{:>18}{:>18}{:>14}{:>14}",
        "round",
        "append CPU s/M",
        "append spans/s",
        "flush CPU s/M",
        "flush spans/s",
        "log B/span",
        "blocks B/span"
    );
    for round in 1..=ROUNDS {
        let folder = folder();
        let store = open(&folder);
        let append = timed(|| append_all(&runtime, &store, &traffic.batches, APPENDERS, 0));
        let log = columns::folder_bytes(folder.path());
        let flush = timed(|| runtime.block_on(store.flush()).expect("the disk has space"));
        let measured = columns::measure(folder.path());
        let n_spans = traffic.n_spans as f64;
        println!(
            "{round:>7}{:>18.2}{:>18.0}{:>18.2}{:>18.0}{:>14.1}{:>14.1}",
            append.cpu / millions,
            n_spans / append.wall,
            flush.cpu / millions,
            n_spans / flush.wall,
            log as f64 / n_spans,
            measured.files_bytes as f64 / n_spans
        );
        if round == ROUNDS {
            measured.print(traffic.n_spans);
        }
    }
}

/// Seconds.
struct Times {
    cpu: f64,
    wall: f64,
}

fn timed(work: impl FnOnce()) -> Times {
    let cpu = || cpu_seconds(std::process::id()).unwrap_or_default();
    let (started, cpu_before) = (SystemClock.instant(), cpu());
    work();
    Times {
        cpu: cpu() - cpu_before,
        wall: (SystemClock.instant() - started).as_secs_f64(),
    }
}
