//! Grad-CAM of attentions: heads of the last attention, weighted by their mean gradient.

use tch::TchError;

use super::looks::{class_row, map_of, over_heads, patches};
use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "AttentionGradCAM",
        "weights with which the class looks at patches in each head of the last attention, times their mean gradient, averaged over heads \
         and cut at zero",
        "Chefer et al. 2021, https://arxiv.org/abs/2012.09838",
    ],
    &[],
    |_, _| Ok(Box::new(AttentionGradCam)),
)
.on_attentions()
.called(&["attn_gradcam", "AttentionGradCam", "attention_gradcam"]);

struct AttentionGradCam;

impl Method for AttentionGradCam {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let patches = patches(pass)?;
        let class = class_row(pass, patches)?;
        let mut row = class.f_zeros_like()?;
        let count = patches.grid[0] * patches.grid[1];
        pass.graph().visit_attentions(pass.images(), pass.targets(), |number, weights, gradient| {
            if number + 1 == patches.attentions {
                // [n, heads, 1, tokens]
                let class = class.f_unsqueeze(1)?;
                let (looked, slope) = (class.f_matmul(weights)?, class.f_matmul(gradient)?);
                let of_patches = slope.f_narrow(3, patches.before, count)?;
                let mean = of_patches.f_mean_dim([3_i64].as_slice(), true, of_patches.f_kind()?)?;
                row = over_heads(&looked.f_mul(&mean)?)?.f_relu()?;
            }
            Ok(())
        })?;
        Ok(map_of(pass, &row, patches)?.into())
    }
}
