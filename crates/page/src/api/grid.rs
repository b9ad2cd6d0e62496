//! The grid of groups and variants, one group, and its images by what the model says of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Json, Shown, aside, scores};
use crate::stores::{Scan, Seen, Wanted, scores::columns};

/// Samples in one answer at most.
const SAMPLES: usize = 200;

/// Answers with all groups, and a letter for each of their variants.
pub(super) fn grid(shown: &Shown) -> axum::Json<Value> {
    let scan = shown.scanner.now();
    let keys = variants(&scan);
    let columns: BTreeMap<&str, usize> = keys.iter().enumerate().map(|(at, (key, _))| (key.as_str(), at)).collect();
    let groups: Vec<Value> = scan.stores.iter().map(|seen| row(seen, &columns)).collect();
    axum::Json(json!({
        "folders": shown.folders,
        "whole": scan.whole,
        "variants": keys.iter().map(|(key, signed)| json!({"key": key, "signed": signed})).collect::<Vec<_>>(),
        "groups": groups,
        "failed": scan.failed,
    }))
}

/// Keys of all variants in the order in which groups have them, and whether their maps have signs.
fn variants(scan: &Scan) -> Vec<(String, bool)> {
    let mut keys: Vec<(String, bool)> = Vec::new();
    let mut known = std::collections::BTreeSet::new();
    for variant in scan.stores.iter().filter_map(|seen| seen.group.as_ref()).flat_map(|group| &group.variants) {
        if known.insert(variant.key.as_str()) {
            keys.push((variant.key.clone(), variant.is_signed()));
        }
    }
    keys
}

/// One group; a cell is `.` where the group has no such variant.
fn row(seen: &Seen, columns: &BTreeMap<&str, usize>) -> Value {
    let Some(group) = &seen.group else {
        return json!({"id": seen.id, "sweep": seen.sweep, "error": seen.error, "cells": ""});
    };
    let mut cells = vec!['.'; columns.len()];
    for (variant, cell) in group.variants.iter().zip(seen.cells.chars()) {
        if let Some(at) = columns.get(variant.key.as_str()) {
            cells[*at] = cell;
        }
    }
    json!({
        "id": seen.id,
        "sweep": seen.sweep,
        "dataset": group.dataset,
        "model": group.model,
        "noise": group.noise.name,
        "split": group.split,
        "images": group.images,
        "complete": seen.complete,
        "error": seen.error,
        "done": seen.done.iter().sum::<u64>(),
        "shards": group.shards() * group.variants.len() as u64,
        "cells": cells.into_iter().collect::<String>(),
    })
}

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    g: String,
}

/// Answers with all that is known of a group.
pub(super) async fn group(State(shown): State<Arc<Shown>>, Query(asked): Query<Asked>) -> Json {
    let (seen, group) = shown.store(&asked.g)?;
    let variant = |(variant, done): (&sweep::variant::Variant, &u64)| {
        json!({
            "key": variant.key,
            "class": variant.class,
            "parameters": variant.parameters,
            "signed": variant.is_signed(),
            "done": done,
        })
    };
    let numerics = group.numerics;
    let answer = json!({
        "id": seen.id,
        "place": seen.place,
        "dataset": group.dataset,
        "model": group.model,
        "noise": group.noise.name,
        "split": group.split,
        "images": group.images,
        "shape": group.shape,
        "classes": group.classes,
        "shard": group.shard,
        "shards": group.shards(),
        "complete": seen.complete,
        "dtype": numerics.dtype,
        "precision": numerics.precision,
        "seed": numerics.seed,
        "computed_by": seen.devices,
        "scores": columns(&group),
        "variants": group.variants.iter().zip(&seen.done).map(variant).collect::<Vec<_>>(),
    });
    let samples = aside(&shown, move |shown| shown.gallery.samples(&group)).await?;
    let (predicted, right) = samples.counts();
    let mut answer = answer;
    answer["predicted"] = predicted.into();
    answer["right"] = right.into();
    answer["labels"] = samples.labels().into();
    Ok(axum::Json(answer))
}

/// Answers with the images of a group that are wanted.
pub(super) async fn samples(State(shown): State<Arc<Shown>>, Query(wanted): Query<Wanted>) -> Json {
    if wanted.order.is_of_scores() {
        return scores::ordered(&shown, wanted, SAMPLES).await;
    }
    let (_, group) = shown.store(&wanted.g)?;
    let (samples, all) =
        aside(&shown, move |shown| Ok(shown.gallery.samples(&group)?.choose(&wanted, SAMPLES))).await?;
    Ok(axum::Json(json!({"all": all, "samples": samples})))
}
