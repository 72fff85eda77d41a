//! Pins and erasures: what the store lists must be what was asked for.

use model::{TenantId, TraceId};
use storage::Store;
use store_api::{Erasure, Holds, Pin};

use super::{ERASED, Model, Violation};

/// What the store lists, of all tenants.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) pins: Vec<Pin>,
    pub(crate) erasures: Vec<Erasure>,
}

impl Listing {
    pub(crate) fn of(store: &Store, tenants: &[TenantId]) -> Self {
        Self {
            pins: tenants.iter().flat_map(|t| store.pins(t)).collect(),
            erasures: tenants.iter().flat_map(|t| store.erasures(t)).collect(),
        }
    }

    /// Whether nothing is left to erase.
    pub(crate) fn is_all_erased(&self) -> bool {
        let mut erasures = self.erasures.iter();
        erasures.all(|e| e.completed_unix_nano.is_some())
    }
}

impl Model {
    /// A pin was acknowledged (`Ok`), or it is unknown whether it will hold after a restart.
    pub(crate) fn pinned(&mut self, tenant: &TenantId, ids: &[TraceId], made: Option<&Pin>) {
        match made {
            Some(pin) => {
                // It has waited for whatever was under way.
                self.is_in_doubt = false;
                self.pins.insert(pin.id, pin.clone());
            }
            None => self.pins_in_doubt.push((tenant.clone(), ids.to_vec())),
        }
    }

    /// A pin was ended, or it is unknown whether it is after a restart.
    pub(crate) fn unpinned(&mut self, id: u64, is_certain: bool) {
        if let Some(pin) = self.pins.remove(&id)
            && !is_certain
        {
            self.pins_in_doubt.push((pin.tenant, pin.trace_ids));
        }
    }

    /// An erasure was acknowledged, or it is unknown whether it will be in effect after a restart.
    pub(crate) fn erasing(&mut self, tenant: &TenantId, ids: &[TraceId], made: Option<&Erasure>) {
        match made {
            Some(erasure) => {
                self.erasures.insert(erasure.id, erasure.clone());
                self.takes_effect(tenant, ids);
            }
            None => self.erasures_in_doubt.push((tenant.clone(), ids.to_vec())),
        }
    }

    fn takes_effect(&mut self, tenant: &TenantId, ids: &[TraceId]) {
        let traces = ids.iter().map(|id| (tenant.clone(), *id));
        self.erased.extend(traces);
        for row in &mut self.rows {
            let content = &self.contents[row.content];
            if &content.tenant == tenant && ids.contains(&content.span.trace_id) {
                row.gone = Some(ERASED);
            }
        }
    }

    /// Compares what the store lists with what was asked for. Just after a start what was in doubt is no more: the list says it.
    pub(crate) fn check_holds(
        &mut self,
        listing: &Listing,
        has_started: bool,
    ) -> Result<(), Violation> {
        self.check_pins(listing, has_started)?;
        self.check_erasures(listing, has_started)
    }

    fn check_pins(&mut self, listing: &Listing, has_started: bool) -> Result<(), Violation> {
        let latest = self.latest_unix_nano;
        for pin in self.pins.values().filter(|p| p.expires_unix_nano > latest) {
            if !listing.pins.contains(pin) {
                return Err(format!("pin {} is not listed", pin.id));
            }
        }
        for pin in &listing.pins {
            let in_doubt = |(tenant, ids): &(TenantId, Vec<TraceId>)| {
                tenant == &pin.tenant && ids == &pin.trace_ids
            };
            let is_known = self.pins.get(&pin.id) == Some(pin);
            if !is_known && !self.pins_in_doubt.iter().any(in_doubt) {
                return Err(format!("pin {} was never made, or ended", pin.id));
            }
        }
        if has_started {
            self.pins_in_doubt.clear();
            self.pins = listing.pins.iter().map(|p| (p.id, p.clone())).collect();
        }
        Ok(())
    }

    fn check_erasures(&mut self, listing: &Listing, has_started: bool) -> Result<(), Violation> {
        let latest = self.latest_unix_nano;
        let listed = |id: u64| listing.erasures.iter().find(|e| e.id == id);
        for erasure in self.erasures.values() {
            // It may have been completed and forgotten since it was last looked at; that no file holds anything of it is proved beside.
            let is_over = erasure.remembered_until_unix_nano <= latest;
            if listed(erasure.id).is_none() && !is_over {
                return Err(format!("erasure {} is forgotten too early", erasure.id));
            }
        }
        for erasure in &listing.erasures {
            let in_doubt = |(tenant, ids): &(TenantId, Vec<TraceId>)| {
                tenant == &erasure.tenant && ids == &erasure.trace_ids
            };
            let known = self.erasures.get(&erasure.id);
            if known.is_some_and(|k| k.trace_ids == erasure.trace_ids) {
                continue;
            }
            if !has_started || !self.erasures_in_doubt.iter().any(in_doubt) {
                return Err(format!("erasure {} was never made", erasure.id));
            }
            self.takes_effect(&erasure.tenant, &erasure.trace_ids);
        }
        if has_started {
            self.erasures_in_doubt.clear();
        }
        self.erased.clear();
        for erasure in &listing.erasures {
            let traces = erasure.trace_ids.iter();
            let traces = traces.map(|id| (erasure.tenant.clone(), *id));
            self.erased.extend(traces);
        }
        let erasures = listing.erasures.iter().map(|e| (e.id, e.clone()));
        self.erasures = erasures.collect();
        Ok(())
    }

    /// Erased traces of which nothing can have come since.
    pub(crate) fn traces_to_prove_absent(&self) -> Vec<TraceId> {
        let erased = self.rows.iter().filter(|row| row.gone == Some(ERASED));
        let mut ids: Vec<TraceId> = erased.map(|row| self.trace_of(row).1).collect();
        ids.sort_unstable();
        ids.dedup();
        let others = self.rows.iter().filter(|row| row.gone != Some(ERASED));
        let others: Vec<TraceId> = others.map(|row| self.trace_of(row).1).collect();
        ids.retain(|id| !others.contains(id));
        ids
    }
}
