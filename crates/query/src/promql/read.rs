//! Reads the rows of some intervals.

use rollup::{EdgeDelta, RedDelta};
use store_api::{CountRequest, CountTable, ErrorKind, Incomplete};

use super::PromqlAsk;
use super::family::{Figures, Key};
use super::plan::{Piece, Plan};
use crate::counts::{Counts, UNBOUNDED};
use crate::engine::Partial;
use crate::error::Error;

/// Most intervals of one request: four hours of 10 s, or a day of minutes.
const REQUEST_INTERVALS_MAX: i64 = 1_440;

impl Counts {
    /// Gives each row of the intervals that `plan` wants to `take`, with the start of its interval. Of more rows than the source gives at once, fewer intervals are
    /// asked for at a time.
    ///
    /// Gives what is missing because it is damaged.
    /// Errors: those of the source and of `take`; `Limited` when the deadline passes, and when one interval has too many rows.
    pub(super) async fn each_row(
        &self,
        ask: PromqlAsk<'_>,
        table: CountTable,
        plan: &Plan,
        mut take: impl FnMut(Key, i64, Figures<'_>) -> Result<(), Error>,
    ) -> Result<Vec<String>, Error> {
        let mut damaged = Vec::new();
        let mut to_read = plan.requests();
        to_read.reverse();
        while let Some(piece) = to_read.pop() {
            let halves = piece.halves();
            if let Some([first, second]) =
                halves.filter(|_| piece.n_intervals() > REQUEST_INTERVALS_MAX)
            {
                to_read.extend([second, first]);
                continue;
            }
            let request = CountRequest {
                tenant: ask.tenant.clone(),
                table,
                resolution_seconds: piece.resolution_seconds,
                time: piece.time,
                deadline: ask.deadline,
            };
            let answer = self.source.counts(request).await?;
            match (answer.incomplete, halves) {
                (Some(Incomplete::Rows), Some([first, second])) => {
                    to_read.extend([second, first]);
                    continue;
                }
                (Some(Incomplete::Rows), None) => {
                    return Err(limited("there are too many series in one interval"));
                }
                (Some(Incomplete::Deadline), _) => {
                    return Err(limited("the deadline passed before everything was read"));
                }
                (Some(Incomplete::Damaged(path)), _) => {
                    damaged.push(Partial::Damaged(vec![path]).to_string());
                }
                (None, _) => {}
            }
            let (rows, wants) = (&answer.rows, |start| wants(plan, piece, start));
            match table {
                CountTable::Rollups => {
                    let mut sums = RedDelta::new(&UNBOUNDED);
                    sums.add_batch(rows, |_, one| wants(one.interval_start_unix_nano))?;
                    for (mut series, figures) in sums.rows() {
                        let start = std::mem::take(&mut series.interval_start_unix_nano);
                        take(Key::Spans(series), start, Figures::Spans(figures))?;
                    }
                }
                CountTable::Edges => {
                    let mut sums = EdgeDelta::new(&UNBOUNDED);
                    sums.add_batch(rows, |_, one| wants(one.interval_start_unix_nano))?;
                    for (mut edge, figures) in sums.rows() {
                        let start = std::mem::take(&mut edge.interval_start_unix_nano);
                        take(Key::Calls(edge), start, Figures::Calls(figures))?;
                    }
                }
            }
        }
        Ok(damaged)
    }
}

fn wants(plan: &Plan, piece: Piece, start: i64) -> bool {
    plan.wants(piece.resolution_seconds, start)
}

pub(super) fn limited(message: &str) -> Error {
    store_api::Error::new(ErrorKind::Limited, message).into()
}
