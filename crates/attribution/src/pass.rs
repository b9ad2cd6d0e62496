//! A batch of images under attribution, and the passes and gradients that the methods share.

mod baselines;
mod variations;

use std::cell::{OnceCell, RefCell};

use network::rules::relevance::Relevance;
use network::{Gradient, Graph, Layer, Rule, Trace, once, target};
use tch::{Kind, TchError, Tensor};

use crate::Origin;

/// A batch of images, the targets to explain, and one forward pass that all methods may use.
pub struct Pass<'a> {
    graph: &'a Graph,
    images: Tensor,
    targets: Tensor,
    rows: i64,
    origin: Origin<'a>,
    trace: OnceCell<Trace>,
    values: OnceCell<Trace>,
    gradient: OnceCell<Tensor>,
    scores: OnceCell<Tensor>,
    /// Name, value and gradient of the layer that was asked for last.
    layer: RefCell<Option<(String, Tensor, Tensor)>>,
}

impl<'a> Pass<'a> {
    /// Explains the classes `targets` `[n]` (int64) of `images` `[n, c, h, w]`: their logits, or the only logit with the sign
    /// of the class (`network::target`).
    ///
    /// `rows` is how many images the device may hold at once, for methods that make several of one;
    /// a method never makes fewer than `n`.
    pub fn new(graph: &'a Graph, images: Tensor, targets: Tensor, rows: i64, origin: Origin<'a>) -> Self {
        let (trace, values) = (OnceCell::new(), OnceCell::new());
        let (gradient, scores) = (OnceCell::new(), OnceCell::new());
        let layer = RefCell::default();
        Self { graph, images, targets, rows, origin, trace, values, gradient, scores, layer }
    }

    /// A pass like that of [`Pass::new`], with the forward pass already done and the class that it predicts of each image as
    /// target.
    ///
    /// The class is the largest logit in single precision, in which logits are stored: targets that are found from a store are
    /// the same.
    pub fn predicted(
        graph: &'a Graph,
        images: Tensor,
        trace: Trace,
        rows: i64,
        origin: Origin<'a>,
    ) -> Result<Self, TchError> {
        let targets = target::predicted(&trace.logits().f_to_kind(Kind::Float)?)?;
        Ok(Self { trace: OnceCell::from(trace), ..Self::new(graph, images, targets, rows, origin) })
    }

    /// The pass with the logits `[n, classes]` of its images, which an earlier pass has found: scores need no further pass.
    pub fn with_logits(self, logits: &Tensor) -> Result<Self, TchError> {
        let scores = self.selected(logits)?;
        Ok(Self { scores: OnceCell::from(scores), ..self })
    }

    /// A pass of the images moved by `noise` `[n, c, h, w]`, with the same targets.
    pub(crate) fn moved(&self, noise: &Tensor) -> Result<Pass<'_>, TchError> {
        let images = self.images.f_add(noise)?;
        Ok(Pass::new(self.graph, images, self.targets.shallow_clone(), self.rows, self.origin.clone()))
    }

    /// Images `[n, c, h, w]`.
    pub fn images(&self) -> &Tensor {
        &self.images
    }

    /// Targets `[n]`.
    pub fn targets(&self) -> &Tensor {
        &self.targets
    }

    /// Number of images n.
    pub fn len(&self) -> i64 {
        self.images.size().first().copied().unwrap_or(0)
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Images that may be computed at once, at least `n`.
    pub fn rows(&self) -> i64 {
        self.rows.max(self.len())
    }

    /// The model.
    pub(crate) fn graph(&self) -> &Graph {
        self.graph
    }

    /// Origin of the images.
    pub(crate) fn origin(&self) -> &Origin<'a> {
        &self.origin
    }

    /// The target logits' backward pass by `rule`, to the images: `[n, c, h, w]`.
    pub fn backward(&self, rule: &dyn Rule) -> Result<Tensor, TchError> {
        // Steps read values that the forward pass of all methods does not keep.
        let own = rule.steps().map(|_| self.graph.trace_for(&self.images, rule)).transpose()?;
        let trace = own.as_ref().map_or_else(|| self.trace(), Ok)?;
        let seed = self.graph.select(trace.logits(), &self.targets)?;
        self.graph.backward(trace, &seed, rule)
    }

    /// Relevance of the images `[n, c, h, w]` by `rule`, which begins with the target logits, on the graph whose batch norms are folded.
    pub(crate) fn relevance(&self, rule: &Relevance) -> Result<Tensor, TchError> {
        let graph = self.graph.canonical()?;
        let trace = graph.trace_for(&self.images, rule)?;
        let seed = graph.select(trace.logits(), &self.targets)?;
        graph.backward(&trace, &seed, rule)
    }

    /// The plain gradient `[n, c, h, w]`, computed once for all methods.
    pub fn gradient(&self) -> Result<&Tensor, TchError> {
        once(&self.gradient, || self.backward(&Gradient))
    }

    /// Value and gradient of a layer: the layer called `name`, or the last map for an empty name. Value and gradient of the
    /// layer that was asked for last are kept: methods that look at the same layer share them.
    pub(crate) fn layer(&self, name: &str) -> Result<(Tensor, Tensor), TchError> {
        if let Some((known, value, gradient)) = self.layer.borrow().as_ref()
            && known == name
        {
            return Ok((value.shallow_clone(), gradient.shallow_clone()));
        }
        let (value, gradient) = self.graph.layer_gradient(&self.images, &self.targets, self.found(name)?)?;
        let kept = (name.to_owned(), value.shallow_clone(), gradient.shallow_clone());
        self.layer.replace(Some(kept));
        Ok((value, gradient))
    }

    /// The layer called `name`, or the last map for an empty name.
    pub(crate) fn found(&self, name: &str) -> Result<Layer, TchError> {
        let found: Option<Layer> = if name.is_empty() {
            self.graph.last_map(&self.graph.outline(&self.images.f_narrow(0, 0, 1)?)?)
        } else {
            self.graph.layer(name)
        };
        found.ok_or_else(|| TchError::Shape(format!("the model has no layer `{name}`")))
    }

    /// The target logit of every image, `[n]`.
    pub(crate) fn scores(&self) -> Result<&Tensor, TchError> {
        once(&self.scores, || match (self.trace.get(), self.values.get()) {
            (Some(trace), _) | (None, Some(trace)) => self.selected(trace.logits()),
            (None, None) => self.selected(&self.graph.forward(&self.images)?),
        })
    }

    /// The target logits among `logits` `[n or 1, classes]`: `[n]`.
    pub(crate) fn selected(&self, logits: &Tensor) -> Result<Tensor, TchError> {
        target::scores(&logits.f_expand([self.len(), -1], false)?, &self.targets)
    }

    fn trace(&self) -> Result<&Trace, TchError> {
        once(&self.trace, || self.graph.trace(&self.images))
    }
}

#[cfg(test)]
mod tests;
