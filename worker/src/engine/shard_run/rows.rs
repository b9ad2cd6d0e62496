//! Numbers of rows with which a device is busy.

use sweep::group::Group;
use tch::Device;

/// Pixels that a method with several points an image computes at once, at least. On the CPU fewer leave cores idle, and
/// more do not stay in the cache: eight images of 224 px, a hundred of 64. A GPU is busy with 64 (docs/benchmarks.md).
const LEAST_PIXELS: i64 = 100 * 64 * 64;
const LEAST_PIXELS_ON_GPU: i64 = 64 * 224 * 224;
/// Rows beyond which a CPU wins no time, however small the images are: weights are read once for so many. Each number of rows is
/// proved by itself (docs/decisions/003), and with more there would be larger ones.
const MOST_LEAST_ROWS: i64 = 100;

/// Number of images of `group` that `device` computes at once where memory allows so many: with fewer it is not busy.
pub(in crate::engine) fn least_rows(group: &Group, device: Device) -> i64 {
    let [_, height, width] = group.shape;
    let rows = |pixels: i64| pixels / ((height * width).max(1) as i64);
    if device == Device::Cpu { rows(LEAST_PIXELS).min(MOST_LEAST_ROWS) } else { rows(LEAST_PIXELS_ON_GPU) }
}
