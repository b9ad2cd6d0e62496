//! An operation that is wrong on purpose.

use std::rc::Rc;

use tch::{TchError, Tensor};

use crate::graph::{Compared, Gate, Gated, How, Kept, Local, Operation, Pair, Reach, Stem, Sum};

/// An operation that spoils the last of `rows` images, and leaves all others alone.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) right: Rc<dyn Operation>,
    pub(super) rows: i64,
    /// Step whose value is spoilt.
    pub(super) step: Step,
}

/// Step at which a value is spoilt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    Forward,
    Backward,
    Multipliers,
    Inside,
    Stem,
    Rectified,
    Captum,
}

impl Wrong {
    fn spoilt(&self, values: Tensor, step: Step) -> Result<Tensor, TchError> {
        if step != self.step || values.size()[0] != self.rows {
            return Ok(values);
        }
        let _ = values.f_select(0, self.rows - 1)?.f_mul_scalar_(1.5)?;
        Ok(values)
    }

    fn added(&self, sums: &mut [Sum], mut gradients: Vec<Tensor>, step: Step) -> Result<(), TchError> {
        let first = gradients.remove(0);
        gradients.insert(0, self.spoilt(first.f_mul_scalar(1.0)?, step)?);
        Sum::add_each(sums, gradients)
    }
}

impl Operation for Wrong {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let (value, kept) = self.right.run(inputs, how)?;
        Ok((self.spoilt(value, Step::Forward)?, kept))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        self.right.backward(kept, gradient)
    }

    fn gated(&self) -> Option<&dyn Gated> {
        self.right.gated().map(|_| self as &dyn Gated)
    }

    fn compared(&self) -> Option<&dyn Compared> {
        self.right.compared().map(|_| self as &dyn Compared)
    }

    fn local(&self) -> Option<&dyn Local> {
        self.right.local().map(|_| self as &dyn Local)
    }

    fn stem(&self) -> Option<&dyn Stem> {
        self.right.stem().map(|_| self as &dyn Stem)
    }
}

impl Gated for Wrong {
    fn is_functional(&self) -> bool {
        self.right.gated().unwrap().is_functional()
    }

    fn backward_by(&self, gate: Gate, kept: &Kept, gradient: &Tensor, sums: &mut [Sum]) -> Result<(), TchError> {
        let step = if gate.rectified { Step::Rectified } else { Step::Backward };
        let right =
            Sum::of_each(sums.len(), |sums| self.right.gated().unwrap().backward_by(gate, kept, gradient, sums))?;
        self.added(sums, right, step)
    }
}

impl Compared for Wrong {
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        self.right.compared().unwrap().multipliers(pair, gradient)
    }

    fn multipliers_onto(&self, pair: &Pair<'_>, gradient: &Tensor, sums: &mut [Sum]) -> Result<(), TchError> {
        let step = if pair.captum { Step::Captum } else { Step::Multipliers };
        self.added(sums, self.multipliers(pair, gradient)?, step)
    }

    fn reads_values(&self) -> bool {
        self.right.compared().unwrap().reads_values()
    }
}

impl Local for Wrong {
    fn reach(&self, input: usize) -> Reach {
        self.right.reach_of(input)
    }

    fn run_inside(&self, inputs: &[&Tensor]) -> Result<Tensor, TchError> {
        self.spoilt(self.right.local().unwrap().run_inside(inputs)?, Step::Inside)
    }
}

impl Stem for Wrong {
    fn before_linear(&self, gate: Gate, kept: &Kept, gradient: &Tensor) -> Result<Tensor, TchError> {
        self.right.stem().unwrap().before_linear(gate, kept, gradient)
    }

    fn linear_part(&self, gradient: &Tensor, size: [i64; 2]) -> Result<Tensor, TchError> {
        self.spoilt(self.right.stem().unwrap().linear_part(gradient, size)?, Step::Stem)
    }
}
