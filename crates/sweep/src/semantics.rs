//! Which definition of a method is meant where Captum's differs from the published one.

/// Which definition of a method is meant where Captum's differs from the published one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Semantics {
    /// What the papers define.
    Exact,
    /// Captum 0.9 on torchvision's models as they are.
    Captum,
    /// Captum 0.9 on a model whose functional ReLUs were replaced by modules.
    CaptumPatched,
}
