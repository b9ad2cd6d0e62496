//! Images that proofs are made with: a few without a pattern, which repeat where there are many, and grey ones.

use tch::{Device, Kind, TchError, Tensor};

/// Number of different images in a pass; a pass of more images repeats them. Prime to the numbers that kernels take at once.
pub(super) const DISTINCT: i64 = 5;

/// Value of the pixels of baselines, and of the pixels that hide windows.
pub(super) const GREY: f64 = 0.25;

/// Images without a pattern, from -1 to 1; spares libtorch's global generator, of which nothing else may depend on a proof.
pub(super) fn wave(size: &[i64]) -> Result<Tensor, TchError> {
    let count = Tensor::f_arange(size.iter().product::<i64>(), (Kind::Double, Device::Cpu))?;
    let wave = count.f_mul_scalar(0.618_033_988_75)?.f_square()?.f_sin()?;
    wave.f_view(size)?.f_to_kind(Kind::Float)
}

/// A baseline `[1, c, h, w]` for images `[n, c, h, w]`.
pub(super) fn grey(images: &Tensor) -> Result<Tensor, TchError> {
    images.f_narrow(0, 0, 1)?.f_full_like(GREY)
}

/// `n` of `few`, one after the other and then again.
pub(super) fn repeated(few: &Tensor, n: i64) -> Result<Tensor, TchError> {
    let times = (n as u64).div_ceil(few.size()[0].max(1) as u64) as i64;
    let mut repeats = vec![1; few.dim()];
    repeats[0] = times;
    few.f_repeat(&repeats)?.f_narrow(0, 0, n)
}
