//! Names of Causeline's own metrics, declared once.
