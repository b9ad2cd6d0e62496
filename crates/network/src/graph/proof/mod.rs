//! The lowered graph proves itself against the plain one, before the first pass of each size counts.
//!
//! Kernels of a lowered graph are our own, and what they compute depends on the processor, on the number of images and on what is
//! left over of them: a fault may show in the last image of fourteen alone. So the first pass of every kind and size is made twice:
//! once as the sweep will make it, of a few images that are repeated, and once of these few operation by operation. What differs by
//! more than rounding takes the lowered graph out of use; the pass fails, and is made again on the plain graph.

mod judge;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

use serde_json::json;
use sweep::fingerprint;
use sweep::machine::Path;
use sweep::semantics::Semantics;
use tch::{Device, Kind, TchError, Tensor};

use self::judge::Judged;
use super::differences::reference;
use super::forward::Keep;
use super::{Graph, Replacement, Rule};

/// Images that are told apart; a pass of more repeats them. Prime to the numbers that kernels take at once.
const DISTINCT: i64 = 5;
/// Windows of a pass that are computed operation by operation.
const WINDOWS: usize = 8;
/// What an error of a pass begins with that took the lowered graph out of use.
const DISPROVED: &str = "the fused kernels of this processor are not used";

/// What a pass is made for, each by kernels of its own.
#[derive(Clone, Copy, Debug)]
pub(super) enum Use {
    Forward,
    /// A pass backward by this rule.
    Backward(Rule),
    /// `DeepLIFT`'s.
    Multipliers(Semantics),
}

impl Use {
    /// What a pass that keeps this much is used for at least.
    pub(super) fn of(keep: Keep) -> Self {
        match keep {
            Keep::Logits => Self::Forward,
            Keep::Trace(_) => Self::Backward(Rule::GRADIENT),
            Keep::Values => Self::Multipliers(Semantics::Exact),
        }
    }

    fn keep(self) -> Keep {
        match self {
            Self::Forward => Keep::Logits,
            Self::Backward(_) => Keep::Trace(None),
            Self::Multipliers(_) => Keep::Values,
        }
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forward => f.write_str("forward"),
            Self::Backward(Rule::GRADIENT) => f.write_str("backward"),
            Self::Backward(Rule { masked, rectified, reaches_functions }) => {
                write!(f, "backward (masked {masked}, rectified {rectified}, functions {reaches_functions})")
            }
            Self::Multipliers(semantics) => write!(f, "multipliers ({semantics:?})"),
        }
    }
}

/// What is known of a lowered graph.
#[derive(Debug, Default)]
pub(super) struct Proof {
    known: RefCell<BTreeSet<String>>,
    /// Of those, what nobody has asked for yet.
    new: RefCell<Vec<String>>,
    /// Why the lowered graph is out of use.
    against: RefCell<Option<String>>,
    spent: Cell<Duration>,
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
    pub(super) fn prove_pass(&self, n: i64, [height, width]: [i64; 2], used: Use) -> Result<(), TchError> {
        self.proved_once(&format!("{used} {n} {height}x{width}"), |lowered| {
            let few = wave(&[n.min(DISTINCT), self.shape.channels, height, width])?;
            let expected = self.alone(&few, used)?;
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
            let image = wave(&[1, self.shape.channels, height, width])?;
            let before = self.run(&image, Keep::Logits)?.logits;
            let most = WINDOWS.min(count);
            let chosen: Vec<usize> = (0..most).map(|at| at * (count - 1) / (most - 1).max(1)).collect();
            let after = chosen.iter().map(|at| {
                let changed = replacements[*at].made_in(&image)?;
                Ok(self.run(&changed, Keep::Logits)?.logits)
            });
            let after = Tensor::f_cat(&after.collect::<Result<Vec<_>, TchError>>()?, 0)?;
            self.forget_own();
            // In two orders: each window is once among the first and once among the last.
            let mut made: Vec<Replacement> = replacements.iter().map(|made| made.of_image(0)).collect();
            let clean = lowered.clean(&image)?;
            let found = lowered.changed(&clean, &made)?;
            made.reverse();
            let again = lowered.changed(&clean, &made)?.f_flip([0])?;
            judge::changes(&found, &again, (&chosen, &after), &before)
        })
    }

    /// Runs `test` of the lowered graph, unless what it is called has been proved; an error if it fails.
    fn proved_once(&self, name: &str, test: impl FnOnce(&Self) -> Result<Judged, TchError>) -> Result<(), TchError> {
        let Some(lowered) = self.lowered.as_deref().filter(|_| self.is_lowered()) else { return Ok(()) };
        if self.proof.known.borrow().contains(name) {
            return Ok(());
        }
        let started = Instant::now();
        let judged = test(lowered);
        self.proof.spent.set(self.proof.spent.get() + started.elapsed());
        match judged? {
            Judged::Same => {
                self.proof.known.borrow_mut().insert(name.to_owned());
                self.proof.new.borrow_mut().push(name.to_owned());
                Ok(())
            }
            Judged::Unknown => Err(self.disproved(name, "plain operations give no finite numbers to compare with")),
            Judged::Differs(how) => Err(self.disproved(name, &format!("they disagree with plain operations: {how}"))),
        }
    }

