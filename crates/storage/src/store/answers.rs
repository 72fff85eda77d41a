//! Questions about the tables beside the spans.

use async_trait::async_trait;
use store_api::{CountAnswer, CountRequest, CountSource, Error, LogAnswer, LogRequest, LogSource};

use super::Store;

#[async_trait]
impl LogSource for Store {
    async fn logs(&self, request: LogRequest) -> Result<LogAnswer, Error> {
        self.inner.logs.logs(request).await
    }
}

#[async_trait]
impl CountSource for Store {
    async fn counts(&self, request: CountRequest) -> Result<CountAnswer, Error> {
        self.inner.counts.counts(request).await
    }
}
