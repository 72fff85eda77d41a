//! What to beat: the design's budgets, and what the peers reached.
//!
//! The peers' figures were measured on 22 November 2026 with another generator of the same marginals (5,000,144 spans in
//! 209,304 traces, 481 bytes each), the server pinned to one core of an AMD EPYC (Zen 3 class, 2.45 GHz): VictoriaTraces
//! 895a56bb (v0.9), Grafana Tempo v3.0.3, and the ClickHouse 26.9.2 engine with bulk inserts and no server. Queries: warm
//! medians through TraceQL, where VictoriaTraces has it, otherwise its Jaeger API.

/// A figure to reach.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    pub(super) must: &'static str,
    pub(super) aim: &'static str,
    pub(super) victoria_traces: &'static str,
    pub(super) tempo: &'static str,
    pub(super) clickhouse: &'static str,
}

const fn budget(
    must: &'static str,
    aim: &'static str,
    victoria_traces: &'static str,
    tempo: &'static str,
    clickhouse: &'static str,
) -> Budget {
    Budget {
        must,
        aim,
        victoria_traces,
        tempo,
        clickhouse,
    }
}

pub(super) const CPU_ACKED: Budget = budget("", "", "30.0", "54", "9.5");
pub(super) const CPU_ALL_IN: Budget = budget("10", "6", "30.2", "72-80", "15.6");
pub(super) const SPANS_PER_SECOND: Budget = budget("90k", "160k", "32.1k", "12-20k", "");
pub(super) const ACK_P50: Budget = budget("", "", "189", "177-288", "");
pub(super) const ACK_P99: Budget = budget("250", "50", "2240", "7.6-14.5k", "");
pub(super) const RSS_INGEST: Budget = budget("400", "250", "361-383", "6.2-7.0k", "2.0k");
pub(super) const RSS_QUERIES: Budget = budget("", "", "1.0k", "2.6-6.1k", "");
pub(super) const DISK: Budget = budget("55", "45", "77", "126", "69.8");
pub(super) const WRITTEN: Budget = budget("", "", "148", "680", "");
pub(super) const FOUND_BY_ID: Budget = budget("", "", "18.7-21.5k", "10-30", "");
pub(super) const FOUND_BY_SEARCH: Budget = budget("1000", "100", "30000", "30200", "");
pub(super) const READY_EMPTY: Budget = budget("300", "", "", "", "");
pub(super) const READY_FILLED: Budget = budget("2000", "", "", "", "");
pub(super) const NONE: Budget = budget("", "", "", "", "");

pub(super) const TRACE_BY_ID: Budget = budget("5", "1.5", "11", "254-680", "");
pub(super) const ABSENT_ID: Budget = budget("0.5", "0.1", "4.0", "5.1", "");
pub(super) const LARGEST: Budget = budget("150", "60", "360", "6.1-9.5k, 3/5 fail", "");
pub(super) const OPERATION: Budget = budget("", "", "40", "118-205", "");
pub(super) const LONG: Budget = budget("", "", "130", "129-150", "");
pub(super) const ERRORS: Budget = budget("15", "5", "64", "147-313", "");
pub(super) const RARE: Budget = budget("15", "3", "63", "805-1038", "");
pub(super) const ABSENT_VALUE: Budget = budget("", "", "15", "250-409", "");
pub(super) const SUBSTRING: Budget = budget("", "", "208", "348-432", "");
pub(super) const STRUCTURAL: Budget = budget("500", "100", "empty answer", "5.8-6.6k", "");
pub(super) const STRUCTURAL_ERRORS: Budget = budget("500", "100", "empty answer", "6.0-14.8k", "");
pub(super) const RATE: Budget = budget("60", "20", "371", "824 (16 cached)", "");
pub(super) const ERROR_RATE: Budget = budget("60", "20", "220", "362 (15 cached)", "");
pub(super) const QUANTILES: Budget = budget("150", "50", "1691", "1110 (46 cached)", "");
pub(super) const SERVICES: Budget = budget("", "", "14", "13-62", "");
