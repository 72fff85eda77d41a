//! The OTLP contract over real sockets.

mod http_accepted;
mod http_refused;
mod http_web;

mod grpc;
mod raw_grpc;

mod lifecycle;
mod sdk;

mod node;