    /// Takes the lowered graph out of use; the error that has the pass made again.
    fn disproved(&self, name: &str, why: &str) -> TchError {
        let reason = format!("{DISPROVED} ({name}: {why}); the plain operations compute");
        self.lower_no_more(&reason);
        TchError::Torch(reason)
    }

    /// What `images` give operation by operation, one after the other: no more memory than one takes.
    fn alone(&self, images: &Tensor, used: Use) -> Result<Found, TchError> {
        let one = |at| self.found(&images.f_narrow(0, at, 1)?, used, None);
        let all = (0..images.size()[0]).map(one).collect::<Result<Vec<_>, TchError>>()?;
        self.forget_own();
        let rows = |of: fn(&Found) -> &Tensor| Tensor::f_cat(&all.iter().map(of).collect::<Vec<_>>(), 0);
        let maps: Option<Vec<&Tensor>> = all.iter().map(|found| found.map.as_ref()).collect();
        let map = maps.map(|maps| Tensor::f_cat(&maps, 0)).transpose()?;
        Ok(Found { logits: rows(|found| &found.logits)?, seed: rows(|found| &found.seed)?, map })
    }

    /// What a pass of `images` over this very graph gives: logits, and what they are `used` for, from the gradient `seed` of the
    /// logits; without one, from the largest of them.
    fn found(&self, images: &Tensor, used: Use, seed: Option<&Tensor>) -> Result<Found, TchError> {
        let trace = self.run(images, used.keep())?;
        let seed = match seed {
            Some(seed) => seed.shallow_clone(),
            None => self.select(&trace.logits, &trace.logits.f_argmax(1, false)?)?,
        };
        let begin = self.enter(&seed)?;
        let map = match used {
            Use::Forward => None,
            Use::Backward(rule) => Some(self.walk(&begin, 0, self.back(&trace, rule))?),
            Use::Multipliers(semantics) => {
                let rows = images.size()[0];
                let there = reference(&grey(images)?, rows, |baselines| self.run(baselines, used.keep()))?;
                Some(self.walk(&begin, 0, self.compared(&trace, &there, semantics))?)
            }
        };
        let map = map.map(|map| self.leave(map)).transpose()?;
        Ok(Found { logits: trace.logits, seed, map })
    }

    /// Gives back what the plain passes of a proof have made of the weights.
    fn forget_own(&self) {
        for node in &self.nodes {
            node.operation.forget();
        }
    }
}

/// Height and width of `[n, c, h, w]`.
pub(super) fn plane(images: &Tensor) -> Result<[i64; 2], TchError> {
    let (_, _, height, width) = images.size4()?;
    Ok([height, width])
}

/// Images without a pattern, from -1 to 1; spares libtorch's global generator, of which nothing else may depend on a proof.
fn wave(size: &[i64]) -> Result<Tensor, TchError> {
    let count = Tensor::f_arange(size.iter().product::<i64>(), (Kind::Double, Device::Cpu))?;
    let wave = count.f_mul_scalar(0.618_033_988_75)?.f_square()?.f_sin()?;
    wave.f_view(size)?.f_to_kind(Kind::Float)
}

/// A baseline `[1, c, h, w]` for images `[n, c, h, w]`.
fn grey(images: &Tensor) -> Result<Tensor, TchError> {
    images.f_narrow(0, 0, 1)?.f_full_like(0.25)
}

/// `n` of `few`, one after the other and then again.
fn repeated(few: &Tensor, n: i64) -> Result<Tensor, TchError> {
    let times = (n as u64).div_ceil(few.size()[0].max(1) as u64) as i64;
    let mut repeats = vec![1; few.dim()];
    repeats[0] = times;
    few.f_repeat(&repeats)?.f_narrow(0, 0, n)
}

impl Replacement {
    /// The same box of another image.
    fn of_image(&self, image: i64) -> Self {
        Self { image, pixels: self.pixels.shallow_clone(), ..*self }
    }

    /// `image` `[1, c, h, w]` with the box replaced.
    fn made_in(&self, image: &Tensor) -> Result<Tensor, TchError> {
        let whole = image.f_mul_scalar(1.0)?;
        let (down, across) = (self.pixels.size()[2], self.pixels.size()[3]);
        whole.f_narrow(2, self.top, down)?.f_narrow(3, self.left, across)?.f_copy_(&self.pixels)?;
        Ok(whole)
    }
}

/// What a pass gives.
struct Found {
    /// `[n, classes]`.
    logits: Tensor,
    /// Where `map` begins, `[n, classes]`.
    seed: Tensor,
    /// A gradient or multipliers, `[n, c, h, w]`.
    map: Option<Tensor>,
}
