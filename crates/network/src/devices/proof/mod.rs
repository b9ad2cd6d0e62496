//! The lowered graph proves itself against the plain one, before the first pass of each size counts.
//!
//! Kernels of a lowered graph are our own, and what they compute depends on the processor, on the number of images and on what is
//! left over of them: a fault may show in the last image of fourteen alone. So the first pass of every kind and size is made twice:
//! once as the sweep will make it, of a few images that are repeated, and once of these few operation by operation; of large images
//! the first one alone is computed so, and the others each by itself on the lowered graph. What differs by more than rounding takes
//! the lowered graph out of use; the pass fails, and is made again on the plain graph.

mod expected;
mod hiding;
mod images;
mod judge;
mod passes;
mod plain;
#[cfg(test)]
mod tests;
mod windows;

use std::cell::{Cell, RefCell};

use tch::{Device, Kind, TchError, Tensor};

use self::images::{DISTINCT, repeated, wave};
use self::judge::Judged;
use self::passes::Found;
use self::plain::Plain;
use super::gpu::rounds_to_tf32;
use crate::graph::{Gradient, Graph, Keep, Plan, Prover, Replacement, Use};

/// The proofs of one lowered graph.
#[derive(Debug)]
pub(crate) struct Proof {
    device: Device,
    /// Results of the plain graph, for any number of images.
    plain: RefCell<Plain>,
    /// Whether weights have been laid out for a pass backward, so that to prove one takes no more memory than there will be needed.
    walks_back: Cell<bool>,
}

impl Graph {
    /// Difference of logits and gradients of this graph, which computes on `device` with `bits` of mantissa, from those of
    /// `reference`, the same model on the processor, for images of `size`, in words; `None` if the difference is rounding.
    pub fn differs_from(
        &self,
        reference: &Self,
        [height, width]: [i64; 2],
        device: Device,
        bits: i32,
    ) -> Result<Option<String>, TchError> {
        let used = Use::Backward(&Gradient);
        let images = wave(&[DISTINCT, self.shape.channels, height, width])?;
        let expected = passes::alone(reference, &images, used)?;
        plain::forget_own(reference);
        let kind = if bits > 24 { Kind::Double } else { Kind::Float };
        // Of the same logits on both: where two are near each other, rounding may choose.
        let seed = expected.seed.f_to_kind(kind)?.f_to_device(device)?;
        let found = passes::found(self, &images.f_to_kind(kind)?.f_to_device(device)?, used, Some(&seed))?;
        let on_host = |values: &Tensor| values.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float);
        let map = found.map.as_ref().map(on_host).transpose()?;
        let found = Found { logits: on_host(&found.logits)?, seed: found.seed, map };
        match judge::across_devices(&found, &expected, bits)? {
            Judged::Differs(how) => Ok(Some(how)),
            Judged::Same | Judged::Unknown => Ok(None),
        }
    }
}

impl Proof {
    /// No proofs yet of a graph that computes on `device`.
    pub(crate) fn on(device: Device) -> Self {
        Self { device, plain: RefCell::default(), walks_back: Cell::default() }
    }

    /// Values without a pattern, on the device.
    fn wave(&self, size: &[i64]) -> Result<Tensor, TchError> {
        wave(size)?.f_to_device(self.device)
    }

    /// Bits of the mantissa that products are rounded to.
    fn bits(&self) -> i32 {
        if self.device != Device::Cpu && rounds_to_tf32() { 11 } else { 24 }
    }

    fn prove(&self, graph: &Graph, n: i64, size: [i64; 2], used: Use<'_>, name: &str) -> Result<(), TchError> {
        proved_once(graph, name, |lowered| {
            let few = self.wave(&[n.min(DISTINCT), graph.shape.channels, size[0], size[1]])?;
            let expected = match self.expected(graph, lowered, &few, used)? {
                Ok(expected) => expected,
                Err(judged) => return Ok(judged),
            };
            let seed = repeated(&expected.seed, n)?;
            judge::pass(&passes::found(lowered, &repeated(&few, n)?, used, Some(&seed))?, &expected, self.bits())
        })
    }
}

impl Prover for Proof {
    fn pass(&self, graph: &Graph, n: i64, size: [i64; 2], used: Use<'_>) -> Result<(), TchError> {
        let name = |used: Use<'_>| name(used, n, size);
        let backward = Use::Backward(&Gradient);
        if matches!(used, Use::Forward(Keep::Trace(_))) && self.walks_back.get() && !graph.record.knows(&name(used)) {
            // What is traced goes back next: both at once.
            self.prove(graph, n, size, backward, &name(backward))?;
            graph.record.note(&name(used));
            return Ok(());
        }
        if matches!(used, Use::Backward(rule) if rule.steps().is_none()) {
            self.walks_back.set(true);
        }
        self.prove(graph, n, size, used, &name(used))
    }

    /// Sums of gradients have other numbers of rows than passes: each row must be what it is alone, and that is proved by a
    /// whole pass of one image.
    fn stem(&self, graph: &Graph, gradient: &Tensor, size: [i64; 2]) -> Result<(), TchError> {
        self.pass(graph, 1, size, Use::Backward(&Gradient))?;
        let n = gradient.size()[0];
        proved_once(graph, &format!("stem {n} {}x{}", size[0], size[1]), |lowered| {
            let Some((_, stem)) = lowered.stem() else { return Ok(Judged::Same) };
            let mut shape = gradient.size();
            shape[0] = n.min(DISTINCT);
            let few = self.wave(&shape)?;
            let linear = |rows: &Tensor| stem.linear_part(rows, size);
            let alone = (0..shape[0]).map(|at| linear(&few.f_narrow(0, at, 1)?)).collect::<Result<Vec<_>, _>>()?;
            judge::maps(&linear(&repeated(&few, n)?)?, &Tensor::f_cat(&alone, 0)?)
        })
    }

    fn changes(&self, graph: &Graph, size: [i64; 2], replacements: &[Replacement]) -> Result<(), TchError> {
        self.windows(graph, size, replacements)
    }

    fn hiding(&self, graph: &Graph, n: i64, plan: &Plan, windows: usize) -> Result<(), TchError> {
        self.planned(graph, n, plan, windows)
    }
}

/// Name of a pass of `n` images of `[height, width]` for a purpose.
fn name(used: Use<'_>, n: i64, [height, width]: [i64; 2]) -> String {
    format!("{used} {n} {height}x{width}")
}

/// Runs `test` of the lowered graph, unless the pass `name` has been proved, here or by a process that shares its proofs. A test that
/// fails is an error.
fn proved_once(
    graph: &Graph,
    name: &str,
    test: impl FnOnce(&Graph) -> Result<Judged, TchError>,
) -> Result<(), TchError> {
    let Some(lowered) = graph.lowered.as_ref().filter(|_| graph.is_lowered() && !graph.record.knows(name)) else {
        return Ok(());
    };
    let disproved = |why: &str| Err(graph.record.disproved(name, why));
    let is_proof = |judged: &Result<Judged, TchError>| matches!(judged, Ok(Judged::Same));
    match graph.record.in_turn(name, || test(&lowered.graph), is_proof).unwrap_or(Ok(Judged::Same))? {
        Judged::Same => {
            graph.record.note(name);
            Ok(())
        }
        Judged::Unknown => disproved("plain operations give no finite numbers to compare with"),
        Judged::Differs(how) => disproved(&format!("they disagree with plain operations: {how}")),
    }
}
