//! Redaction of whole batches, against planted secrets, properties and a naive twin; and the order of intake.

mod intake;
mod planted;
mod properties;
mod rules;
mod support;
