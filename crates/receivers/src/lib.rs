//! OTLP listeners: decode, admit, hand over.
