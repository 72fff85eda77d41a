//! Refines batches on their way to the log: redaction, counting, handing over.
