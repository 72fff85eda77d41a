//! The structured log on standard error, and the layer that turns our spans into our own traces.

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

use crate::cli::LogFormat;

/// What is logged of a library that else would log what it answers, in which are other people's spans.
const OF_ANSWERS: &str = "rmcp=error";

/// Starts logging. The environment variable `CAUSELINE_LOG` holds a filter such as `info,storage=debug`; default `info`.
///
/// Spans go to `traces`; log lines carry no values of other people's spans, whatever the level.
pub(crate) fn init(format: LogFormat, traces: Option<&SdkTracerProvider>) {
    let filter =
        EnvFilter::try_from_env("CAUSELINE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let filter = filter.add_directive(OF_ANSWERS.parse().expect("it is a directive"));
    let lines = match format {
        LogFormat::Text => fmt::layer()
            .with_target(true)
            .with_writer(std::io::stderr)
            .boxed(),
        LogFormat::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(std::io::stderr)
            .boxed(),
    };
    let own = traces.map(|provider| {
        let ours = EnvFilter::new("off,receivers=info,server=info");
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("causeline"))
            .with_filter(ours)
    });
    tracing_subscriber::registry()
        .with(own)
        .with(lines.with_filter(filter))
        .init();
}
