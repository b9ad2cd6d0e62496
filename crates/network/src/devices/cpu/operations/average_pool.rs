//! Average pooling of blocked values, with windows side by side.

use tch::{TchError, Tensor};

use crate::graph::{How, Kept, Local, Operation, Reach};
use crate::operations::AveragePool;

/// Mean of each window of `[down, across]` pixels; windows touch and do not overlap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Average([i64; 2]);

impl Average {
    /// The blocked form of a pooling whose windows stand side by side, without padding.
    pub(crate) fn of(pool: &AveragePool) -> Option<Self> {
        match *pool {
            AveragePool::Windows { kernel, stride, padding: [0, 0], ceil: false, divisor: None, .. } => {
                (kernel == stride).then_some(Self(kernel))
            }
            _ => None,
        }
    }
}

impl Operation for Average {
    /// Sums in the order of libtorch, row by row: the same bits.
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let (_, _, h, w, _) = inputs[0].size5()?;
        let [down, across] = self.0;
        let whole = inputs[0].f_narrow(2, 0, h / down * down)?.f_narrow(3, 0, w / across * across)?;
        let mut sum: Option<Tensor> = None;
        for (row, column) in (0..down).flat_map(|row| (0..across).map(move |column| (row, column))) {
            let part = whole.f_slice(2, row, None, down)?.f_slice(3, column, None, across)?;
            sum = Some(match sum {
                Some(mut sum) => sum.f_add_(&part)?,
                None => part.f_mul_scalar(1.0)?,
            });
        }
        let sum = sum.ok_or_else(|| TchError::Shape("a window of no pixels".to_owned()))?;
        Ok((sum.f_div_scalar(down * across)?, Vec::new()))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let [down, across] = self.0;
        let (n, blocks, h, w, block) = gradient.size5()?;
        let share = gradient.f_div_scalar(down * across)?.f_unsqueeze(3)?.f_unsqueeze(5)?;
        let spread = share.f_expand([n, blocks, h, down, w, across, block], false)?;
        let spread = spread.f_reshape([n, blocks, h * down, w * across, block])?;
        let [height, width] = kept.plane(0)?;
        let (below, right) = (height - h * down, width - w * across);
        if below == 0 && right == 0 {
            return Ok(vec![spread]);
        }
        // Pixels that are left over belong to no window.
        Ok(vec![spread.f_pad([0, 0, 0, right, 0, below], "constant", 0.0)?])
    }

    fn local(&self) -> Option<&dyn Local> {
        Some(self)
    }
}

impl Local for Average {
    fn reach(&self, _: usize) -> Reach {
        Reach::Window { kernel: self.0, stride: self.0, padding: [0, 0], dilation: [1, 1] }
    }

    fn run_inside(&self, inputs: &[&Tensor]) -> Result<Tensor, TchError> {
        Ok(self.run(inputs, How::FORWARD)?.0)
    }
}
