//! Images as the model sees them, made of pixels when they are needed.
//!
//! Pixels of a shard take a quarter of the memory of its images. So images are made by a thread of its own, a few ahead of
//! the batch that is computed, and anew for every round of variants; noise is seeded by image, so they are the same. On a GPU they
//! stay for all rounds, where they are few enough: the threads that make them stage them there, and whoever feeds the GPU copies
//! nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Scope;
use std::time::{Duration, Instant};

use data::{made, preprocess};
use network::{Crossing, crossed};
use sweep::group::{AHEAD, Group};
use tch::{Device, Kind, TchError, Tensor};

use crate::device::traffic::{Stage, Traffic};
use crate::libtorch::copy::copy;
use crate::unit_error::UnitError;

/// Pixels of a shard.
pub(crate) struct Pixels {
    /// Pixels `[n, height, width, channels]`.
    values: preprocess::Pixels,
    /// Shape of an image, `[height, width, channels]`.
    shape: [usize; 3],
    group: Arc<Group>,
    /// Index of the first image in its split.
    pub(crate) first: u64,
    /// Nanoseconds for making images so far.
    took: AtomicU64,
}

impl Pixels {
    /// Pixels of images `[height, width, channels]` of `group`, from image `first` on.
    pub(crate) fn new(group: &Arc<Group>, first: u64, shape: [usize; 3], values: preprocess::Pixels) -> Self {
        Self { values, shape, group: Arc::clone(group), first, took: AtomicU64::new(0) }
    }

    /// Time for making images so far.
    pub(crate) fn took(&self) -> Duration {
        Duration::from_nanos(self.took.load(Relaxed))
    }

    /// Number of images.
    pub(crate) fn len(&self) -> usize {
        self.values.len() / self.shape.iter().product::<usize>().max(1)
    }

    /// Makes image `at` of the shard `[c, h, w]`, preprocessed, with noise.
    pub(crate) fn image(&self, at: usize) -> Result<Vec<f32>, UnitError> {
        let started = Instant::now();
        let image = made::images(&self.group, &self.values, at..at + 1, (self.shape, self.first));
        self.took.fetch_add(started.elapsed().as_nanos() as u64, Relaxed);
        image
    }

    /// Makes image `at` of the shard, and stages it for the device of `traffic`.
    fn made(&self, at: usize, traffic: (Option<Stage>, Device)) -> Result<Made, UnitError> {
        let values = self.image(at)?;
        // Where there is no memory for it now, it is staged when it is taken, by whoever can make room.
        let staged = traffic.0.and_then(|stage| stage(&values, traffic.1).ok());
        Ok(Made { values, staged })
    }

    /// Makes all images in order, in turn by this number of threads of `scope`, which end when nobody wants more images.
    pub(crate) fn prefetch<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        threads: usize,
        traffic: &Traffic,
    ) -> Prefetch {
        let image = (self.group.shape.iter().product::<usize>() * size_of::<f32>()).max(1);
        let how = (traffic.stage, traffic.device);
        let made = (0..threads).map(|first| {
            // One more is in the hands of the thread.
            let (send, images) = sync_channel((AHEAD as usize / image).saturating_sub(1).min(self.len()));
            let own = (first..self.len()).step_by(threads);
            scope.spawn(move || own.map(|at| self.made(at, how)).all(|image| send.send(image).is_ok()));
            images
        });
        let stays = (self.len() * image) as u64 <= traffic.resident;
        Prefetch {
            makers: made.collect(),
            next: 0,
            waiting: None,
            shape: self.group.shape.map(|side| side as i64),
            device: traffic.device,
            stage: traffic.stage,
            whole: stays.then_some(self.len() as i64),
            held: None,
            have: 0,
            from: 0,
            staged: Vec::new(),
        }
    }
}

/// An image that was made.
struct Made {
    /// `[c, h, w]`.
    values: Vec<f32>,
    /// The same, from where the device takes it by itself.
    staged: Option<Tensor>,
}

