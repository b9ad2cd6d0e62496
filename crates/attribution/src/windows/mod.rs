//! Windows of an image, and what the target logit loses when one is hidden.

use std::ops::Range;

use network::{Plan, Replacement, settings, target};
use tch::{Device, TchError, Tensor};

use crate::Pass;

/// A box of an image: `[channels, rows, columns]`, each from the first to behind the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window(pub(crate) [[i64; 2]; 3]);

impl Window {
    /// The box of `tensor` `[n, c, h, w]`, as a view.
    pub(crate) fn of(self, tensor: &Tensor) -> Result<Tensor, TchError> {
        let mut view = tensor.shallow_clone();
        for (dim, [start, end]) in (1..).zip(self.0) {
            view = view.f_narrow(dim, start, end - start)?;
        }
        Ok(view)
    }
}

impl Window {
    /// Replacement of the window's box in image number `image` by that of `hidden`.
    fn replacement(self, images: &Tensor, hidden: &Tensor, image: i64) -> Result<Replacement, TchError> {
        let [[first, end], [top, bottom], [left, right]] = self.0;
        let whole_channels = first == 0 && end == images.size()[1];
        let hidden = hidden.f_narrow(0, image, 1)?;
        let area = |tensor: &Tensor| tensor.f_narrow(2, top, bottom - top)?.f_narrow(3, left, right - left);
        let pixels = if whole_channels {
            area(&hidden)?
        } else {
            let pixels = area(&images.f_narrow(0, image, 1)?)?.f_mul_scalar(1.0)?;
            pixels.f_narrow(1, first, end - first)?.f_copy_(&self.of(&hidden)?)?;
            pixels
        };
        Ok(Replacement { image, top, left, pixels: pixels.f_contiguous()? })
    }
}

/// Captum's windows: from the first pixel on, `ceil((size - window) / stride) + 1` of them along each
/// of `[channels, rows, columns]`; those that go over the edge are cut off there.
pub(crate) fn windows(size: [i64; 3], window: [i64; 3], stride: [i64; 3]) -> Vec<Window> {
    let along = |dim: usize| {
        let count = ((size[dim] - window[dim]).max(0) as u64).div_ceil(stride[dim] as u64) as i64 + 1;
        let range = move |index: i64| [index * stride[dim], (index * stride[dim] + window[dim]).min(size[dim])];
        (0..count).map(range).filter(move |[start, _]| *start < size[dim])
    };
    let all = along(0).flat_map(|c| along(1).flat_map(move |h| along(2).map(move |w| Window([c, h, w]))));
    all.collect()
}

/// `F(x) - F(x with the window hidden by its baseline)` of every window and image, `[windows, n]`.
///
/// All windows are changes of one pass of the images, and only what they change is computed again. As few
/// images at once as give enough changes, because every value of theirs is held. `baseline` is `[1, c, h, w]`
/// or `[n, c, h, w]`.
///
/// A GPU whose kernels of ours cut boxes out has them planned. Another one computes all of every image: on an H200 cutting boxes out with
/// libtorch's indexing took longer than what it saved.
pub(crate) fn losses(pass: &Pass<'_>, baseline: &Tensor, windows: &[Window]) -> Result<Tensor, TchError> {
    let hidden = pass.images().f_zeros_like()?.f_add_(baseline)?;
    if let Some(losses) = losses_by_plan(pass, &hidden, windows)? {
        return Ok(losses);
    }
    if hidden.device() != Device::Cpu || settings::box_sizes() == Some(0) {
        return losses_of_whole(pass, &hidden, windows);
    }
    let at_once = (pass.changes() / windows.len().max(1)).clamp(1, pass.len().max(1) as usize) as i64;
    let parts = (0..pass.len()).step_by(at_once as usize).map(|first| {
        let count = at_once.min(pass.len() - first);
        let part = |tensor: &Tensor| tensor.f_narrow(0, first, count);
        losses_of(pass, &part(pass.images())?, &part(&hidden)?, &part(pass.targets())?, windows)
    });
    Tensor::f_cat(&parts.collect::<Result<Vec<_>, TchError>>()?, 1)
}

/// The result of [`losses`], in boxes that are planned for these windows; `None` where the graph has no plan for them.
fn losses_by_plan(pass: &Pass<'_>, hidden: &Tensor, windows: &[Window]) -> Result<Option<Tensor>, TchError> {
    let mut losses = Vec::new();
    // Windows of the same channels lie one after the other.
    for same in windows.chunk_by(|one, next| one.0[0] == next.0[0]) {
        let place = |&Window([_, [top, bottom], [left, right]]): &Window| [top, left, bottom - top, right - left];
        let Some(plan) = pass.graph().plan(pass.images(), &same.iter().map(place).collect::<Vec<_>>())? else {
            return Ok(None);
        };
        let [first, end] = same[0].0[0];
        let mixed = if end - first == pass.images().size()[1] {
            hidden.shallow_clone()
        } else {
            let mixed = pass.images().f_mul_scalar(1.0)?;
            mixed.f_narrow(1, first, end - first)?.f_copy_(&hidden.f_narrow(1, first, end - first)?)?;
            mixed
        };
        losses.push(losses_of_plan(pass, &mixed, &plan)?);
    }
    if losses.is_empty() { Ok(None) } else { Tensor::f_cat(&losses, 0).map(Some) }
}

