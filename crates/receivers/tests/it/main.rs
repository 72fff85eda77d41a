//! The OTLP contract over real sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod http_accepted;
mod http_refused;
mod http_web;

mod grpc;
mod raw_grpc;

mod logs;

mod lifecycle;
mod sdk;
mod zipkin;

mod node;
