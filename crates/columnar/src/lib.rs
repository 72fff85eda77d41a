//! The Arrow schema of spans, its builders, and its twins in the model.
