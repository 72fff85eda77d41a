//! Looking at the store from outside: scans of every kind, extents, lists, and the search of all files.

use futures::StreamExt;
use model::{Span, TenantId, TraceId};
use store_api::{ErrorKind, Holds, Order, ScanRequest, ScanStream, SpanSource, TimeRange};

use crate::model::Violation;
use crate::run::Run;

/// A scan that stays open while other things happen.
pub(crate) struct OpenScan {
    tenant: TenantId,
    stream: ScanStream,
    /// What was there when it began.
    expected: Vec<usize>,
    found: Vec<Span>,
    /// Batches that it gave, also those that only tell how far it has come.
    n_told: usize,
}

impl Run {
    /// Everything that can be seen is as it must be. `settles`: nothing is under way.
    pub(crate) async fn audit(&mut self, settles: bool) -> Result<(), Violation> {
        if self.disk.is_dead() {
            return Ok(());
        }
        let paused = self.pause_faults();
        let done = self.look(settles).await;
        self.resume_faults(paused);
        done
    }

    async fn look(&mut self, settles: bool) -> Result<(), Violation> {
        if self.is_fenced() {
            return Err("the store takes itself for another of its name".to_owned());
        }
        let listing = self.listing();
        self.model.check_holds(&listing, false)?;
        for tenant in self.world.tenants.clone() {
            let spans = self.read(newest_first(&tenant)).await;
            let spans = spans.map_err(|kind| format!("{tenant}: a scan failed with {kind:?}"))?;
            let found = self.model.recognise(&tenant, &spans)?;
            self.model.check(&tenant, &found, settles)?;
            let is_whole = listing.erasures.iter().all(|e| e.tenant != tenant);
            self.check_extent(&tenant, &spans, is_whole)?;
        }
        Ok(())
    }

    fn check_extent(
        &self,
        tenant: &TenantId,
        spans: &[Span],
        is_whole: bool,
    ) -> Result<(), Violation> {
        let extent = self.store().extent(tenant);
        let starts = || spans.iter().map(|s| s.start_time_unix_nano);
        let seen = (spans.len() as u64, starts().min(), starts().max());
        let said = (
            extent.spans,
            extent.oldest_unix_nano,
            extent.newest_unix_nano,
        );
        let covers = said.0 >= seen.0 && (seen.0 == 0 || said.1 <= seen.1 && said.2 >= seen.2);
        if (is_whole && said != seen) || !covers {
            return Err(format!(
                "{tenant}: the extent is {said:?}, seen was {seen:?}"
            ));
        }
        Ok(())
    }

    /// Whatever was erased is in no file.
    pub(crate) async fn prove_absent(&mut self) -> Result<(), Violation> {
        let ids = self.model.traces_to_prove_absent();
        if ids.is_empty() || self.disk.is_dead() || !self.listing().is_all_erased() {
            return Ok(());
        }
        let paused = self.pause_faults();
        let proof = self.store().prove_absent(ids).await;
        self.resume_faults(paused);
        self.journal.count("proofs of absence", 1);
        let proof = match proof {
            Ok(proof) => proof,
            // It went while the files were read.
            Err(_) if self.disk.is_dead() => return Ok(()),
            Err(error) => return Err(format!("the search of all files failed: {error:?}")),
        };
        match proof.findings[..] {
            [] => Ok(()),
            _ => Err(format!("erased traces are in files: {:?}", proof.findings)),
        }
    }

    /// All spans that `request` finds; each batch keeps the promise of the one before.
    async fn read(&self, request: ScanRequest) -> Result<Vec<Span>, ErrorKind> {
        let mut stream = self.store().scan(request);
        let mut spans = Vec::new();
        read_on(&mut stream, &mut spans, &mut 0, usize::MAX).await?;
        Ok(spans)
    }

    /// The contents of traces that a scan finds, each as often as it does.
    pub(crate) async fn contents_of(
        &self,
        tenant: &TenantId,
        ids: &[TraceId],
    ) -> Result<Vec<usize>, Violation> {
        let request = ScanRequest {
            trace_ids: Some(ids.into()),
            ..newest_first(tenant)
        };
        let spans = self.read(request).await;
        let spans = spans.map_err(|kind| format!("{tenant}: a scan failed with {kind:?}"))?;
        self.model.recognise(tenant, &spans)
    }

