//! The demonstration shop: ordinary instrumented services.
