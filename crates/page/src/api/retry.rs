//! Wish of a person that units that failed are tried again.

use axum::http::HeaderMap;
use serde_json::json;

use super::{Json, Refusal, Shown};

/// Header that no form and no picture of another page can send.
const HEADER: &str = "x-attrisweep";

/// Passes the wish on to the scheduler.
pub(super) fn retry(shown: &Shown, headers: &HeaderMap) -> Json {
    if !headers.contains_key(HEADER) {
        return Err(Refusal::forbidden(format!("the header `{HEADER}` is missing, which the page itself sends")));
    }
    let Some(retry) = &shown.retry else {
        return Err(Refusal::missing("no sweep runs here that could try again".to_owned()));
    };
    retry().map_err(Refusal::bad)?;
    Ok(axum::Json(json!({"asked": true})))
}
