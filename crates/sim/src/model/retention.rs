//! What a pass of the compactor may remove, and what it must.
//!
//! The rules are those of `storage`'s retention and planning, told from outside: a block is kept for as long as its class says after the
//! end of its hour of receipt; a trace whose first spans came in the hour before lies with them; rules judge an hour once it has been over
//! for the time of settling; pinned traces of a block that goes are kept in a block of their own until the pin expires; for want of space
//! go whole hours, but for the last two.

use std::collections::{BTreeMap, BTreeSet};

use model::{TenantId, TraceId};
use store_api::Verdict;

use super::{Class, HOUR_NANO, Listing, Model, Row};
use crate::settings::Settings;

/// Traces that are pinned, and until when.
type Pins = BTreeMap<(TenantId, TraceId), i64>;

impl Model {
    /// The pins that protect from retention.
    pub(crate) fn protecting(&self, listing: &Listing) -> Pins {
        let mut pins = Pins::new();
        for pin in &listing.pins {
            for id in &pin.trace_ids {
                let trace = (pin.tenant.clone(), *id);
                if !self.erased.contains(&trace) {
                    let until = pins.entry(trace).or_insert(i64::MIN);
                    *until = (*until).max(pin.expires_unix_nano);
                }
            }
        }
        pins
    }

    /// A pass begins: it may do from now on what the rules allow, and does when it succeeds what they demand. Something that a pass under
    /// way looks at has changed (`is_under_way`): it may do what the rules allow now, too, and must only what they demand before and after.
    pub(crate) fn pass_begins(
        &mut self,
        (now, is_under_way): (i64, bool),
        settings: &Settings,
        pins: &Pins,
        is_short_of_space: bool,
    ) {
        let settle = nanos(settings.config.compaction.settle);
        let is_over =
            |hour: i64| now.saturating_sub(settle) >= (hour + 1).saturating_mul(HOUR_NANO);
        let hours: Vec<Vec<i64>> = self.rows.iter().map(|row| self.received(row)).collect();
        let mut of_trace: BTreeMap<(TenantId, TraceId), BTreeSet<i64>> = BTreeMap::new();
        let mut open: BTreeSet<(TenantId, i64)> = BTreeSet::new();
        for (row, hours) in self.rows.iter().zip(&hours) {
            let (tenant, trace) = self.trace_of(row);
            of_trace
                .entry((tenant.clone(), trace))
                .or_default()
                .extend(hours);
            if !row.is_settled {
                open.extend(hours.iter().map(|hour| (tenant.clone(), *hour)));
            }
        }
        for (number, received) in hours.iter().enumerate() {
            let (tenant, trace) = self.trace_of(&self.rows[number]);
            let key = (tenant.clone(), trace);
            let keep = nanos(settings.keep(tenant));
            let with_those_before = received.iter().map(|hour| hour - 1);
            let with_those_before = with_those_before.filter(|hour| of_trace[&key].contains(hour));
            let places: BTreeSet<i64> = received.iter().copied().chain(with_those_before).collect();
            let until = pins.get(&key).copied();
            let verdict = settings.rules.verdict(&trace);
            let row = &mut self.rows[number];
            if row.gone.is_some() {
                continue;
            }
            let was_doomed = std::mem::take(&mut row.is_doomed) || !is_under_way;
            let settled_as = row.settles_as.take();

            // Expiry, by the classes that it may be in.
            let end = |class: &Class, hour: i64| {
                let received = (hour + 1).saturating_mul(HOUR_NANO);
                match class {
                    Class::Tenant => received.saturating_add(keep),
                    Class::For(nano) => received.saturating_add(*nano),
                    Class::Until(unix_nano) => *unix_nano,
                }
            };
            let ends: Vec<i64> = row
                .classes
                .iter()
                .flat_map(|class| places.iter().map(move |&hour| end(class, hour)))
                .collect();
            let is_old = ends.iter().any(|end| *end <= now);
            let makes_room = |hour: &i64| (hour + 2).saturating_mul(HOUR_NANO) <= now;
            let goes = is_old || (is_short_of_space && places.iter().any(makes_room));
            match until {
                Some(until) if goes => {
                    row.classes.insert(Class::Until(until));
                }
                None if goes => {
                    row.may_be_gone = true;
                    row.is_doomed =
                        was_doomed && row.is_flushed && ends.iter().all(|end| *end <= now);
                }
                _ => {}
            }

            // Judgement, where an hour closes.
            let first_time = !row.is_settled && places.iter().any(|hour| is_over(*hour));
            let with_the_next =
                |hour: &i64| is_over(hour + 1) && open.contains(&(key.0.clone(), hour + 1));
            let again = row.may_be_settled && places.iter().any(with_the_next);
            if !first_time && !again {
                continue;
            }
            let class = match verdict {
                Verdict::Keep => Some(Class::Tenant),
                Verdict::KeepFor(time) => Some(Class::For(nanos(time))),
                Verdict::Drop => until.is_some().then_some(Class::Tenant),
            };
            let surely = first_time
                && !std::mem::replace(&mut row.may_be_settled, true)
                && row.is_flushed
                && !goes
                && places.iter().all(|h| is_over(*h));
            match class {
                Some(class) => {
                    row.classes.insert(class);
                    let may = !is_under_way || settled_as == Some(class);
                    row.settles_as = (surely && may).then_some(class);
                }
                None => {
                    row.may_be_gone = true;
                    row.is_doomed |= surely && was_doomed;
                }
            }
        }
    }

    /// The pass has ended: all of it was done (`is_complete`), or any part, and more of it may yet happen if something failed (`may_owe`).
    pub(crate) fn pass_ends(&mut self, is_complete: bool, may_owe: bool) {
        // A pass begins with finding out what became of the commit before.
        self.is_in_doubt = !is_complete && (may_owe || self.is_in_doubt);
        for row in &mut self.rows {
            if is_complete && row.is_doomed && row.gone.is_none() {
                row.gone = Some("kept long enough");
            }
            if is_complete && let Some(class) = row.settles_as {
                row.classes = BTreeSet::from([class]);
                row.is_settled = true;
            }
            row.is_doomed = false;
            row.settles_as = None;
        }
    }

    /// A trace was pinned while a pass was under way, and these contents of it were seen after that: now they stay.
    pub(crate) fn protect(&mut self, seen: &[usize], until: i64) {
        for row in &mut self.rows {
            let rows_seen = seen.iter().filter(|c| **c == row.content).count();
            if rows_seen >= row.times {
                row.may_be_gone = false;
                row.is_doomed = false;
                row.settles_as = None;
                row.classes.insert(Class::Until(until));
            }
        }
    }

    /// The hours in which a row may have been received.
    fn received(&self, row: &Row) -> Vec<i64> {
        let attempts = self.receipts[row.receipt].attempts.iter();
        attempts.map(|at| at.div_euclid(HOUR_NANO)).collect()
    }
}

fn nanos(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}
