//! Durable log, live head, blocks and catalog.
