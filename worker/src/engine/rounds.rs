//! Rounds: variants that are computed together, batch by batch.

use attribution::Together;
use sweep::granted_batches::{GrantedBatch, GrantedBatches};
use sweep::group::MOST_TOGETHER;
use sweep::variant::Variant;

use crate::unit_error::UnitError;

/// Batch size of a round that has nothing to attribute, in images.
const PREDICTED_AT_ONCE: usize = 16;

/// Variants that are computed together, batch by batch.
pub(crate) struct Round<'a> {
    /// Granted batch size.
    pub(crate) granted: GrantedBatch,
    shares_pass: bool,
    pub(crate) parts: Vec<Together<'a>>,
}

impl<'a> Round<'a> {
    /// Variants of the round, in the order of their maps.
    pub(crate) fn variants(&self) -> impl Iterator<Item = &'a Variant> {
        self.parts.iter().flat_map(|part| part.variants.iter().copied())
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.variants().map(|variant| variant.key.clone()).collect()
    }
}

/// Sorts the variants into rounds. The first round, which may be empty, shares the forward pass of the predictions.
pub(crate) fn rounds<'a>(
    variants: impl Iterator<Item = &'a Variant>,
    batches: &GrantedBatches,
) -> Result<Vec<Round<'a>>, UnitError> {
    let mut rounds: Vec<Round<'a>> = Vec::new();
    for part in Together::of(variants)? {
        let shares_pass = part.shares_pass();
        let fitting = |round: &&mut Round<'_>| {
            shares_pass && round.shares_pass && round.variants().count() + part.variants.len() <= MOST_TOGETHER
        };
        match rounds.iter_mut().find(fitting) {
            Some(round) => round.parts.push(part),
            None => rounds.push(Round { granted: batches.of([]), shares_pass, parts: vec![part] }),
        }
    }
    for round in &mut rounds {
        round.granted = batches.of(round.variants().map(|variant| variant.key.as_str()));
    }
    rounds.sort_by_key(|round| !round.shares_pass);
    if rounds.first().is_none_or(|round| !round.shares_pass) {
        let images = rounds.first().map_or(PREDICTED_AT_ONCE, |round| round.granted.images);
        let granted = GrantedBatch { images, grows: false };
        rounds.insert(0, Round { granted, shares_pass: true, parts: Vec::new() });
    }
    Ok(rounds)
}
