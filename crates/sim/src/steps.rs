//! The steps of a script: what clients, operators, time and misfortune do.

use std::time::Duration;

use model::{TenantId, TraceId};
use store_api::{Append, Appended, ErrorKind, HoldRequest, Holds, SpanSink};

use crate::disk::{Fault, Plan};
use crate::model::{Ticket, Violation};
use crate::run::Run;
use crate::settings::Settings;

const HOUR: u64 = 3600;
const HOUR_NANO: i64 = 3_600_000_000_000;

/// What a step was, and what came of it.
pub(crate) type Done = Result<(String, String), Violation>;

#[derive(Debug, Clone, Copy)]
enum Step {
    Append,
    Retry,
    Flush,
    Compact,
    Scan,
    OpenScan,
    EndScan,
    Pin,
    Unpin,
    Erase,
    Advance,
    JumpBack,
    Restart,
    CutPower,
    ArmPowerLoss,
    Faults,
    Capacity,
    Cross,
    Vacuum,
    BucketFaults,
    BucketCrash,
}

/// How often each comes.
const WEIGHTS: [(Step, u64); 21] = [
    (Step::Append, 30),
    (Step::Retry, 8),
    (Step::Flush, 10),
    (Step::Compact, 12),
    (Step::Scan, 6),
    (Step::OpenScan, 3),
    (Step::EndScan, 3),
    (Step::Pin, 4),
    (Step::Unpin, 1),
    (Step::Erase, 3),
    (Step::Advance, 14),
    (Step::JumpBack, 1),
    (Step::Restart, 3),
    (Step::CutPower, 2),
    (Step::ArmPowerLoss, 3),
    (Step::Faults, 4),
    (Step::Capacity, 2),
    (Step::Cross, 10),
    (Step::Vacuum, 2),
    (Step::BucketFaults, 18),
    (Step::BucketCrash, 6),
];

impl Run {
    /// Draws a step and takes it.
    pub(crate) async fn step(&mut self) -> Done {
        let has_bucket = self.bucket().is_some();
        let is_possible = |(step, _): &(Step, u64)| {
            has_bucket || !matches!(step, Step::BucketFaults | Step::BucketCrash)
        };
        let possible = || WEIGHTS.into_iter().filter(is_possible);
        let all = possible().map(|(_, weight)| weight).sum();
        let mut drawn = self.chance.below(all);
        let mut step = Step::Append;
        for (candidate, weight) in possible() {
            if drawn < weight {
                step = candidate;
                break;
            }
            drawn -= weight;
        }
        self.journal.count("steps", 1);
        match step {
            Step::Append => self.append().await,
            Step::Retry => self.retry().await,
            Step::Flush => Ok(("flush".to_owned(), self.flush().await?)),
            Step::Compact => Ok(("compact".to_owned(), self.compact().await?)),
            Step::Scan => self.scan().await,
            Step::OpenScan => self.open_scan().await,
            Step::EndScan => self.end_scan().await,
            Step::Pin => self.pin(false).await,
            Step::Unpin => self.unpin().await,
            Step::Erase => self.erase(false).await,
            Step::Advance => {
                let times = [
                    Duration::from_millis(5),
                    Duration::from_secs(1),
                    Duration::from_secs(30),
                    Duration::from_secs(6 * 60),
                    Duration::from_secs(20 * 60),
                    Duration::from_secs(70 * 60),
                    Duration::from_secs(5 * HOUR),
                    Duration::from_secs(26 * HOUR),
                    Duration::from_secs(9 * 24 * HOUR),
                ];
                let by = *self.chance.pick(&times);
                self.advance(by);
                Ok((format!("advance {by:?}"), String::new()))
            }
            Step::JumpBack => {
                let by = self.chance.between(1, 3 * HOUR);
                self.clock.jump(-(by as i64) * 1_000_000_000);
                self.journal.count("clock jumps", 1);
                Ok((format!("clock jumps back {by} s"), String::new()))
            }
            Step::Restart => {
                if self.chance.per_mille(600) {
                    self.settings = Settings::draw(&self.chance, &self.world.tenants);
                }
                let closes = self.chance.per_mille(500);
                let what = format!("restart closes={closes} {}", self.settings.summary());
                self.restart(closes).await?;
                Ok((what, String::new()))
            }
            Step::CutPower => {
                self.disk.cut();
                Ok(("power is cut".to_owned(), String::new()))
            }
            Step::ArmPowerLoss => {
                let n = self.chance.between(1, 60);
                self.disk.inject(Fault::PowerLoss(n));
                self.had_faults = true;
                Ok((format!("power will go at operation {n}"), String::new()))
            }
            Step::Faults => Ok(self.toggle_faults()),
            Step::Capacity => {
                let more = self
                    .capacity
                    .is_none()
                    .then(|| self.chance.between(0, 120_000));
                self.set_capacity(more);
                self.had_faults = true;
                Ok((format!("space left {more:?}"), String::new()))
            }
            Step::Cross => self.cross().await,
            Step::Vacuum => Ok(("vacuum".to_owned(), self.vacuum().await?)),
            Step::BucketFaults => Ok(self.change_bucket_faults()),
            Step::BucketCrash => Ok(self.arm_bucket_crash()),
        }
    }

