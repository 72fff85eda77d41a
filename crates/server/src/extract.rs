//! Parameters of the native API's requests: as axum's extractors, but what is wrong with them is said in the API's own error shape.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path as AxumPath, Query as AxumQuery};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// The parameters behind `?`.
pub(crate) struct Query<T>(pub(crate) T);

/// The parameters in the path.
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let read = AxumQuery::try_from_uri(&parts.uri);
        let wrong = |rejection: QueryRejection| ApiError::unreadable(rejection.body_text());
        read.map(|AxumQuery(read)| Self(read)).map_err(wrong)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let read = AxumPath::from_request_parts(parts, state).await;
        let wrong = |rejection: PathRejection| ApiError::unreadable(rejection.body_text());
        read.map(|AxumPath(read)| Self(read)).map_err(wrong)
    }
}
