//! Curves: what the model says while parts of an image are removed, in the order of a map.
//!
//! Removing in one order is inserting in the other order, from the other end: insertion of what is most relevant is the removal of
//! what is least relevant, read backward. Counts are whole numbers, and the reverse order is no second sort.

use sweep::evaluation::Axis;
use sweep::parameters::{Parameter, ParameterError, Parameters};

use super::family::{Cost, Family, MOST_VALUES, axis};
use crate::fill::Fill;
use crate::outcome::Outcome;
use crate::parameters::{
    KEPT, ORDER, TARGET, baseline, channels, most, parameter, patch_size, per_step, percent, steps,
};
use crate::parts::{Channels, Parts};
use crate::subject::{MeasureError, Model, Subject, logits};

/// Family of curves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Curve;

/// Number of a part by which parts are ranked.
const RANK: Parameter = {
    use std::borrow::Cow::Borrowed;
    use sweep::parameters::{Default, Kind};
    let kind = Kind::Word(Borrowed(&[Borrowed("mean")]));
    parameter(
        "rank",
        "`mean` ranks parts by the mean of their numbers in place of the sum",
        kind,
        Some(Default::Absent),
    )
};

/// Numbers of one point: probability, logit, class.
const VALUES: usize = 3;

impl Family for Curve {
    fn name(&self) -> &'static str {
        "curve"
    }

    fn parameters(&self) -> &'static [Parameter] {
        const ALL: &[Parameter] = &[
            ORDER,
            channels("sum"),
            patch_size(1),
            steps(20),
            per_step(Some(sweep::parameters::Default::Absent)),
            percent(Some(sweep::parameters::Default::Absent)),
            KEPT,
            most(Some(sweep::parameters::Default::Absent)),
            baseline("zero"),
            TARGET,
            RANK,
        ];
        ALL
    }

    fn axes(&self, parameters: &Parameters, shape: [usize; 3]) -> Result<Vec<Axis>, ParameterError> {
        let steps = Steps::of(parameters, shape)?;
        if 2 * VALUES as u64 * steps.counts.len() as u64 > MOST_VALUES {
            return Err(parameters.unfit("per_step", "larger steps: a curve has ten thousand points at most"));
        }
        Ok(vec![axis("order", steps.orders.len()), axis("step", steps.counts.len()), axis("value", VALUES)])
    }

    fn cost(&self, parameters: &Parameters, shape: [usize; 3]) -> Cost {
        let of = |steps: Steps| {
            let inner = steps.counts.iter().filter(|count| **count > 0 && **count < steps.parts).count();
            inner * steps.orders.len() + usize::from(steps.counts.contains(&steps.parts))
        };
        Cost { passes: Steps::of(parameters, shape).map_or(0, of) as u64, maps: 0 }
    }

    fn measure(
        &self,
        parameters: &Parameters,
        subject: &Subject<'_>,
        model: &mut dyn Model,
    ) -> Result<Vec<f32>, MeasureError> {
        let steps = Steps::of(parameters, subject.shape)?;
        let target = subject.target(parameters.word("target")?);
        let (parts, channels) = partition(parameters, subject.shape)?;
        let ranking = channels.reduced(subject.map, subject.shape);
        let ranks =
            if parameters.get("rank").is_some() { parts.ranks_by_mean(&ranking) } else { parts.ranks(&ranking) };
        let filling = Fill::of(parameters.value("baseline")?).prepare(subject.image, subject.shape);
        let points = steps.points();
        let image = |&(order, count): &(Order, usize)| {
            let rank = |part: usize| match order {
                Order::MostFirst => ranks[part] as usize,
                Order::LeastFirst => parts.count - 1 - ranks[part] as usize,
            };
            filling.without(&parts.removed(|part| rank(part) < count))
        };
        let found = logits(model, points.iter().map(image))?;
        let outcome = |order: Order, count: usize| {
            let at = points.iter().position(|point| *point == steps.same(order, count));
            Outcome::of(at.map_or(subject.logits, |at| &found[at]), target?)
        };
        let all = steps.orders.iter().flat_map(|order| steps.counts.iter().map(|count| (*order, *count)));
        Ok(all.flat_map(|(order, count)| Outcome::values(outcome(order, count))).collect())
    }
}

/// Order of removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    MostFirst,
    LeastFirst,
}

/// Steps of a curve.
struct Steps {
    orders: Vec<Order>,
    /// Number of parts that are removed at each step.
    counts: Vec<usize>,
    /// Number of parts of an image.
    parts: usize,
}

impl Steps {
    fn of(parameters: &Parameters, shape: [usize; 3]) -> Result<Self, ParameterError> {
        let n = partition(parameters, shape)?.0.count;
        let integer = |name: &str| parameters.get(name).map(|_| parameters.integer(name)).transpose();
        let kept = integer("kept")?.map(|kept| n - n * kept as usize / 100);
        let mut counts: Vec<usize> = match (integer("percent")?, integer("per_step")?) {
            _ if kept.is_some() => [0].into_iter().chain(kept).collect(),
            // In whole numbers: 224 * 224 * 0.7 in floats is one less.
            (Some(percent), _) => vec![0, n * percent as usize / 100],
            (None, Some(size)) if size as u64 > n as u64 => {
                return Err(parameters.unfit("per_step", "no more than an image has"));
            }
            (None, Some(size)) => (0..n).step_by(size as usize).chain([n]).collect(),
            (None, None) => {
                let steps = parameters.integer("steps")? as usize;
                (0..=steps).map(|step| n * step / steps).collect()
            }
        };
        if let Some(most) = integer("most")? {
            counts.truncate(most as usize + 1);
        }
        let orders = match parameters.word("order")? {
            "lerf" => vec![Order::LeastFirst],
            "both" => vec![Order::MostFirst, Order::LeastFirst],
            _ => vec![Order::MostFirst],
        };
        Ok(Self { orders, counts, parts: n })
    }

    /// Points that the model is asked about, each once. The whole image was asked about before.
    fn points(&self) -> Vec<(Order, usize)> {
        let all = self.orders.iter().flat_map(|order| self.counts.iter().map(|count| self.same(*order, *count)));
        let mut points: Vec<(Order, usize)> = Vec::new();
        for point in all.filter(|(_, count)| *count > 0) {
            if !points.contains(&point) {
                points.push(point);
            }
        }
        points
    }

    /// The point, or the one that is the same image: nothing is left in either order.
    fn same(&self, order: Order, count: usize) -> (Order, usize) {
        if count == self.parts { (self.orders[0], count) } else { (order, count) }
    }
}

/// Parts that are removed as a whole, and the numbers by which they are ranked.
fn partition(parameters: &Parameters, shape: [usize; 3]) -> Result<(Parts, Channels), ParameterError> {
    let side = parameters.integer("patch_size")? as usize;
    let channels = Channels::of(parameters.word("channels")?);
    if side > shape[1].max(shape[2]) {
        return Err(parameters.unfit("patch_size", "no more than the side of an image"));
    }
    match (channels, side) {
        (Channels::Each, 1) => Ok((Parts::values(shape), channels)),
        (Channels::Each, _) => Err(parameters.unfit("patch_size", "1 where `channels` is `each`")),
        _ => Ok((Parts::patches(shape, side), channels)),
    }
}