    fn toggle_faults(&mut self) -> (String, String) {
        self.had_faults = true;
        self.journal.count("changes of the fault plan", 1);
        if self.chance.per_mille(500) {
            self.calm_disk();
            return ("the disk is well".to_owned(), String::new());
        }
        let plan = Plan {
            broken_per_mille: *self.chance.pick(&[0, 5, 40, 200]),
            full_per_mille: *self.chance.pick(&[0, 5, 40]),
            reads_per_mille: *self.chance.pick(&[0, 0, 10, 100]),
            ..Plan::new(self.chance.any())
        };
        let what = format!("the disk is faulty: {plan:?}");
        self.disk.set_plan(Some(plan));
        (what, String::new())
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.clock.advance(by);
        let now = self.now();
        self.model.time_is(now);
    }

    async fn append(&mut self) -> Done {
        let request = self.world.request(self.now());
        let number = self.model.new_request(request);
        let came_of_it = self.send(number).await?;
        Ok((format!("append {number}"), came_of_it))
    }

    async fn retry(&mut self) -> Done {
        let Some(number) = self.old_request() else {
            return Ok(("retry".to_owned(), "nothing was sent".to_owned()));
        };
        let came_of_it = self.send(number).await?;
        Ok((format!("retry {number}"), came_of_it))
    }

    /// A request that a client may send again: mostly one that was not answered well.
    pub(crate) fn old_request(&self) -> Option<usize> {
        let n = self.model.n_requests();
        let unanswered: Vec<usize> = (0..n).filter(|&r| self.model.is_unanswered(r)).collect();
        if n == 0 {
            None
        } else if !unanswered.is_empty() && self.chance.per_mille(600) {
            Some(*self.chance.pick(&unanswered))
        } else {
            let from = match self.chance.below(3) {
                0 => 0,
                _ => n.saturating_sub(6),
            };
            Some(self.chance.between(from as u64, n as u64 - 1) as usize)
        }
    }

    /// Sends a request and waits for the answer.
    pub(crate) async fn send(&mut self, request: usize) -> Result<String, Violation> {
        let (ticket, append) = self.prepare(request);
        let store = self.store();
        let outcome = store.append(append).await.map_err(|e| e.kind);
        self.answer(ticket, outcome)
    }

    /// Notes that a request goes out now.
    pub(crate) fn prepare(&mut self, request: usize) -> (Ticket, Append) {
        let now = self.now();
        self.model.time_is(now);
        let window = self.settings.config.dedup_window;
        let ticket = self.model.send(request, now, window);
        let request = self.model.request(request);
        let append = Append {
            tenant: request.tenant.clone(),
            digest: request.digest,
            batch: columnar::from_model(&request.spans, &request.tenant, now),
        };
        (ticket, append)
    }

    pub(crate) fn answer(
        &mut self,
        ticket: Ticket,
        outcome: Result<Appended, ErrorKind>,
    ) -> Result<String, Violation> {
        self.model.answered(ticket, outcome)?;
        match outcome {
            Ok(Appended::Stored) => self.journal.count("appends stored", 1),
            Ok(Appended::Duplicate) => self.journal.count("retries recognised", 1),
            Err(ErrorKind::Limited) => self.journal.count("appends limited", 1),
            Err(kind) => {
                self.journal.count("appends refused", 1);
                self.excuse("an append", kind)?;
            }
        }
        Ok(format!("{outcome:?}"))
    }

    pub(crate) async fn flush(&mut self) -> Result<String, Violation> {
        match self.store().flush().await {
            Ok(()) => {
                self.model.flushed();
                self.journal.count("flushes", 1);
                Ok("done".to_owned())
            }
            Err(error) => self.excuse("a flush", error.kind),
        }
    }

    /// Removes old files that nothing names.
    pub(crate) async fn vacuum(&mut self) -> Result<String, Violation> {
        match self.store().vacuum().await {
            Ok(removed) => {
                self.journal.count("vacuums", 1);
                self.journal.count("files vacuumed", removed);
                Ok(format!("{removed} files"))
            }
            Err(error) => self.excuse("a vacuum", error.kind),
        }
    }

    pub(crate) async fn compact(&mut self) -> Result<String, Violation> {
        self.pass_begins(false);
        let done = self.store().compact().await;
        let came_of_it = self.compacted(done)?;
        self.prove_absent().await?;
        Ok(came_of_it)
    }

