//! The Model Context Protocol, by which assistants of people ask: `docs/mcp.md`.
//!
//! Every request stands alone: there are no sessions, and nothing is sent that was not asked for. A *tool* is a question: its arguments are a struct that says its own schema
//! ([`tools`]), and it gives an [`answer::Answer`], a small JSON object that says of what range it is, why it is partial, and what was cut. *Resources*
//! are the sections of `docs/traceql.md` ([`documents`]).
//!
//! A question that goes wrong is an answer too, one that says what, where, and what to ask instead: assistants read it and ask again. Errors of the
//! protocol are for what is no question of ours.
//!
//! Never here: what only assistants can ask. Tools ask the engine what the other APIs ask, and round it.

mod answer;
mod arguments;
mod documents;
mod handler;
mod tools;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use crate::layers::check_origin;
use crate::state::App;
use handler::Handler;

/// The longest request, in bytes: a query may have 128 KiB, a comparison has two.
const REQUEST_BYTES_MAX: usize = 1 << 20;

/// The protocol over Streamable HTTP at `path`.
///
/// What `Host` may say is the listener's to check, as for all routes.
pub(crate) fn router(app: &App, path: &str) -> Router<App> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(REQUEST_BYTES_MAX)
        .disable_allowed_hosts();
    let handler = Handler::new(app.clone());
    let service = StreamableHttpService::new(
        move || Ok(handler.clone()),
        Arc::new(NeverSessionManager::default()),
        config,
    );
    Router::new()
        .route_service(path, service)
        .layer(from_fn(check_origin))
}
