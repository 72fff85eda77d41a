//! Object storage that speaks S3's protocol.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use crate::config::S3Bucket;

/// Attempts of a request after the first, as far as its time allows.
const RETRIES_MAX: usize = 5;

/// The bucket that `bucket` describes. Nothing is sent.
pub(super) fn build(bucket: &S3Bucket) -> object_store::Result<Arc<dyn ObjectStore>> {
    // A request gets a third of the time of an operation, so that one that hangs is tried again.
    let client = ClientOptions::new()
        .with_timeout(bucket.timeout / 3)
        .with_connect_timeout(bucket.timeout / 6)
        .with_allow_http(bucket.allow_http);
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(5),
            base: 2.0,
        },
        max_retries: RETRIES_MAX,
        retry_timeout: bucket.timeout,
    };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&bucket.bucket)
        .with_region(&bucket.region)
        .with_virtual_hosted_style_request(bucket.virtual_hosted_style)
        // A commit is a put that fails when the object exists.
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_client_options(client)
        .with_retry(retry);
    if let Some(endpoint) = &bucket.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    // Without a key the instance's or the container's own role is asked.
    if let Some(id) = &bucket.access_key_id {
        builder = builder.with_access_key_id(id);
    }
    if let Some(key) = &bucket.secret_access_key {
        builder = builder.with_secret_access_key(key.expose());
    }
    if let Some(token) = &bucket.session_token {
        builder = builder.with_token(token.expose());
    }
    Ok(Arc::new(builder.build()?))
}
