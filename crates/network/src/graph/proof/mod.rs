//! The lowered graph proves itself against the plain one, before the first pass of each size counts.
//!
//! Kernels of a lowered graph are our own, and what they compute depends on the processor, on the number of images and on what is
//! left over of them: a fault may show in the last image of fourteen alone. So the first pass of every kind and size is made twice:
//! once as the sweep will make it, of a few images that are repeated, and once of these few operation by operation. What differs by
//! more than rounding takes the lowered graph out of use; the pass fails, and is made again on the plain graph.

mod judge;
mod passes;
mod plain;
#[cfg(test)]
mod tests;
mod used;

pub(super) use passes::plane;
pub(super) use used::Use;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;
use sweep::computed_by::Path;
use sweep::fingerprint;
use tch::{Device, Kind, TchError, Tensor};

use self::judge::Judged;
use self::passes::{Found, repeated, wave};
use self::plain::Plain;
use super::forward::Keep;
use super::{Graph, Replacement, Rule};

/// Images that are told apart; a pass of more repeats them. Prime to the numbers that kernels take at once.
const DISTINCT: i64 = 5;
/// Windows of a pass that are computed operation by operation, where all would be many.
const WINDOWS: usize = 8;
/// Pixels of images, each with another window hidden, up to which all are.
const FEW: i64 = 32 * 64 * 64;
/// What an error of a pass begins with that took the lowered graph out of use.
const DISPROVED: &str = "the fused kernels of this processor are not used";

/// What is known of a lowered graph.
#[derive(Debug, Default)]
pub(super) struct Proof {
    known: RefCell<BTreeSet<String>>,
    /// Of those, what nobody has asked for yet.
    new: RefCell<Vec<String>>,
    /// Why the lowered graph is out of use.
    against: RefCell<Option<String>>,
    spent: Cell<Duration>,
    /// What the plain graph gives, for any number of images.
    plain: RefCell<Plain>,
    /// Whether weights have been laid out for a pass backward, so that to prove one takes no more memory than there will be needed.
    walks_back: Cell<bool>,
}

impl Proof {
    /// Whether the lowered graph is out of use.
    pub(super) fn is_against(&self) -> bool {
        self.against.borrow().is_some()
    }
}

impl Graph {
    /// Which operations passes run on from now on.
    pub fn path(&self) -> Path {
        if self.is_lowered() { Path::Lowered } else { Path::Plain }
    }

    /// Why passes run on the plain graph although there is a lowered one: a sentence, with the numbers.
    pub fn disproof(&self) -> Option<String> {
        self.proof.against.borrow().clone()
    }

    /// Time that proofs have taken so far: nobody's batch took it.
    pub fn proving(&self) -> Duration {
        self.proof.spent.get()
    }

    /// Whether `error` is that the lowered graph was taken out of use: the same pass made again runs on the plain one.
    pub fn is_disproof(error: &TchError) -> bool {
        matches!(error, TchError::Torch(text) if text.starts_with(DISPROVED))
    }

    /// Takes passes for proved that were before, by a process like this one.
    pub fn trust(&self, passes: impl IntoIterator<Item = String>) {
        self.proof.known.borrow_mut().extend(passes);
    }

    /// Passes that were proved since this was last asked.
    pub fn proved(&self) -> Vec<String> {
        self.proof.new.take()
    }

    /// Takes the lowered graph out of use.
    pub fn lower_no_more(&self, reason: &str) {
        self.proof.against.replace(Some(reason.to_owned()));
    }

