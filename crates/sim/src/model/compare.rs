//! What was found, against what may and must be there.

use std::collections::BTreeMap;

use model::{Span, TenantId};

use super::{Content, Model, Row, Violation};

impl Model {
    /// The contents that `spans` of `tenant` are, sorted.
    pub(crate) fn recognise(
        &self,
        tenant: &TenantId,
        spans: &[Span],
    ) -> Result<Vec<usize>, Violation> {
        let mut contents = Vec::with_capacity(spans.len());
        for span in spans {
            let content = self.content_of(tenant, span).ok_or_else(|| {
                format!("{tenant}: a span that nobody sent, or not as it was sent: {span:?}")
            })?;
            contents.push(content);
        }
        contents.sort_unstable();
        Ok(contents)
    }

    /// Compares everything that a scan of `tenant` found with what is known. `settles`: nothing is under way, so that what is not there
    /// now is gone, and what is there has not been removed.
    pub(crate) fn check(
        &mut self,
        tenant: &TenantId,
        found: &[usize],
        settles: bool,
    ) -> Result<(), Violation> {
        let mut times: BTreeMap<usize, usize> = BTreeMap::new();
        for content in found {
            *times.entry(*content).or_default() += 1;
        }
        let mut rows_of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, row) in self.rows.iter().enumerate() {
            rows_of.entry(row.content).or_default().push(number);
        }
        for number in 0..self.contents.len() {
            if &self.contents[number].tenant != tenant {
                continue;
            }
            let found = times.get(&number).copied().unwrap_or(0);
            let rows = rows_of.get(&number).map_or(&[][..], Vec::as_slice);
            self.check_content(number, found, rows)?;
            if settles {
                self.settle_content(found, rows);
            }
        }
        Ok(())
    }

    fn check_content(&self, number: usize, found: usize, rows: &[usize]) -> Result<(), Violation> {
        let rows = || rows.iter().map(|&n| &self.rows[n]);
        let there = |row: &&Row| row.gone.is_none();
        let most: usize = rows().filter(there).map(|row| row.times).sum();
        let certain = |row: &Row| self.receipts[row.receipt].is_certain && !row.may_be_gone;
        let is_certain = rows().filter(there).any(certain);
        let least = usize::from(is_certain && !self.is_superseded(number));
        if (least..=most).contains(&found) {
            return Ok(());
        }
        let content = &self.contents[number];
        let history: Vec<String> = rows()
            .map(|row| format!("{row:?} of {:?}", self.receipts[row.receipt]))
            .collect();
        Err(format!(
            "{}: a span of trace {} was found {found} times, expected {least} to {most}\n  {:?}\n  {}",
            content.tenant,
            content.span.trace_id,
            content.span,
            history.join("\n  "),
        ))
    }

    /// Takes from what was seen what is now certain.
    fn settle_content(&mut self, found: usize, rows: &[usize]) {
        let there = rows.iter().filter(|&&n| self.rows[n].gone.is_none());
        let there: Vec<usize> = there.copied().collect();
        let most: usize = there.iter().map(|&n| self.rows[n].times).sum();
        for number in there {
            let row = &mut self.rows[number];
            if found == most {
                row.may_be_gone &= self.is_in_doubt;
            } else if found == 0 && self.receipts[row.receipt].is_certain {
                row.gone = Some("not there before");
            }
        }
    }

    /// Whether an unfinished span may have been replaced by the finished one.
    fn is_superseded(&self, number: usize) -> bool {
        let content = &self.contents[number];
        let is_same_span = |other: &Content| {
            other.tenant == content.tenant
                && other.span.trace_id == content.span.trace_id
                && other.span.kind == content.span.kind
                && other.span.service_name() == content.span.service_name()
                && other.span.start_time_unix_nano == content.span.start_time_unix_nano
        };
        let twins = self.by_span.get(&content.span.span_id);
        let mut twins = twins.into_iter().flatten().map(|&n| &self.contents[n]);
        content.span.end_time_unix_nano == 0
            && twins.any(|other| is_same_span(other) && other.span.end_time_unix_nano != 0)
    }
}
