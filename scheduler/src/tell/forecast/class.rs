//! Classes of units: what is left of each, and what a map of each has taken so far.

use super::work::Work;

/// Units of one class.
#[derive(Clone, Debug, Default)]
pub(super) struct Class {
    /// Number of units that are left.
    pub(super) units: usize,
    /// Size of the units that are left.
    pub(super) size: f64,
    makes_maps: bool,
    /// Seconds of the profile for each of the size.
    profiled: Option<f64>,
    /// Seconds, and size, of units that warm workers have done.
    warm: (f64, f64),
    /// Seconds, and size, of the first units of workers.
    cold: (f64, f64),
}

impl Class {
    /// Adds a unit that is to be done.
    pub(super) fn add(&mut self, work: &Work) {
        self.units += 1;
        self.size += work.size;
        self.makes_maps = work.makes_maps;
        if let Some(seconds) = work.profiled.filter(|seconds| *seconds > 0.0 && work.size > 0.0) {
            self.profiled = Some(seconds / work.size);
        }
    }

    /// Removes a unit that is done.
    pub(super) fn remove(&mut self, work: &Work) {
        self.units -= 1;
        self.size -= work.size;
    }

    /// Notes that `work` took a worker so many seconds.
    pub(super) fn measure(&mut self, work: &Work, seconds: f64, is_warm: bool) {
        let (sum, size) = if is_warm { &mut self.warm } else { &mut self.cold };
        *sum += seconds;
        *size += work.size;
    }

    /// Seconds for each of the size, as they were measured: by warm workers, if there are any.
    fn measured(&self) -> Option<f64> {
        [self.warm, self.cold].into_iter().find(|(_, size)| *size > 0.0).map(|(seconds, size)| seconds / size)
    }

    /// Seconds and size of all that was measured the better way.
    fn sums(&self) -> (f64, f64) {
        if self.warm.1 > 0.0 { self.warm } else { self.cold }
    }
}

/// Seconds that one of the size of each class takes; `None` where nobody can know.
pub(super) fn costs(classes: &[Class]) -> Vec<Option<f64>> {
    let (mut taken, mut profiled, mut maps) = (0.0, 0.0, (0.0, 0.0));
    for class in classes {
        let (seconds, size) = class.sums();
        if let Some(of_one) = class.profiled {
            taken += seconds;
            profiled += of_one * size;
        }
        if class.makes_maps {
            maps = (maps.0 + seconds, maps.1 + size);
        }
    }
    let factor = if profiled > 0.0 { taken / profiled } else { 1.0 };
    let of_map = (maps.1 > 0.0).then(|| maps.0 / maps.1);
    let cost = |class: &Class| {
        let elsewhere = of_map.filter(|_| class.makes_maps);
        class.measured().or(class.profiled.map(|seconds| factor * seconds)).or(elsewhere)
    };
    classes.iter().map(cost).collect()
}