    /// Asks in one of the ways in which one can.
    pub(crate) async fn scan(&mut self) -> Result<(String, String), Violation> {
        let tenant = self.chance.pick(&self.world.tenants).clone();
        let paused = self.pause_faults();
        let all = self.read(newest_first(&tenant)).await;
        self.resume_faults(paused);
        let all = all.map_err(|kind| format!("{tenant}: a scan failed with {kind:?}"))?;
        let some = |span: &Span| span.trace_id.0[0].is_multiple_of(2);
        let times: Vec<i64> = all.iter().map(|s| s.start_time_unix_nano).collect();
        let range = match times[..] {
            [] => TimeRange::ALL,
            _ => {
                let (a, b) = (*self.chance.pick(&times), *self.chance.pick(&times));
                TimeRange {
                    start_unix_nano: a.min(b),
                    end_unix_nano: a.max(b),
                }
            }
        };
        let (what, done) = match self.chance.below(4) {
            0 => {
                let ids = all.iter().filter(|s| some(s)).map(|s| s.trace_id);
                let request = ScanRequest {
                    trace_ids: Some(ids.collect()),
                    ..newest_first(&tenant)
                };
                let of_traces: Vec<Span> = all.iter().filter(|s| some(s)).cloned().collect();
                let found = self.read(request).await;
                let found = found.map(|found| self.same(&tenant, &found, &of_traces));
                ("by trace id", found)
            }
            1 => {
                let request = ScanRequest {
                    time: range,
                    ..newest_first(&tenant)
                };
                let found = self.read(request).await;
                let found = found.map(|found| self.covers(&tenant, &found, &all, &range));
                ("of a time range", found)
            }
            2 => {
                let mut stream = self.store().scan(newest_first(&tenant));
                let mut found = Vec::new();
                let read = read_on(&mut stream, &mut found, &mut 0, 1).await;
                ("abandoned", read.map(|_| Ok(())))
            }
            _ => {
                let found = self.read(ScanRequest::all(tenant.clone())).await;
                let found = found.map(|found| self.same(&tenant, &found, &all));
                ("of everything", found)
            }
        };
        let came_of_it = match done {
            Ok(compared) => {
                compared.map_err(|problem| format!("{tenant}: a scan {what}: {problem}"))?;
                format!("{} spans", all.len())
            }
            Err(kind) => self.excuse("a scan", kind)?,
        };
        Ok((format!("scan {tenant} {what}"), came_of_it))
    }

    fn same(&self, tenant: &TenantId, found: &[Span], expected: &[Span]) -> Result<(), Violation> {
        let found = self.model.recognise(tenant, found)?;
        let expected = self.model.recognise(tenant, expected)?;
        if found == expected {
            Ok(())
        } else {
            Err(format!("found {found:?}, expected {expected:?}"))
        }
    }

    /// Whether `found` has every span of `all` in `range`, and none that `all` has not.
    fn covers(
        &self,
        tenant: &TenantId,
        found: &[Span],
        all: &[Span],
        range: &TimeRange,
    ) -> Result<(), Violation> {
        let is_in = |s: &&Span| range.contains(s.start_time_unix_nano);
        let (asked, rest): (Vec<&Span>, Vec<&Span>) = found.iter().partition(is_in);
        let asked: Vec<Span> = asked.into_iter().cloned().collect();
        let expected: Vec<Span> = all.iter().filter(is_in).cloned().collect();
        self.same(tenant, &asked, &expected)?;
        match rest.iter().find(|s| !all.contains(s)) {
            None => Ok(()),
            Some(span) => Err(format!("found {span:?}, which is not there")),
        }
    }

