//! Scores of a group that was evaluated.

use std::sync::Arc;

use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::json;
use sweep::evaluation::Only;

use super::{Json, Refusal, Shown, aside};
use crate::stores::Wanted;

/// Numbers of a group that are read for one answer at most: its images, times methods, times scores.
const VALUES: u64 = 10_000_000;
/// Logits that are read for one answer at most, where a score is of images that are predicted right: 400 MB.
const LOGITS: u64 = 100_000_000;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    g: String,
}

/// Answers with the mean of each score of each method.
pub(super) async fn means(State(shown): State<Arc<Shown>>, Query(asked): Query<Asked>) -> Json {
    let (_, group) = shown.store(&asked.g)?;
    let numbers = (group.variants.len() * group.evaluation.scores.len()) as u64;
    let values = group.images.saturating_mul(numbers);
    if values > VALUES {
        return Err(Refusal::bad(format!(
            "{values} scores are more than the {VALUES} that the page reads; `scores` has tables"
        )));
    }
    let asks_right = group.evaluation.scores.iter().any(|score| score.only == Only::Correct);
    let logits = if asks_right { group.images.saturating_mul(group.classes as u64) } else { 0 };
    if logits > LOGITS {
        return Err(Refusal::bad(format!(
            "which images are predicted right is in {logits} logits, more than the {LOGITS} that the page reads; `scores` has tables"
        )));
    }
    let means = aside(&shown, move |shown| shown.gallery.means(&group)).await?;
    Ok(axum::Json(json!(means)))
}

/// Answers with the images of a group that are wanted, in the order of a score of one method, and their numbers.
pub(super) async fn ordered(shown: &Arc<Shown>, wanted: Wanted, most: usize) -> Json {
    let (_, group) = shown.store(&wanted.g)?;
    let (samples, all, numbers) = aside(shown, move |shown| {
        let named = (wanted.score.as_deref().unwrap_or_default(), wanted.key.as_deref().unwrap_or_default());
        let numbers = shown.gallery.score(&group, named)?;
        let (samples, all) = shown.gallery.samples(&group)?.choose_by(&wanted, most, &numbers);
        let numbers: Vec<Option<f32>> = samples.iter().map(|sample| numbers.get(&sample.image).copied()).collect();
        Ok((samples, all, numbers))
    })
    .await?;
    Ok(axum::Json(json!({"all": all, "samples": samples, "scores": numbers})))
}
