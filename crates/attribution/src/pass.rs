//! One batch of images under attribution, and what the methods share of it.

use std::cell::OnceCell;

use network::{Gradient, Graph, Rule, Trace};
use tch::{Kind, TchError, Tensor};

/// A batch of images, the targets to explain, and one forward pass that all methods may use.
pub struct Pass<'a> {
    graph: &'a Graph,
    images: Tensor,
    targets: Tensor,
    rows: i64,
    trace: OnceCell<Trace>,
    gradient: OnceCell<Tensor>,
}

impl<'a> Pass<'a> {
    /// Explains the logits `targets` `[n]` (int64) of `images` `[n, c, h, w]`.
    ///
    /// `rows` is how many images the device may hold at once, for methods that make several of one;
    /// a method never makes fewer than `n`.
    pub fn new(graph: &'a Graph, images: Tensor, targets: Tensor, rows: i64) -> Self {
        Self { graph, images, targets, rows, trace: OnceCell::new(), gradient: OnceCell::new() }
    }

    /// As [`Pass::new`], with the forward pass already done and the largest logit of each image as its target.
    ///
    /// Largest in single precision, in which logits are stored: targets found from a store are the same.
    pub fn predicted(graph: &'a Graph, images: Tensor, trace: Trace, rows: i64) -> Result<Self, TchError> {
        let targets = trace.logits().f_to_kind(Kind::Float)?.f_argmax(1, false)?;
        Ok(Self { trace: OnceCell::from(trace), ..Self::new(graph, images, targets, rows) })
    }

    /// `[n, c, h, w]`.
    pub fn images(&self) -> &Tensor {
        &self.images
    }

    /// `[n]`.
    pub fn targets(&self) -> &Tensor {
        &self.targets
    }

    /// Images that may be computed at once, at least `n`.
    pub fn rows(&self) -> i64 {
        self.rows.max(self.images.size().first().copied().unwrap_or(1))
    }

    /// The target logits' backward pass by `rule`, to the images: `[n, c, h, w]`.
    pub fn backward(&self, rule: &dyn Rule) -> Result<Tensor, TchError> {
        let trace = self.trace()?;
        let seed = self.graph.select(trace.logits(), &self.targets)?;
        self.graph.backward(trace, &seed, rule)
    }

    /// The plain gradient `[n, c, h, w]`, computed once for all methods.
    pub fn gradient(&self) -> Result<&Tensor, TchError> {
        once(&self.gradient, || self.backward(&Gradient))
    }

    /// The plain gradient of logits `targets` `[m]` at other `points` `[m, c, h, w]`.
    pub fn gradient_at(&self, points: &Tensor, targets: &Tensor) -> Result<Tensor, TchError> {
        let trace = self.graph.trace(points)?;
        let seed = self.graph.select(trace.logits(), targets)?;
        self.graph.backward(&trace, &seed, &Gradient)
    }

    fn trace(&self) -> Result<&Trace, TchError> {
        once(&self.trace, || self.graph.trace(&self.images))
    }
}

/// `OnceCell::get_or_try_init`, which is not stable.
fn once<T>(cell: &OnceCell<T>, make: impl FnOnce() -> Result<T, TchError>) -> Result<&T, TchError> {
    if let Some(made) = cell.get() {
        return Ok(made);
    }
    let value = make()?;
    Ok(cell.get_or_init(|| value))
}
