//! Windows of an image, and what the target logit loses when one is hidden.

use tch::{TchError, Tensor};

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

/// For each window in turn `F(x) - F(x with the window hidden by its baseline)`, `[n]`, given to `take`.
pub(crate) fn hide(
    pass: &Pass<'_>,
    baseline: &Tensor,
    windows: &[Window],
    mut take: impl FnMut(Window, &Tensor) -> Result<(), TchError>,
) -> Result<(), TchError> {
    let whole = pass.scores()?;
    let n = pass.len();
    for part in windows.chunks(pass.variations()) {
        let hidden = pass.images().f_repeat([part.len() as i64, 1, 1, 1])?;
        for (index, window) in (0..).zip(part) {
            let mut view = window.of(&hidden.f_narrow(0, index * n, n)?)?;
            view.f_copy_(&window.of(baseline)?.f_expand_as(&view)?)?;
        }
        let losses = whole.f_sub(&pass.scores_at(&hidden)?)?;
        for (index, window) in (0..).zip(part) {
            take(*window, &losses.f_get(index)?)?;
        }
    }
    Ok(())
}

/// Adds `values` `[n]` to every pixel of `window` in `map` `[n, c, h, w]`.
pub(crate) fn paint(map: &Tensor, window: Window, values: &Tensor) -> Result<(), TchError> {
    let _ = window.of(map)?.f_add_(&values.f_view([-1, 1, 1, 1])?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captum 0.9 on n = 6, window 3, stride 2: three windows, the last one cut to two pixels.
    #[test]
    fn the_last_window_is_cut_off_at_the_edge() {
        let columns: Vec<[i64; 2]> =
            windows([1, 1, 6], [1, 1, 3], [1, 1, 2]).iter().map(|window| window.0[2]).collect();
        assert_eq!(columns, [[0, 3], [2, 5], [4, 6]]);
    }

    #[test]
    fn windows_as_far_apart_as_they_are_wide_cover_every_pixel_once() {
        for (size, patch) in [(28, 16), (28, 14), (224, 8), (30, 7)] {
            let mut covered = vec![0; (size * size) as usize];
            for Window([_, [top, bottom], [left, right]]) in
                windows([3, size, size], [3, patch, patch], [3, patch, patch])
            {
                (top..bottom).for_each(|y| (left..right).for_each(|x| covered[(y * size + x) as usize] += 1));
            }
            assert!(covered.iter().all(|count| *count == 1), "{size} px in patches of {patch}");
        }
    }
}