    /// How logits and gradients of this graph, which computes on `device` with `bits` of mantissa, differ from those of
    /// `reference`, the same model on the processor, for images of `size`; nothing if it is rounding.
    pub fn differs_from(
        &self,
        reference: &Self,
        [height, width]: [i64; 2],
        device: Device,
        bits: i32,
    ) -> Result<Option<String>, TchError> {
        let used = Use::Backward(Rule::GRADIENT);
        let images = wave(&[DISTINCT, self.shape.channels, height, width])?;
        let expected = reference.alone(&images, used)?;
        reference.forget_own();
        let kind = if bits > 24 { Kind::Double } else { Kind::Float };
        // Of the same logits on both: where two are near each other, rounding may choose.
        let seed = expected.seed.f_to_kind(kind)?.f_to_device(device)?;
        let found = self.found(&images.f_to_kind(kind)?.f_to_device(device)?, used, Some(&seed))?;
        let on_host = |values: &Tensor| values.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float);
        let map = found.map.as_ref().map(on_host).transpose()?;
        let found = Found { logits: on_host(&found.logits)?, seed: found.seed, map };
        match judge::across_devices(&found, &expected, bits)? {
            Judged::Differs(how) => Ok(Some(how)),
            Judged::Same | Judged::Unknown => Ok(None),
        }
    }

    /// Sees to it that passes of `n` images of `[height, width]` that are used so are proved.
    pub(super) fn prove_pass(&self, n: i64, size: [i64; 2], used: Use) -> Result<(), TchError> {
        let name = |used: Use| format!("{used} {n} {}x{}", size[0], size[1]);
        let backward = Use::Backward(Rule::GRADIENT);
        if matches!(used, Use::Forward(Keep::Trace(_))) && self.proof.walks_back.get() && !self.is_proved(&name(used)) {
            // What is traced goes back next: both at once.
            self.prove(n, size, backward, &name(backward))?;
            self.found_right(&name(used));
            return Ok(());
        }
        if self.is_lowered() && matches!(used, Use::Backward(_)) {
            self.proof.walks_back.set(true);
        }
        self.prove(n, size, used, &name(used))
    }

    fn prove(&self, n: i64, size: [i64; 2], used: Use, name: &str) -> Result<(), TchError> {
        self.proved_once(name, |lowered| {
            let (few, expected) = self.expected(n.min(DISTINCT), size, used)?;
            let seed = repeated(&expected.seed, n)?;
            judge::pass(&lowered.found(&repeated(&few, n)?, used, Some(&seed))?, &expected)
        })
    }

    /// The same for the last step backward, which sums of `gradient`s take in other numbers than passes have: each row must be what
    /// it is alone, and that is proved by a whole pass of one image.
    pub(super) fn prove_stem(&self, gradient: &Tensor, size: [i64; 2]) -> Result<(), TchError> {
        self.prove_pass(1, size, Use::Backward(Rule::GRADIENT))?;
        let n = gradient.size()[0];
        self.proved_once(&format!("stem {n} {}x{}", size[0], size[1]), |lowered| {
            let Some(stem) = lowered.stem() else { return Ok(Judged::Same) };
            let mut shape = gradient.size();
            shape[0] = n.min(DISTINCT);
            let few = wave(&shape)?;
            let linear = |rows: &Tensor| lowered.nodes[stem].operation.linear_part(rows, size);
            let alone = (0..shape[0]).map(|at| linear(&few.f_narrow(0, at, 1)?)).collect::<Result<Vec<_>, _>>()?;
            judge::maps(&linear(&repeated(&few, n)?)?, &Tensor::f_cat(&alone, 0)?)
        })
    }

    /// The same for the logits of images in which `replacements` were made.
    pub(super) fn prove_changes(&self, size: [i64; 2], replacements: &[Replacement]) -> Result<(), TchError> {
        let Some(first) = replacements.first() else { return Ok(()) };
        let ([height, width], [down, across]) = (size, plane(&first.pixels)?);
        let count = replacements.len();
        let boxes = replacements.iter().map(|made| Ok((made.top, made.left, plane(&made.pixels)?)));
        let boxes = fingerprint::digest(&json!(boxes.collect::<Result<Vec<_>, TchError>>()?));
        let name = format!("windows {count} of {down}x{across} in {height}x{width} ({})", &boxes[..8]);
        self.proved_once(&name, |lowered| {
            let grey: Vec<Replacement> = replacements.iter().map(Replacement::in_grey).collect::<Result<_, _>>()?;
            let all = plain::distinct(&grey)? * height * width <= FEW;
            let most = if all { count } else { WINDOWS.min(count) };
            let chosen: Vec<usize> = (0..most).map(|at| at * (count - 1) / (most - 1).max(1)).collect();
            let (image, before) = self.expected(1, size, Use::Forward(Keep::Logits))?;
            let after = self.expected_changes(&image, &chosen.iter().map(|at| &grey[*at]).collect::<Vec<_>>())?;
            let clean = lowered.clean(&image)?;
            let found = lowered.changed(&clean, &grey)?;
            // Otherwise in two orders: each window is once among the first and once among the last.
            let again = if all {
                found.shallow_clone()
            } else {
                let reversed: Vec<Replacement> = grey.into_iter().rev().collect();
                lowered.changed(&clean, &reversed)?.f_flip([0])?
            };
            judge::changes(&found, &again, (&chosen, &after), &before.logits)
        })
    }

    /// Runs `test` of the lowered graph, unless what it is called has been proved; an error if it fails.
    fn proved_once(&self, name: &str, test: impl FnOnce(&Self) -> Result<Judged, TchError>) -> Result<(), TchError> {
        let Some(lowered) = self.lowered.as_deref().filter(|_| self.is_lowered()) else { return Ok(()) };
        if self.is_proved(name) {
            return Ok(());
        }
        let started = Instant::now();
        let judged = test(lowered);
        self.proof.spent.set(self.proof.spent.get() + started.elapsed());
        match judged? {
            Judged::Same => {
                self.found_right(name);
                Ok(())
            }
            Judged::Unknown => Err(self.disproved(name, "plain operations give no finite numbers to compare with")),
            Judged::Differs(how) => Err(self.disproved(name, &format!("they disagree with plain operations: {how}"))),
        }
    }

    fn is_proved(&self, name: &str) -> bool {
        self.proof.known.borrow().contains(name)
    }

    fn found_right(&self, name: &str) {
        if self.is_lowered() && self.proof.known.borrow_mut().insert(name.to_owned()) {
            self.proof.new.borrow_mut().push(name.to_owned());
        }
    }

    /// Takes the lowered graph out of use; the error that has the pass made again.
    fn disproved(&self, name: &str, why: &str) -> TchError {
        let reason = format!("{DISPROVED} ({name}: {why}); the plain operations compute");
        self.lower_no_more(&reason);
        TchError::Torch(reason)
    }
}
