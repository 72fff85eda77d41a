//! The narrow waist between engines and stores.
