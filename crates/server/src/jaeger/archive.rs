//! What Jaeger calls archiving: a pin without an end.

use model::TraceId;
use store_api::HoldRequest;

use crate::error::ApiError;
use crate::native::find_id;
use crate::state::App;

/// The reason of the pins that are made here, by which they are recognised.
const REASON: &str = "archived with Jaeger's interface";

/// Pins the trace `id` until somebody removes the pin. A trace is pinned here once.
///
/// Errors: `not_found` for a trace without spans; those of the store.
pub(crate) async fn archive(app: &App, id: TraceId) -> Result<(), ApiError> {
    find_id(app, id).await?;
    let pins = app.holds.pins(&app.tenant());
    let is_of = |id: TraceId| {
        pins.iter()
            .any(|pin| pin.reason == REASON && pin.trace_ids == [id])
    };
    if !is_of(id) {
        let hold = HoldRequest {
            tenant: app.tenant(),
            trace_ids: vec![id],
            reason: REASON.to_owned(),
        };
        app.holds.pin(hold, i64::MAX).await?;
    }
    Ok(())
}
