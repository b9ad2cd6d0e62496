//! Rounds: variants that are computed together, batch by batch.

use attribution::Together;
use sweep::group::MOST_TOGETHER;
use sweep::variant::Variant;

use crate::unit_error::UnitError;

/// Batch size of a round that has nothing to attribute, in images.
const PREDICTED_AT_ONCE: usize = 16;

/// Variants that are computed together, batch by batch.
pub(crate) struct Round<'a> {
    /// Granted batch size in images, and whether the size was a guess.
    pub(crate) granted: (usize, bool),
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

    /// Adds `part`. The batch is no larger than that of any part.
    fn add(&mut self, part: Together<'a>, (batch, grows): (usize, bool)) {
        self.granted = (self.granted.0.min(batch), self.granted.1 && grows);
        self.parts.push(part);
    }
}

/// Sorts the variants into rounds. The first round, which may be empty, shares the forward pass of the predictions.
pub(crate) fn rounds<'a>(variants: impl Iterator<Item = &'a Variant>) -> Result<Vec<Round<'a>>, UnitError> {
    let mut rounds: Vec<Round<'a>> = Vec::new();
    for part in Together::of(variants)? {
        let (granted, shares_pass) = ((part.batch(), part.grows()), part.shares_pass());
        let fitting = |round: &&mut Round<'_>| {
            shares_pass && round.shares_pass && round.variants().count() + part.variants.len() <= MOST_TOGETHER
        };
        match rounds.iter_mut().find(fitting) {
            Some(round) => round.add(part, granted),
            None => rounds.push(Round { granted, shares_pass, parts: vec![part] }),
        }
    }
    rounds.sort_by_key(|round| !round.shares_pass);
    if rounds.first().is_none_or(|round| !round.shares_pass) {
        let batch = rounds.first().map_or(PREDICTED_AT_ONCE, |round| round.granted.0);
        rounds.insert(0, Round { granted: (batch, false), shares_pass: true, parts: Vec::new() });
    }
    Ok(rounds)
}
