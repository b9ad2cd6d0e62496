//! A size of a batch: what it was measured to take, and how far that is to be believed.

use sweep::memory::Point;

/// Seconds of an image from which on a batch has little to spread over its images: one image keeps the device busy.
const SLOW: f64 = 0.25;
/// Seconds of a batch that is not measured twice: a short one may have met a moment in which others computed.
const LONG: f64 = 1.0;
/// Seconds of a batch of which what is done once, at the first time, is too little to matter.
const VERY_LONG: f64 = 15.0;

/// How a batch was measured.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct How {
    /// Whether its worker had computed such a batch before: the first one makes kernels and takes memory anew.
    pub(crate) warm: bool,
    /// Whether others used the cores.
    pub(crate) disturbed: bool,
}

/// What is known of a size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// The best of its measurements.
    pub(crate) point: Point,
    /// Those of them that were warm.
    pub(crate) times: u32,
    /// Whether others used the cores in all of them.
    pub(crate) disturbed: bool,
}

impl Size {
    /// Whether its rate is beyond doubt.
    pub(crate) fn is_sure(&self) -> bool {
        let seconds = self.point.batch as f64 / self.point.rate;
        self.times > 1 || seconds >= VERY_LONG || (self.times == 1 && seconds >= LONG)
    }

    /// Whether one image takes so long that a batch has little to spread over its images.
    pub(crate) fn is_slow(&self) -> bool {
        SLOW * self.point.rate <= 1.0
    }
}