/// Losses of all windows of a plan, `[windows, n]`: of as many rows at once as take the memory of the whole images that the device may
/// hold, and of few images before few windows, because every value of these images is held.
fn losses_of_plan(pass: &Pass<'_>, hidden: &Tensor, plan: &Plan) -> Result<Tensor, TchError> {
    let rows = plan.rows(pass.rows());
    let parts = even(pass.len() as usize, rows / plan.windows().max(1)).map(|images| {
        let (first, count) = (images.start as i64, images.len() as i64);
        let part = |tensor: &Tensor| tensor.f_narrow(0, first, count);
        let (clean, targets) = (pass.graph().clean(&part(pass.images())?)?, part(pass.targets())?);
        let hidden = part(hidden)?;
        let scores = even(plan.windows(), rows / images.len()).map(|windows| {
            let logits = pass.graph().hiding(&clean, &hidden, (plan, windows))?;
            target::scores(&logits, &targets)
        });
        let scores = Tensor::f_cat(&scores.collect::<Result<Vec<_>, TchError>>()?, 0)?;
        target::scores(clean.logits()?, &targets)?.f_view([1, count])?.f_sub(&scores)
    });
    Tensor::f_cat(&parts.collect::<Result<Vec<_>, TchError>>()?, 1)
}

/// The numbers up to `count` in as few parts of `most` as possible, whose sizes differ by 1 at most; each number by itself, if
/// `most` is 0.
fn even(count: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = count.div_ceil(most.max(1));
    (0..parts).map(move |part| part * count / parts..(part + 1) * count / parts)
}

/// The result of [`losses`], from as many images with a window hidden as the device may hold.
fn losses_of_whole(pass: &Pass<'_>, hidden: &Tensor, windows: &[Window]) -> Result<Tensor, TchError> {
    let (n, clean) = (pass.len(), pass.scores()?);
    let losses = pass.parts(windows).map(|part| {
        let points = pass.images().f_repeat([part.len() as i64, 1, 1, 1])?;
        for (first, window) in (0..).step_by(n as usize).zip(part) {
            window.of(&points.f_narrow(0, first, n)?)?.f_copy_(&window.of(hidden)?)?;
        }
        clean.f_sub(&pass.scores_at(&points)?)
    });
    Tensor::f_cat(&losses.collect::<Result<Vec<_>, _>>()?, 0)
}

/// The result of [`losses`] for some images `[n, c, h, w]`, which show `hidden` where a window is.
fn losses_of(
    pass: &Pass<'_>,
    images: &Tensor,
    hidden: &Tensor,
    targets: &Tensor,
    windows: &[Window],
) -> Result<Tensor, TchError> {
    let (n, count) = (targets.size()[0], windows.len() as i64);
    let clean = pass.graph().clean(images)?;
    let changes: Vec<(Window, i64)> = windows.iter().flat_map(|window| (0..n).map(|image| (*window, image))).collect();
    let replacement = |(window, image): &(Window, i64)| window.replacement(images, hidden, *image);
    // A window in the middle changes most; the first one is as large, and its box is cut off at the edge.
    let middle = changes.get(changes.len() / 2).map(replacement).transpose()?;
    let bytes = middle.map_or(0, |middle| pass.graph().changed_bytes(&clean, &middle));
    let at_once = (pass.room() / bytes.max(1)).clamp(1, pass.changes());
    let logits = changes.chunks(at_once).map(|part| {
        let replaced = part.iter().map(replacement);
        pass.graph().changed(&clean, &replaced.collect::<Result<Vec<_>, _>>()?)
    });
    let logits = Tensor::f_cat(&logits.collect::<Result<Vec<_>, _>>()?, 0)?.f_view([count, n, -1])?;
    let scores = target::scores(&logits, targets)?;
    target::scores(clean.logits()?, targets)?.f_view([1, n])?.f_sub(&scores)
}

/// Adds `values` `[n]` to every pixel of `window` in `map` `[n, c, h, w]`.
pub(crate) fn paint(map: &Tensor, window: Window, values: &Tensor) -> Result<(), TchError> {
    let _ = window.of(map)?.f_add_(&values.f_view([-1, 1, 1, 1])?)?;
    Ok(())
}

#[cfg(test)]
mod tests;
