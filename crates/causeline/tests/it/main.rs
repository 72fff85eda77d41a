//! The real binary, over real sockets, on a real disk.

mod answers;
mod asking;
mod bench;
mod counts;
mod crash;
mod giant;
mod holds;
mod jaeger;
mod leaks;
mod logs;
mod map;
mod mcp;
mod node;
mod offline;
mod otlp;
mod own_traces;
mod prometheus;
mod tempo;
mod tempo_refused;
mod times;
mod trace_page;
mod traceql;
mod transfer;
mod zipkin;
