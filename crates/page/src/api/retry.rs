//! Wish of a person that units that failed are tried again.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::json;

use super::{Json, Refusal, Shown};

/// Header that no form and no picture of another page can send.
const HEADER: &str = "x-attrisweep";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Name of the unit; all that failed, if there is none.
    unit: Option<String>,
}

/// Passes the wish on to the scheduler.
pub(super) async fn retry(State(shown): State<Arc<Shown>>, headers: HeaderMap, Query(asked): Query<Asked>) -> Json {
    if !headers.contains_key(HEADER) {
        return Err(Refusal::forbidden(format!("the header `{HEADER}` is missing, which the page itself sends")));
    }
    let Some(retry) = &shown.retry else {
        return Err(Refusal::missing("no sweep runs here that could try again".to_owned()));
    };
    retry(asked.unit.as_deref()).map_err(Refusal::bad)?;
    Ok(axum::Json(json!({"asked": true})))
}
