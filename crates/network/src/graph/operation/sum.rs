//! Gradients of one value, which come from each of its readers.

use tch::{Kind, TchError, Tensor};

/// Sum of the gradients of one value that have come so far.
#[derive(Debug, Default)]
pub struct Sum {
    value: Option<Tensor>,
    /// Whether no other tensor shares the memory of the sum.
    own: bool,
    /// Whether the second gradient waits to be added by a kernel that reads both.
    waits: bool,
    /// The second gradient, which waits.
    second: Option<Tensor>,
}

/// The gradient of a value, once it is complete: one tensor, or two that nobody has added up yet.
#[derive(Debug)]
pub(crate) struct Come {
    pub(crate) first: Tensor,
    pub(crate) second: Option<Tensor>,
}

impl Come {
    /// A gradient that is one tensor.
    pub(crate) fn of(gradient: &Tensor) -> Self {
        Self { first: gradient.shallow_clone(), second: None }
    }

    /// The gradient as one tensor.
    pub(crate) fn whole(&self) -> Result<Tensor, TchError> {
        match &self.second {
            Some(second) => self.first.f_add(second),
            None => Ok(self.first.shallow_clone()),
        }
    }
}

impl Sum {
    /// A sum that is complete: `gradient`.
    pub(crate) fn of(gradient: &Tensor) -> Self {
        Self { value: Some(gradient.shallow_clone()), ..Self::default() }
    }

    /// An empty sum. If it `waits`, two gradients of the same shape are left apart: a kernel will read both.
    pub(crate) fn empty(waits: bool) -> Self {
        Self { waits, ..Self::default() }
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

    /// Takes out the sum, which leaves nothing apart, and is empty afterwards.
    pub(crate) fn take(&mut self) -> Option<Tensor> {
        self.value.take()
    }

    /// Takes out what has come, which is nothing afterwards.
    pub(crate) fn take_come(&mut self) -> Option<Come> {
        let first = self.value.take()?;
        Some(Come { first, second: self.second.take() })
    }

    /// Adds `gradient`, whose memory other tensors may share.
    pub(crate) fn add(&mut self, gradient: Tensor) -> Result<(), TchError> {
        if let Some(second) = self.second.take() {
            // A third one: no kernel reads three.
            self.waits = false;
            self.add(second)?;
        }
        match (&mut self.value, self.own) {
            (Some(sum), _) if self.waits && sum.size() == gradient.size() => self.second = Some(gradient),
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
        if let Some(second) = self.second.take() {
            self.waits = false;
            self.add(second)?;
        }
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
        if self.value.is_none() {
            *self = Self { waits: self.waits || other.waits, ..other };
            return Ok(());
        }
        other.value.into_iter().chain(other.second).try_for_each(|value| self.add(value))
    }
}

/// A copy of `shared` in memory of its own.
fn owned(shared: &Tensor) -> Result<Tensor, TchError> {
    let mut own = Tensor::f_empty(shared.size(), (shared.f_kind()?, shared.device()))?;
    own.f_copy_(shared)?;
    Ok(own)
}
