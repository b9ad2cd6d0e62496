//! Reading of the scores of a store, shard by shard.

use store::{Described, Ledger, Shards, StoreError, name, score as score_path};
use sweep::evaluation::{Only, Score};
use sweep::variant::Variant;

use super::table::{Cell, Column, Table};

/// Table of the store `described`, which is called `name`.
pub(super) fn table(name: &str, described: &Described) -> Result<Table, StoreError> {
    let group = &described.group;
    let ledger = Ledger::read(group)?;
    let mut shards = Shards::open(group.store.clone(), String::new());
    let scores = &group.evaluation.scores;
    let columns = scores.iter().map(|score| Column {
        score: score.key.clone(),
        class: score.class.clone(),
        direction: score.direction,
    });
    let mut rows = Vec::new();
    for variant in group.variants.iter().filter(|variant| described.asked.contains(&variant.key)) {
        let cells = scores.iter().map(|score| cell(described, &ledger, &mut shards, (score, variant)));
        rows.push((variant.key.clone(), cells.collect::<Result<Vec<_>, _>>()?));
    }
    Ok(Table::new(name, columns.collect(), rows))
}

/// Average of `score` over the images of the store; `None` where `variant` is not scored.
fn cell(
    described: &Described,
    ledger: &Ledger,
    shards: &mut Shards,
    (score, variant): (&Score, &Variant),
) -> Result<Option<Cell>, StoreError> {
    let group = &described.group;
    if !score.of.has(variant) {
        return Ok(None);
    }
    let array = score_path(&score.key, &variant.key);
    let (mut values, mut missing) = (Vec::new(), 0);
    for shard in 0..group.shards() {
        let range = group.range(shard);
        let images = range.end - range.start;
        if !ledger.has(&array, shard) {
            missing += images;
            continue;
        }
        let scored = shards.floats(&array, shard, images)?;
        match score.only {
            Only::All => values.extend(scored),
            Only::Correct => {
                let right = right(described, shards, shard, images)?;
                values.extend(scored.into_iter().zip(right).filter(|(_, right)| *right).map(|(score, _)| score));
            }
        }
    }
    Ok(Some(Cell::of(&values, missing)))
}

/// Whether the predicted class of each image of `shard` is its label.
fn right(described: &Described, shards: &mut Shards, shard: u64, images: u64) -> Result<Vec<bool>, StoreError> {
    let classes = described.group.classes.max(1);
    let logits = shards.floats(name::PREDICTIONS, shard, images)?;
    let labels = shards.integers(name::LABELS, shard, images)?;
    let width = described.labels.width.max(1);
    let is_right = |(logits, labels): (&[f32], &[i64])| match labels {
        [label] => usize::try_from(*label).is_ok_and(|label| evaluation::predicted(logits) == label),
        // An image with several labels is not predicted by one class.
        _ => false,
    };
    Ok(logits.chunks(classes).zip(labels.chunks(width)).map(is_right).collect())
}