/// Images of a shard on their way to the device, and there.
pub(crate) struct Prefetch {
    /// Channel from each thread that makes images.
    makers: Vec<Receiver<Result<Made, UnitError>>>,
    /// Index of the next image.
    next: usize,
    /// An image that has come and is not in its place yet: for want of memory, say.
    waiting: Option<Made>,
    shape: [i64; 3],
    device: Device,
    stage: Option<Stage>,
    /// Number of images of the shard, if they all stay on the device.
    whole: Option<i64>,
    /// Images on the device that were taken and are not done, and room for more: a batch that does not fit is tried again in halves.
    held: Option<Tensor>,
    /// Number of images that are there, done ones included.
    have: i64,
    /// Number of those that are done.
    from: i64,
    /// Images that the device may still copy.
    staged: Vec<Tensor>,
}

impl Prefetch {
    /// The images of a whole shard, which are on the device.
    pub(crate) fn of(images: Tensor) -> Self {
        let have = images.size().first().copied().unwrap_or(0);
        let (device, shape, makers) = (images.device(), [0; 3], Vec::new());
        let (whole, held, staged) = (Some(have), Some(images), Vec::new());
        Self { makers, next: 0, waiting: None, shape, device, stage: None, whole, held, have, from: 0, staged }
    }

    /// Takes the next `n` images `[n, c, h, w]`, on the device. Each image is given to `seen` the first time that it is taken.
    pub(crate) fn next(&mut self, n: i64, mut seen: impl FnMut(Vec<f32>)) -> Result<Tensor, UnitError> {
        let [c, h, w] = self.shape;
        while self.have < self.from + n {
            let to = self.room(n)?.f_select(0, self.have)?;
            self.come()?;
            let Some(image) = &self.waiting else { continue };
            let staged = image.staged.as_ref().map(|staged| Ok(staged.shallow_clone()));
            let staged = staged.or_else(|| self.stage.map(|stage| stage(&image.values, self.device))).transpose()?;
            if let Some(staged) = staged {
                let staged = staged.f_view([c, h, w])?;
                // First: until the device has copied it, it must not go.
                self.staged.push(staged.shallow_clone());
                crossed(Crossing::Sent, image.values.len() * size_of::<f32>());
                copy(&to, &staged)?;
            } else {
                to.shallow_clone().f_copy_(&Tensor::f_from_slice(&image.values)?.f_view([c, h, w])?)?;
            }
            self.have += 1;
            if let Some(image) = self.waiting.take() {
                seen(image.values);
            }
        }
        Ok(self.room(n)?.f_narrow(0, self.from, n)?)
    }

    /// Takes the next image from its maker, unless one waits already.
    fn come(&mut self) -> Result<(), UnitError> {
        if self.waiting.is_none() {
            let made = self.makers[self.next % self.makers.len()].recv();
            let ended = |_| TchError::Torch("an image was not made, as the thread that makes it has ended".to_owned());
            self.next += 1;
            self.waiting = Some(made.map_err(ended)??);
        }
        Ok(())
    }

    /// Memory on the device for `n` images that are not done.
    fn room(&mut self, n: i64) -> Result<Tensor, UnitError> {
        let rows = self.held.as_ref().map_or(0, |held| held.size()[0]);
        if let Some(held) = self.held.as_ref().filter(|_| rows >= self.from + n) {
            return Ok(held.shallow_clone());
        }
        let [c, h, w] = self.shape;
        let room = Tensor::f_empty([self.whole.unwrap_or(n), c, h, w], (Kind::Float, self.device))?;
        let left = self.have - self.from;
        if let Some(held) = self.held.take().filter(|_| left > 0) {
            copy(&room.f_narrow(0, 0, left)?, &held.f_narrow(0, self.from, left)?)?;
        }
        self.held = Some(room.shallow_clone());
        (self.have, self.from) = (left, 0);
        Ok(room)
    }

    /// Takes the images that the device may still copy.
    pub(crate) fn staged(&mut self) -> Vec<Tensor> {
        std::mem::take(&mut self.staged)
    }

    /// Notes that the first `n` images that were taken are done.
    pub(crate) fn done(&mut self, n: i64) {
        self.from += n;
        if self.whole.is_none() && self.from >= self.have {
            (self.held, self.have, self.from) = (None, 0, 0);
        }
    }

    /// The images of the whole shard, if they have all come and stay.
    pub(crate) fn all(self) -> Option<Tensor> {
        self.held.filter(|_| self.whole == Some(self.have))
    }
}

#[cfg(test)]
mod tests;