    /// Tells the model that a pass begins, or that something it looks at has changed.
    pub(crate) fn pass_begins(&mut self, is_under_way: bool) {
        let pins = self.model.protecting(&self.listing());
        let is_short = self.settings.is_short_of_space(self.capacity.is_some());
        self.pass_began_unix_nano = self.now();
        let now = (self.pass_began_unix_nano, is_under_way);
        self.model.pass_begins(now, &self.settings, &pins, is_short);
    }

    /// Tells the model that the pass has ended, with all of it done or not.
    pub(crate) fn pass_ends(&mut self, is_complete: bool) {
        // What takes time in it lets it do what was not due when it began.
        if self.now() != self.pass_began_unix_nano {
            self.model.time_is(self.now());
            self.pass_begins(true);
        }
        let may_owe = self.has_faults();
        self.model.pass_ends(is_complete, may_owe);
    }

    pub(crate) fn compacted(
        &mut self,
        done: Result<storage::Pass, store_api::Error>,
    ) -> Result<String, Violation> {
        self.pass_ends(done.is_ok());
        match done {
            Ok(pass) => {
                self.journal.count("passes", 1);
                self.journal.count("blocks rewritten", pass.rewritten);
                self.journal.count("blocks expired", pass.expired);
                self.journal.count("twins removed", pass.twins_removed);
                self.journal.count("traces dropped", pass.dropped);
                self.journal.count("erasures completed", pass.erased);
                Ok(format!("{pass:?}"))
            }
            Err(error) => self.excuse("a pass", error.kind),
        }
    }

    pub(crate) async fn pin(&mut self, is_under_way: bool) -> Done {
        let Some((tenant, ids)) = self.world.some_traces() else {
            return Ok(("pin".to_owned(), "nothing was sent".to_owned()));
        };
        let until = self.now() + self.chance.between(1, 400) as i64 * HOUR_NANO;
        let made = self.store().pin(hold(&tenant, &ids), until).await;
        self.model.pinned(&tenant, &ids, made.as_ref().ok());
        let came_of_it = match made {
            Ok(pin) => {
                if is_under_way && !self.disk.is_dead() {
                    self.protect_what_is_seen(&tenant, &ids, until).await?;
                }
                format!("pin {}", pin.id)
            }
            Err(error) => self.excuse("a pin", error.kind)?,
        };
        Ok((format!("pin {tenant} {ids:?} until {until}"), came_of_it))
    }

    /// A pin during a pass: what is there after it stays.
    async fn protect_what_is_seen(
        &mut self,
        tenant: &TenantId,
        ids: &[TraceId],
        until: i64,
    ) -> Result<(), Violation> {
        let paused = self.pause_faults();
        let seen = self.contents_of(tenant, ids).await;
        self.resume_faults(paused);
        self.model.protect(&seen?, until);
        Ok(())
    }

    async fn unpin(&mut self) -> Done {
        let pins = self.listing().pins;
        if pins.is_empty() {
            return Ok(("unpin".to_owned(), "there is none".to_owned()));
        }
        let pin = self.chance.pick(&pins);
        let done = self.store().unpin(&pin.tenant, pin.id).await;
        self.model.unpinned(pin.id, done.is_ok());
        let came_of_it = match done {
            Ok(_) => "done".to_owned(),
            Err(error) => self.excuse("ending a pin", error.kind)?,
        };
        Ok((format!("unpin {}", pin.id), came_of_it))
    }

    /// Erases traces. The store begins with that by itself, with a pass of its own.
    pub(crate) async fn erase(&mut self, is_under_way: bool) -> Done {
        let Some((tenant, ids)) = self.world.some_traces() else {
            return Ok(("erase".to_owned(), "nothing was sent".to_owned()));
        };
        let hours = *self.chance.pick(&[0, 1, 100]);
        let deadline = self.now() + hours * HOUR_NANO;
        self.pass_begins(is_under_way);
        let made = self.store().erase(hold(&tenant, &ids), deadline).await;
        self.model.erasing(&tenant, &ids, made.as_ref().ok());
        self.has_erased |= made.is_ok();
        if !is_under_way {
            self.store().idle().await;
            self.pass_ends(false);
        }
        let came_of_it = match made {
            Ok(erasure) => {
                self.journal.count("erasures", 1);
                format!("erasure {}", erasure.id)
            }
            Err(error) => self.excuse("an erasure", error.kind)?,
        };
        Ok((format!("erase {tenant} {ids:?} in {hours} h"), came_of_it))
    }
}

fn hold(tenant: &TenantId, ids: &[TraceId]) -> HoldRequest {
    HoldRequest {
        tenant: tenant.clone(),
        trace_ids: ids.to_vec(),
        reason: "a test".to_owned(),
    }
}
