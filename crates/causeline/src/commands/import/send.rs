//! Requests to the server, until they are answered.

use std::time::Duration;

use clock::{Clock, SystemClock};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};

use super::read::Request;
use super::{Outcome, RETRY_WAITS};
use crate::node::AnyError;

/// The way to the server.
pub(super) struct Sender {
    http: reqwest::Client,
    url: String,
    retry_for: Duration,
}

/// What one try came to.
enum Tried {
    Answered {
        refused: u64,
        reason: String,
    },
    /// Why, and how long the server asks to wait.
    Again(String, Option<Duration>),
}

/// `google.rpc.Status`, as far as it is told.
#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
}

impl Sender {
    pub(super) fn new(otlp: &str, retry_for: Duration) -> Self {
        Self {
            http: reqwest::Client::new(),
            url: format!("{}/v1/traces", otlp.trim_end_matches('/')),
            retry_for,
        }
    }

    /// Sends `request` until it is answered.
    ///
    /// Errors: when that takes longer than asked for.
    pub(super) async fn send(&self, request: Request) -> Result<Outcome, AnyError> {
        let started = SystemClock.instant();
        let mut wait = RETRY_WAITS.0;
        loop {
            let (why, asked) = match self.once(&request).await {
                Tried::Answered { refused, reason } => {
                    return Ok(Outcome::Sent {
                        request,
                        refused,
                        reason,
                    });
                }
                Tried::Again(why, asked) => (why, asked),
            };
            let pause = asked.unwrap_or(wait).min(RETRY_WAITS.1);
            let spent = SystemClock.instant().duration_since(started);
            if spent + pause > self.retry_for {
                let place = &request.place;
                return Err(format!("{} does not take {place}: {why}", self.url).into());
            }
            tokio::time::sleep(pause).await;
            wait = (2 * wait).min(RETRY_WAITS.1);
        }
    }

    async fn once(&self, request: &Request) -> Tried {
        let sent = self
            .http
            .post(&self.url)
            .header(CONTENT_TYPE, "application/x-protobuf")
            .body(request.body.clone())
            .send();
        let answer = match sent.await {
            Ok(answer) => answer,
            Err(error) => return Tried::Again(error.to_string(), None),
        };
        let status = answer.status();
        let asked = answer.headers().get(RETRY_AFTER);
        let asked = asked.and_then(|seconds| seconds.to_str().ok()?.parse().ok());
        let asked = asked.map(Duration::from_secs);
        let body = match answer.bytes().await {
            Ok(body) => body,
            Err(error) => return Tried::Again(error.to_string(), None),
        };
        let said = || Status::decode(&body[..]).unwrap_or_default().message;
        match status {
            status if status.is_success() => {
                let response = ExportTraceServiceResponse::decode(&body[..]).unwrap_or_default();
                let partial = response.partial_success.unwrap_or_default();
                Tried::Answered {
                    refused: u64::try_from(partial.rejected_spans).unwrap_or_default(),
                    reason: partial.error_message,
                }
            }
            // Those that OTLP says to try again.
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Tried::Again(format!("{status}: {}", said()), asked),
            status => Tried::Answered {
                refused: request.spans,
                reason: format!("the server answered {status}: {}", said()),
            },
        }
    }
}