    /// Begins a scan that goes on later.
    pub(crate) async fn open_scan(&mut self) -> Result<(String, String), Violation> {
        let tenant = self.chance.pick(&self.world.tenants).clone();
        let stream = self.store().scan(newest_first(&tenant));
        let paused = self.pause_faults();
        let expected = self.read(newest_first(&tenant)).await;
        self.resume_faults(paused);
        let expected = expected.map_err(|kind| format!("{tenant}: a scan failed with {kind:?}"))?;
        let expected = self.model.recognise(&tenant, &expected)?;
        let mut scan = OpenScan {
            tenant: tenant.clone(),
            stream,
            expected,
            found: Vec::new(),
            n_told: 0,
        };
        let n_batches = self.chance.below(3) as usize;
        if let Err(kind) = read_on(
            &mut scan.stream,
            &mut scan.found,
            &mut scan.n_told,
            n_batches,
        )
        .await
        {
            return Ok((format!("open scan {tenant}"), self.excuse("a scan", kind)?));
        }
        let came_of_it = format!("{} of {} spans", scan.found.len(), scan.expected.len());
        self.scans.push(scan);
        Ok((format!("open scan {tenant}"), came_of_it))
    }

    /// Goes on with an open scan to its end: it finds what was there when it began.
    pub(crate) async fn end_scan(&mut self) -> Result<(String, String), Violation> {
        if self.scans.is_empty() {
            return Ok(("end scan".to_owned(), "there is none".to_owned()));
        }
        let number = self.chance.below(self.scans.len() as u64) as usize;
        let mut scan = self.scans.remove(number);
        let what = format!("end scan {}", scan.tenant);
        let had_shown_nothing = scan.found.is_empty();
        match read_on(
            &mut scan.stream,
            &mut scan.found,
            &mut scan.n_told,
            usize::MAX,
        )
        .await
        {
            Ok(()) => {
                let found = self.model.recognise(&scan.tenant, &scan.found)?;
                if found == scan.expected {
                    return Ok((what, format!("{} spans", found.len())));
                }
                // The deadline of an erasure does not wait for scans. One that has shown nothing yet begins anew.
                let paused = self.pause_faults();
                let now = self.read(newest_first(&scan.tenant)).await;
                self.resume_faults(paused);
                let now = now.map_err(|kind| format!("{what}: a scan failed with {kind:?}"))?;
                let now = self.model.recognise(&scan.tenant, &now)?;
                if self.has_erased && had_shown_nothing && found == now {
                    self.journal.count("scans that began anew", 1);
                    return Ok((what, format!("{} spans, begun anew", found.len())));
                }
                Err(format!(
                    "{what}: found {found:?}, when it began there was {:?}, now there is {now:?}",
                    scan.expected
                ))
            }
            // One that has told nothing begins anew instead.
            Err(ErrorKind::Overtaken) if self.has_erased && scan.n_told > 0 => {
                self.journal.count("scans overtaken by an erasure", 1);
                Ok((what, "overtaken by an erasure".to_owned()))
            }
            Err(kind) => {
                let excuse = self.excuse("a scan", kind)?;
                Ok((what, excuse))
            }
        }
    }
}

fn newest_first(tenant: &TenantId) -> ScanRequest {
    ScanRequest {
        order: Order::NewestFirst,
        ..ScanRequest::all(tenant.clone())
    }
}

/// Reads at most `n` batches, and counts them in `n_told`. A span that is newer than the batch before allowed is as wrong as damage.
async fn read_on(
    stream: &mut ScanStream,
    spans: &mut Vec<Span>,
    n_told: &mut usize,
    n: usize,
) -> Result<(), ErrorKind> {
    let mut bound = i64::MAX;
    let mut left = n;
    while left > 0
        && let Some(batch) = stream.batches.next().await
    {
        left -= 1;
        let batch = batch.map_err(|e| e.kind)?;
        *n_told += 1;
        let rows = columnar::to_model(&batch.batch).map_err(|_| ErrorKind::Internal)?;
        if rows.iter().any(|s| s.start_time_unix_nano > bound) {
            return Err(ErrorKind::Internal);
        }
        bound = batch.newest_remaining_unix_nano;
        spans.extend(rows);
    }
    Ok(())
}
