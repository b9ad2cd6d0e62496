//! Gradients of one value, which come from each of its readers.

use tch::{Kind, TchError, Tensor};

/// What has come of them so far.
#[derive(Debug, Default)]
pub struct Sum {
    value: Option<Tensor>,
    /// Whether nobody else has its memory.
    own: bool,
}

impl Sum {
    /// What is known to be all.
    pub(crate) fn of(gradient: &Tensor) -> Self {
        Self { value: Some(gradient.shallow_clone()), own: false }
    }

    /// What `add` adds to nothing, for each of `count` values.
    pub(crate) fn of_each(
        count: usize,
        add: impl FnOnce(&mut [Self]) -> Result<(), TchError>,
    ) -> Result<Vec<Tensor>, TchError> {
        let mut sums: Vec<Self> = (0..count).map(|_| Self::default()).collect();
        add(&mut sums)?;
        Ok(sums.iter_mut().filter_map(Self::take).collect())
    }

    /// All that has come.
    pub(crate) fn take(&mut self) -> Option<Tensor> {
        self.value.take()
    }

    /// One more, whose memory others may have.
    pub(crate) fn add(&mut self, gradient: Tensor) -> Result<(), TchError> {
        match (&mut self.value, self.own) {
            (Some(sum), true) => drop(sum.f_add_(&gradient)?),
            (Some(sum), false) => (self.value, self.own) = (Some(sum.f_add(&gradient)?), true),
            (None, _) => (self.value, self.own) = (Some(gradient), false),
        }
        Ok(())
    }

    /// One more for each of several values.
    pub(crate) fn add_each(sums: &mut [Self], gradients: Vec<Tensor>) -> Result<(), TchError> {
        sums.iter_mut().zip(gradients).try_for_each(|(sum, gradient)| sum.add(gradient))
    }

    /// Memory of `shape` to which a kernel adds by itself, and whether there is nothing in it yet.
    pub(crate) fn place(&mut self, shape: &[i64], like: &Tensor) -> Result<(&mut Tensor, bool), TchError> {
        let (sum, is_new) = match self.value.take() {
            Some(sum) if self.own && sum.is_contiguous() => (sum, false),
            Some(shared) => (owned(&shared)?, false),
            None => (Tensor::f_empty(shape, (Kind::Float, like.device()))?, true),
        };
        self.own = true;
        Ok((self.value.insert(sum), is_new))
    }

    /// Puts together what has come by two ways.
    pub(crate) fn join(&mut self, other: Self) -> Result<(), TchError> {
        match (&self.value, other.value) {
            (None, value) => *self = Self { value, own: other.own },
            (Some(_), Some(value)) => self.add(value)?,
            (Some(_), None) => {}
        }
        Ok(())
    }
}

/// The same values in memory of their own.
fn owned(shared: &Tensor) -> Result<Tensor, TchError> {
    let mut own = Tensor::f_empty(shared.size(), (shared.f_kind()?, shared.device()))?;
    own.f_copy_(shared)?;
    Ok(own)
}
