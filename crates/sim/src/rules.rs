//! A retention filter whose verdict on a trace depends on its id alone, so that the auditor can foresee it.

use std::time::Duration;

use columnar::{Column, SpanColumns};
use model::{TenantId, TraceId};
use store_api::{Error, ErrorKind, TraceFilter, Traces, Verdict};

use crate::chance::Chance;

const HOUR: Duration = Duration::from_secs(3600);

/// What becomes of a trace, by the last two bits of its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rules([Verdict; 4]);

impl Rules {
    /// Rules that keep everything, or keep some traces for another time, or drop some.
    pub(crate) fn draw(chance: &Chance) -> Self {
        let verdict = |n: u64| match n {
            0 => Verdict::KeepFor(HOUR * 3),
            1 => Verdict::KeepFor(HOUR * 50),
            2 => Verdict::Drop,
            _ => Verdict::Keep,
        };
        let keeps_all = chance.per_mille(300);
        Self(std::array::from_fn(|_| match chance.below(7) {
            _ if keeps_all => Verdict::Keep,
            n => verdict(n),
        }))
    }

    pub(crate) fn verdict(&self, id: &TraceId) -> Verdict {
        self.0[usize::from(id.0[15] % 4)]
    }
}

impl TraceFilter for Rules {
    fn judge(&self, _: &TenantId, traces: &Traces<'_>) -> Result<Vec<Verdict>, Error> {
        let internal = |e| Error::new(ErrorKind::Internal, "reading trace ids").caused_by(e);
        let ids = SpanColumns::new(traces.batch()).ids(Column::TraceId);
        let ids = ids.map_err(internal)?;
        let verdict = |trace: usize| {
            let id = ids.value(traces.rows(trace).start).try_into();
            id.map_or(Verdict::Keep, |id| self.verdict(&TraceId(id)))
        };
        Ok((0..traces.len()).map(verdict).collect())
    }
}
