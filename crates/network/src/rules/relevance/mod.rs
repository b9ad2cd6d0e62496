//! Layer-wise relevance propagation: the logit shared out, layer by layer, by a rule for each.
//!
//! Relevance is carried as a multiplier of the value that it belongs to, so that rules are needed at convolutions and fully connected
//! layers alone. It becomes relevance itself where it enters what depends on the images without such a layer in between.

mod cells;
mod composite;
mod layer_rule;
mod linear_map;
mod rules;

use tch::{TchError, Tensor};

use self::linear_map::is_linear_map;
use crate::graph::{Graph, Place, Rule, Step, Steps, Sum};

pub use self::cells::Attentions;
pub use self::composite::{COMPOSITES, CompositeEntry, Layers, Numbers, Pattern, composite};
pub use self::layer_rule::{Back, LayerEntry, LayerRule};
pub use self::linear_map::LinearMap;
pub use self::rules::{LAYER_RULES, layer_rule};

/// Rules for layers: the first whose pattern fits holds. Where none does, the plain gradient takes the place of a multiplier, which is
/// the epsilon rule with an epsilon of zero.
#[derive(Debug)]
pub struct Relevance {
    /// Patterns of layers, and the rule of each.
    pub layers: Vec<(Pattern, Box<dyn LayerRule>)>,
    /// Whether biases take their share.
    pub with_bias: bool,
    /// Share of relevance that goes to the weights of attentions.
    pub attentions: Attentions,
}

impl Rule for Relevance {
    fn name(&self) -> String {
        let Self { layers, with_bias, attentions } = self;
        format!("relevance ({layers:?}, bias {with_bias}, {attentions:?})")
    }

    fn steps(&self) -> Option<&dyn Steps> {
        Some(self)
    }
}

/// Whether `rule` holds at `place` where it is for layers of this `pattern`.
fn holds(place: Place<'_>, pattern: &Pattern, rule: &dyn LayerRule) -> bool {
    pattern.fits(place) && (!rule.is_first_only() || place.reads_images(is_linear_map))
}

impl Graph {
    /// Names of the layers at which `rule` holds where it is for layers of this `pattern`.
    pub fn layers_of_rule(&self, pattern: &Pattern, rule: &dyn LayerRule) -> Result<Vec<String>, TchError> {
        let graph = self.canonical()?;
        let places = (0..graph.nodes.len()).map(|id| Place::of(&graph, id)).filter(|place| is_linear_map(*place));
        Ok(places.filter(|place| holds(*place, pattern, rule)).map(|place| place.name().to_owned()).collect())
    }
}

impl Relevance {
    fn rule_at(&self, place: Place<'_>) -> Option<&dyn LayerRule> {
        let fits = |(pattern, rule): &&(Pattern, Box<dyn LayerRule>)| holds(place, pattern, rule.as_ref());
        self.layers.iter().find(fits).map(|(_, rule)| rule.as_ref())
    }

    /// Results for each input: multipliers, or relevance where a rule gives relevance.
    fn given(&self, step: &Step<'_>, m: &Tensor, inputs: usize) -> Result<Vec<Option<Back>>, TchError> {
        if let Some(map) = LinearMap::of(step, self.with_bias)
            && let Some(rule) = self.rule_at(step.place)
        {
            return Ok(vec![Some(rule.back(&map, m)?)]);
        }
        let mut sums: Vec<Sum> = (0..inputs).map(|_| Sum::default()).collect();
        if !cells::take(step, m, (self.with_bias, self.attentions), &mut sums)? {
            step.plain(m, &mut sums)?;
        }
        Ok(sums.iter_mut().map(|sum| sum.take().map(Back::Multiplier)).collect())
    }
}

impl Steps for Relevance {
    fn reads(&self, place: Place<'_>) -> bool {
        let is_behind = place.is_behind(is_linear_map);
        is_behind && (is_linear_map(place) || cells::reads(place, self.with_bias) || place.borders(is_linear_map))
    }

    fn take(&self, step: &Step<'_>, m: &Tensor, sums: &mut [Sum]) -> Result<bool, TchError> {
        let place = step.place;
        if !place.is_behind(is_linear_map) {
            return cells::pass_relevance(step, m, sums);
        }
        let border = place.borders(is_linear_map);
        if !border && !is_linear_map(place) {
            return cells::take(step, m, (self.with_bias, self.attentions), sums);
        }
        for (at, given) in self.given(step, m, sums.len())?.into_iter().enumerate() {
            let becomes_relevance = !place.input_is_behind(at, is_linear_map);
            match given {
                Some(Back::Multiplier(m)) if becomes_relevance => sums[at].add(step.kept.input(at)?.f_mul(&m)?)?,
                Some(Back::Multiplier(m)) => sums[at].add(m)?,
                Some(Back::Relevance(relevance)) => sums[at].add(relevance)?,
                None => {}
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
