//! Retention by rule: how long a trace is kept because of what it is.

use std::ops::Range;
use std::time::Duration;

use model::TenantId;
use store_api::{Error, ErrorKind, TraceFilter, Traces, Verdict};
use traceql::Query;

use crate::condition::Condition;
use crate::context::TraceContext;
use crate::eval::judge;
use crate::value::Tri;

/// Rules of the form "traces with a span that matches are kept this long".
///
/// Of the rules that match a trace the one that keeps it longest holds; without any, its tenant's time.
#[derive(Debug)]
pub struct RetentionRules {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    query: Query,
    condition: Condition,
    keep: Duration,
}

impl RetentionRules {
    /// Rules of queries that `traceql` has checked.
    ///
    /// Errors: `Pattern`, for trees that were not checked; `Unsupported`, for queries that are more than one filter.
    pub fn new(
        rules: impl IntoIterator<Item = (Query, Duration)>,
    ) -> Result<Self, crate::error::Error> {
        let rule = |(query, keep)| {
            Condition::compile(&query).map(|condition| Rule {
                query,
                condition,
                keep,
            })
        };
        let rules: Result<_, _> = rules.into_iter().map(rule).collect();
        rules.map(|rules| Self { rules })
    }
}

impl Rule {
    /// Which of the traces in `ranges` have a span that matches.
    fn matches(
        &self,
        traces: &Traces<'_>,
        ranges: &[Range<usize>],
    ) -> Result<Vec<bool>, columnar::ViewError> {
        let context = TraceContext::for_query(&self.query, traces.batch(), ranges)?;
        let verdicts = judge(&self.condition, traces.batch(), context.as_ref())?;
        let matches = |rows: &Range<usize>| verdicts[rows.clone()].contains(&Tri::True);
        Ok(ranges.iter().map(matches).collect())
    }
}

impl TraceFilter for RetentionRules {
    fn judge(&self, _: &TenantId, traces: &Traces<'_>) -> Result<Vec<Verdict>, Error> {
        let ranges: Vec<Range<usize>> = (0..traces.len()).map(|n| traces.rows(n)).collect();
        let mut keep: Vec<Option<Duration>> = vec![None; traces.len()];
        for rule in &self.rules {
            let matches = rule.matches(traces, &ranges).map_err(|e| {
                Error::new(ErrorKind::Internal, "judging traces by retention rules").caused_by(e)
            })?;
            for (keep, matches) in keep.iter_mut().zip(matches) {
                if matches {
                    *keep = (*keep).max(Some(rule.keep));
                }
            }
        }
        let verdict = |keep: Option<Duration>| keep.map_or(Verdict::Keep, Verdict::KeepFor);
        Ok(keep.into_iter().map(verdict).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use columnar::from_model;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[test]
    fn a_rule_is_one_filter() {
        for (text, start) in [
            ("{ } | count() > 2", 6),
            ("{ .a } >> { .b }", 0),
            ("{ } | rate()", 6),
        ] {
            let query = traceql::parse(text).unwrap().query;
            let refused = RetentionRules::new([(query, DAY)]).unwrap_err();
            let crate::error::Error::Unsupported { place, .. } = refused else {
                panic!("{text}: {refused}");
            };
            assert_eq!(place.start, start, "{text}");
        }
    }

    #[test]
    fn the_longest_rule_that_matches_a_span_of_the_trace_holds() {
        let spans = testkit::traces(
            "trace 1
               cart load 0..5
                 cart query 1..2 error
             trace 2
               cart load 0..5
             trace 3
               cart health 0..5
             trace 4
               cart health 0..5000 error",
        );
        let batch = from_model(&spans, &TenantId::default_tenant(), 1);
        let rule = |text: &str, days| (traceql::parse(text).unwrap().query, days * DAY);
        let rules = RetentionRules::new([
            rule("{ status = error }", 30),
            rule("{ name = `health` }", 1),
            rule("{ trace:duration > 1s && trace:rootName = `health` }", 60),
        ])
        .unwrap();
        let traces = Traces::new(&batch, &[2, 3, 4, 5]);
        let verdicts = rules.judge(&TenantId::default_tenant(), &traces).unwrap();
        let expected = [
            Verdict::KeepFor(30 * DAY),
            Verdict::Keep,
            Verdict::KeepFor(DAY),
            Verdict::KeepFor(60 * DAY),
        ];
        assert_eq!(verdicts, expected);
    }
}
