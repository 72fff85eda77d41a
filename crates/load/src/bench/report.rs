//! The figures, as they go into the JSON file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clock::{Clock, SystemClock};
use serde::Serialize;

use super::Build;
use crate::cli::BenchArgs;
use crate::machine::Cores;
use crate::server::Server;
use crate::{AnyError, process};

/// All of a run.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) made_unix_nano: i64,
    pub(super) spans: u64,
    pub(super) seed: u64,
    pub(super) connections: usize,
    pub(super) server_core: usize,
    pub(super) other_cores: usize,
    /// As `/proc/cpuinfo` names it.
    pub(super) processor: Option<String>,
    pub(super) builds: Vec<BuildReport>,
}

/// One binary.
#[derive(Debug, Serialize)]
pub(super) struct BuildReport {
    pub(super) label: &'static str,
    pub(super) binary: PathBuf,
    /// One a round.
    pub(super) ingest: Vec<Ingest>,
    /// From the start of the process on the filled folder until it is ready.
    pub(super) ready_filled_ms: f64,
    pub(super) stop_filled_ms: f64,
    pub(super) rss_high_queries_bytes: u64,
    pub(super) queries: Vec<Class>,
}

/// An ingest run. CPU in seconds per million spans.
#[derive(Debug, Default, Serialize)]
pub(super) struct Ingest {
    pub(super) n_spans: u64,
    pub(super) n_traces: u64,
    pub(super) n_requests: u64,
    pub(super) request_bytes: u64,
    pub(super) server_nice: i32,
    pub(super) ready_empty_ms: f64,
    pub(super) stop_ms: f64,
    pub(super) wall_seconds: f64,
    pub(super) spans_per_second: f64,
    /// Until the last acknowledgement.
    pub(super) cpu_acked: f64,
    /// Until flush and compaction were quiet.
    pub(super) cpu_all_in: f64,
    pub(super) quiet_after_seconds: f64,
    /// False when it was not waited for to the end; `cpu_all_in` and the bytes are then too low.
    pub(super) became_quiet: bool,
    pub(super) ack_ms_p50: f64,
    pub(super) ack_ms_p99: f64,
    pub(super) ack_ms_max: f64,
    /// Requests that were told to come again, by status.
    pub(super) refusals: BTreeMap<u16, u64>,
    pub(super) rss_high_bytes: u64,
    /// Everything below the data folder when quiet.
    pub(super) disk_bytes_per_span: f64,
    pub(super) disk_files: u64,
    /// As the kernel counts for the process; absent when it may not be read.
    pub(super) written_bytes_per_span: Option<f64>,
    pub(super) found_by_id_ms: Option<Spread>,
    pub(super) found_by_search_ms: Option<Spread>,
    /// Of the server's core, what other processes used while sending.
    pub(super) core_taken_by_others: f64,
    /// Of this program: generating and sending.
    pub(super) sender_cpu: f64,
    pub(super) mistakes: Vec<String>,
}

/// A class of questions, all of one shape. Times in milliseconds from the first byte of the question to the last of the answer.
#[derive(Debug, Default, Serialize)]
pub(super) struct Class {
    pub(super) name: &'static str,
    /// Questions asked after the first round.
    pub(super) n_asked: usize,
    /// Of the first round, right after the start: medians.
    pub(super) first_p50: f64,
    pub(super) p50: f64,
    pub(super) p99: f64,
    /// CPU of the server for one answer.
    pub(super) cpu_ms: f64,
    /// Bytes of an answer, on average.
    pub(super) answer_bytes: u64,
    /// Why the server does not answer such questions.
    pub(super) not_answered: Option<String>,
    /// Answers that differ from the truth.
    pub(super) mistakes: Vec<String>,
}

/// A few samples.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Report {
    pub(super) fn new(args: &BenchArgs, cores: &Cores) -> Self {
        Self {
            made_unix_nano: SystemClock.unix_nano(),
            spans: args.n_spans(),
            seed: args.traffic.seed,
            connections: args.connections,
            server_core: cores.server_core,
            other_cores: cores.n_others,
            processor: process::processor(),
            builds: Vec::new(),
        }
    }
}

impl BuildReport {
    pub(super) fn new(build: &Build) -> Self {
        Self {
            label: build.label,
            binary: build.binary.clone(),
            ingest: Vec::new(),
            ready_filled_ms: 0.0,
            stop_filled_ms: 0.0,
            rss_high_queries_bytes: 0,
            queries: Vec::new(),
        }
    }

    /// Everything that was wrong, with the label.
    pub(super) fn mistakes(&self) -> Vec<String> {
        let ingest = self.ingest.iter().flat_map(|run| &run.mistakes);
        let ingest = ingest.map(|text| format!("{}, ingest: {text}", self.label));
        let of_class = |class: &Class| {
            let head = format!("{}, {}", self.label, class.name);
            let texts = class.mistakes.iter();
            texts
                .map(|text| format!("{head}: {text}"))
                .collect::<Vec<_>>()
        };
        ingest
            .chain(self.queries.iter().flat_map(of_class))
            .collect()
    }

    /// Ends the server that answered the questions.
    pub(super) fn close(&mut self, server: Server) -> Result<(), AnyError> {
        self.rss_high_queries_bytes = process::rss_high_bytes(server.pid()).unwrap_or_default();
        self.stop_filled_ms = milliseconds(server.stop()?);
        Ok(())
    }

    /// A figure over the rounds.
    pub(super) fn over_rounds(&self, figure: impl Fn(&Ingest) -> Option<f64>) -> Option<Spread> {
        let values: Vec<f64> = self.ingest.iter().filter_map(figure).collect();
        (!values.is_empty()).then(|| Spread::of(&values))
    }
}

impl Spread {
    /// Of at least one sample.
    pub(super) fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
        Self {
            median: (at(last / 2) + at(last.div_ceil(2))) / 2.0,
            min: at(0),
            max: at(last),
        }
    }
}

pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The sample that this share of the sorted samples does not exceed (nearest rank).
pub(super) fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    let index = rank.clamp(1, sorted.len().max(1)) - 1;
    sorted.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples() {
        let samples: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        let at = |share| quantile(&samples, share).as_millis();
        assert_eq!([at(0.0), at(0.5), at(0.99), at(1.0)], [1, 50, 99, 100]);
        assert_eq!(quantile(&[], 0.5), Duration::ZERO);
    }

    #[test]
    fn a_spread_has_the_middle_of_an_even_number_of_samples() {
        let spread = Spread::of(&[3.0, 1.0, 2.0, 10.0]);
        assert_eq!((spread.median, spread.min, spread.max), (2.5, 1.0, 10.0));
        assert_eq!(Spread::of(&[7.0]).median, 7.0);
    }
}
