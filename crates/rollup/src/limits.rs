//! How much a delta may hold.

/// Bounds on a delta's rows; past one of them spans count in an overflow row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Rows of one service in one interval. Default 1,000: more are not operations but identifiers in span names.
    pub per_service_max: usize,
    /// Rows of one interval. Default 10,000.
    pub per_interval_max: usize,
    /// Rows of the delta. Default 50,000: some 30 MB, and at the very most 100 MB.
    pub rows_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_service_max: 1_000,
            per_interval_max: 10_000,
            rows_max: 50_000,
        }
    }
}
