//! Gradients of one value, which come from each of its readers.

use tch::{Kind, TchError, Tensor};

/// Sum of the gradients of one value that have come so far.
#[derive(Debug, Default)]
pub struct Sum {
    value: Option<Tensor>,
    /// Whether no other tensor shares the memory of the sum.
    own: bool,
}

impl Sum {
    /// A sum that is complete: `gradient`.
    pub(crate) fn of(gradient: &Tensor) -> Self {
        Self { value: Some(gradient.shallow_clone()), own: false }
    }

    /// The sums of `count` values, which begin empty and to which `add` adds.
    pub(crate) fn of_each(
        count: usize,
        add: impl FnOnce(&mut [Self]) -> Result<(), TchError>,
    ) -> Result<Vec<Tensor>, TchError> {
        let mut sums: Vec<Self> = (0..count).map(|_| Self::default()).collect();
        add(&mut sums)?;
        Ok(sums.iter_mut().filter_map(Self::take).collect())
    }

    /// Takes the sum out, which is empty afterwards.
    pub(crate) fn take(&mut self) -> Option<Tensor> {
        self.value.take()
    }

    /// Adds `gradient`, whose memory other tensors may share.
    pub(crate) fn add(&mut self, gradient: Tensor) -> Result<(), TchError> {
        match (&mut self.value, self.own) {
            (Some(sum), true) => drop(sum.f_add_(&gradient)?),
            (Some(sum), false) => (self.value, self.own) = (Some(sum.f_add(&gradient)?), true),
            (None, _) => (self.value, self.own) = (Some(gradient), false),
        }
        Ok(())
    }

    /// Adds to each sum its gradient.
    pub(crate) fn add_each(sums: &mut [Self], gradients: Vec<Tensor>) -> Result<(), TchError> {
        sums.iter_mut().zip(gradients).try_for_each(|(sum, gradient)| sum.add(gradient))
    }

    /// Memory of `shape` to which a kernel adds by itself, and whether the memory is still empty.
    pub(crate) fn place(&mut self, shape: &[i64], like: &Tensor) -> Result<(&mut Tensor, bool), TchError> {
        let (sum, is_new) = match self.value.take() {
            Some(sum) if self.own && sum.is_contiguous() => (sum, false),
            Some(shared) => (owned(&shared)?, false),
            None => (Tensor::f_empty(shape, (Kind::Float, like.device()))?, true),
        };
        self.own = true;
        Ok((self.value.insert(sum), is_new))
    }

    /// Adds the sum `other` of the same value.
    pub(crate) fn join(&mut self, other: Self) -> Result<(), TchError> {
        match (&self.value, other.value) {
            (None, value) => *self = Self { value, own: other.own },
            (Some(_), Some(value)) => self.add(value)?,
            (Some(_), None) => {}
        }
        Ok(())
    }
}

/// A copy of `shared` in memory of its own.
fn owned(shared: &Tensor) -> Result<Tensor, TchError> {
    let mut own = Tensor::f_empty(shared.size(), (shared.f_kind()?, shared.device()))?;
    own.f_copy_(shared)?;
    Ok(own)
}
