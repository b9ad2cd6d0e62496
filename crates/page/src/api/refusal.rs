//! Requests that are refused: a status of HTTP, and a sentence in JSON.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use pictures::PictureError;
use serde_json::json;
use store::StoreError;

/// Reason for which a request gets nothing.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    text: String,
}

impl Refusal {
    /// Refusal of a request that makes no sense.
    pub(crate) fn bad(text: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, text }
    }

    /// Refusal of a request for what is not there.
    pub(crate) fn missing(text: String) -> Self {
        Self { status: StatusCode::NOT_FOUND, text }
    }

    /// Refusal of a request that the page may not serve.
    pub(crate) fn forbidden(text: String) -> Self {
        Self { status: StatusCode::FORBIDDEN, text }
    }

    /// Refusal of a caller who has not shown the token.
    pub(crate) fn unknown() -> Self {
        let text = "this page needs its token: open the address that the program printed".to_owned();
        Self { status: StatusCode::UNAUTHORIZED, text }
    }

    /// Refusal of a request for what is damaged.
    pub(crate) fn broken(text: String) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, text }
    }

    /// Refusal of a request while too many wait.
    pub(crate) fn busy() -> Self {
        let text = "too many requests wait; ask again in a second".to_owned();
        Self { status: StatusCode::SERVICE_UNAVAILABLE, text }
    }

    /// The reason, in a sentence.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::broken(error.to_string())
    }
}

impl From<PictureError> for Refusal {
    fn from(error: PictureError) -> Self {
        match error {
            PictureError::Word { .. } | PictureError::Channel { .. } => Self::bad(error.to_string()),
            PictureError::Shape { .. } | PictureError::Png(_) => Self::broken(error.to_string()),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(json!({"error": self.text}))).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
        }
        response
    }
}
