//! A size of a batch that was measured, and how far its measurements are to be believed.

use sweep::memory::Point;

/// Seconds of an image from which on one image keeps the device busy, so that a larger batch gains little.
const SLOW: f64 = 0.25;
/// Seconds of a batch that is not measured twice. A shorter batch may have met a moment in which other processes computed.
const LONG: f64 = 1.0;
/// Seconds of a batch from which on the work that is done once, in the first batch of its size, is too little to matter.
const VERY_LONG: f64 = 15.0;

/// Circumstances in which a batch was measured.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct How {
    /// Whether its worker had computed a batch of this size before: the first one compiles kernels and allocates memory.
    pub(crate) warm: bool,
    /// Whether other processes used the cores.
    pub(crate) disturbed: bool,
}

/// The measurements of a size, in short.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MeasuredSize {
    /// The best of its measurements.
    pub(crate) point: Point,
    /// Number of its measurements that were warm.
    pub(crate) times: u32,
    /// Whether other processes used the cores during all of its measurements.
    pub(crate) disturbed: bool,
}

impl MeasuredSize {
    /// Whether its rate is beyond doubt.
    pub(crate) fn is_sure(&self) -> bool {
        let seconds = self.point.batch as f64 / self.point.rate;
        self.times > 1 || seconds >= VERY_LONG || (self.times == 1 && seconds >= LONG)
    }

    /// Whether one image takes so long that a larger batch gains little.
    pub(crate) fn is_slow(&self) -> bool {
        SLOW * self.point.rate <= 1.0
    }
}
