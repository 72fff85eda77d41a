//! OpenTelemetry's trace model for single traces and cold paths.
