//! The server's own counts against the truth.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::metrics::Metrics;
use crate::client::Client;
use crate::{AnyError, Counts, Truth};

/// `/api/v1/services`, what of it is needed.
#[derive(Debug, Deserialize)]
struct Services {
    services: Vec<Service>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Service {
    name: String,
    span_count: u64,
    error_count: u64,
}

/// What the server counts wrongly; empty when all is right.
pub(super) async fn counts(ui: &mut Client, truth: &Truth) -> Result<Vec<String>, AnyError> {
    let mut mistakes = Vec::new();
    let metrics = Metrics::read(ui).await?;
    let accepted = metrics.sum(
        "causeline_intake_spans_accepted_total",
        "transport=\"otlp_http\"",
    );
    if accepted != Some(truth.total.spans as f64) {
        let sent = truth.total.spans;
        mistakes.push(format!("accepted {accepted:?} spans of {sent}"));
    }
    let redacted = metrics.sum("causeline_redaction_hits_total", "");
    if redacted.unwrap_or_default() > 0.0 {
        mistakes.push(format!(
            "redaction changed {redacted:?} values; none is secret"
        ));
    }
    let answer = ui.get(&services_path(truth)).await?;
    match answer.status {
        200 => mistakes.extend(services(&answer.body, truth)),
        status => mistakes.push(format!("the services are not told: {status}")),
    }
    Ok(mistakes)
}

/// The question for the services of the traffic's time.
pub(super) fn services_path(truth: &Truth) -> String {
    let start = truth.first_unix_nano / 1_000_000;
    let end = truth.last_unix_nano / 1_000_000 + 1;
    format!("/api/v1/services?start={start}&end={end}")
}

/// What is wrong with an answer to [`services_path`]. Services that were not sent are the server's own.
pub(super) fn services(body: &[u8], truth: &Truth) -> Option<String> {
    let told: Services = match serde_json::from_slice(body) {
        Ok(told) => told,
        Err(error) => return Some(format!("services: {error}")),
    };
    let told: BTreeMap<&str, Counts> = told
        .services
        .iter()
        .map(|service| {
            let counts = Counts {
                spans: service.span_count,
                errors: service.error_count,
            };
            (service.name.as_str(), counts)
        })
        .collect();
    let wrong = truth
        .services
        .iter()
        .find(|(name, counts)| told.get(*name) != Some(counts))?;
    let (name, counts) = wrong;
    Some(format!("{name} has {:?}, not {counts:?}", told.get(name)))
}
