//! Images as the model sees them, made of pixels when they are needed.
//!
//! Pixels of a shard take a quarter of the memory of its images. So images are made by a thread of its own, a few ahead of
//! the batch that is computed, and anew for every round of variants; noise is seeded by image, so they are the same. On a GPU they
//! stay for all rounds, where they are few enough: the threads that make them put them into one memory for each batch, and whoever feeds the
//! GPU asks for one copy.

mod batches;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Scope;
use std::time::{Duration, Instant};

use data::{made, preprocess};
use network::{Crossing, crossed};
use sweep::group::{AHEAD, Group};
use tch::{Device, Kind, TchError, Tensor};

use self::batches::Batches;
use crate::device::pinned::{Pinned, Rows};
use crate::device::traffic::Traffic;
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

    /// Makes image `at` of the shard, and puts it into its row of the memory of its batch, if there is such memory.
    fn made(&self, at: usize, batches: Option<&Batches>) -> Result<Made, UnitError> {
        let values = self.image(at)?;
        // Where there is no memory for it now, it is staged when it is taken, by whoever can make room.
        let staged = batches.and_then(|batches| batches.row(at, values.len()).ok());
        if let Some((rows, row)) = &staged {
            rows.write(*row, &values);
        }
        Ok(Made { values, staged })
    }

    /// Makes all images in order, in turn by this number of threads of `scope`, which end when nobody wants more images. They put them
    /// into one memory for each batch of so many, where the device of `traffic` reads memory by itself.
    pub(crate) fn prefetch<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        (threads, batch): (usize, usize),
        traffic: &Traffic,
    ) -> Prefetch {
        let image = (self.group.shape.iter().product::<usize>() * size_of::<f32>()).max(1);
        let staging = traffic.staging.clone();
        let batches = staging.clone().map(|pinned| Arc::new(Batches::new(pinned, batch, self.len())));
        let made = (0..threads).map(|first| {
            // One more is in the hands of the thread.
            let (send, images) = sync_channel((AHEAD as usize / image).saturating_sub(1).min(self.len()));
            let own = (first..self.len()).step_by(threads);
            let batches = batches.clone();
            scope.spawn(move || own.map(|at| self.made(at, batches.as_deref())).all(|image| send.send(image).is_ok()));
            images
        });
        let stays = (self.len() * image) as u64 <= traffic.resident;
        Prefetch {
            makers: made.collect(),
            next: 0,
            waiting: VecDeque::new(),
            shape: self.group.shape.map(|side| side as i64),
            device: traffic.device,
            staging,
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
    /// The same, in this row of the memory of a batch.
    staged: Option<(Arc<Rows>, usize)>,
}

/// Images of a shard on their way to the device, and there.
pub(crate) struct Prefetch {
    /// Channel from each thread that makes images.
    makers: Vec<Receiver<Result<Made, UnitError>>>,
    /// Index of the next image.
    next: usize,
    /// Images that have come and are not in their places yet: for want of memory, say.
    waiting: VecDeque<Made>,
    shape: [i64; 3],
    device: Device,
    staging: Option<Arc<Pinned>>,
    /// Number of images of the shard, if they all stay on the device.
    whole: Option<i64>,
    /// Images on the device that were taken and are not done, and room for more: a batch that does not fit is tried again in halves.
    held: Option<Tensor>,
    /// Number of images that are there, done ones included.
    have: i64,
    /// Number of those that are done.
    from: i64,
    /// Images that the device may still copy.
    staged: Vec<Arc<Rows>>,
}

impl Prefetch {
    /// The images of a whole shard, which are on the device.
    pub(crate) fn of(images: Tensor) -> Self {
        let have = images.size().first().copied().unwrap_or(0);
        let (device, shape, makers) = (images.device(), [0; 3], Vec::new());
        let (whole, held, staged) = (Some(have), Some(images), Vec::new());
        let waiting = VecDeque::new();
        Self { makers, next: 0, waiting, shape, device, staging: None, whole, held, have, from: 0, staged }
    }

    /// Takes the next `n` images `[n, c, h, w]`, on the device. Each image is given to `seen` the first time that it is taken.
    pub(crate) fn next(&mut self, n: i64, mut seen: impl FnMut(Vec<f32>)) -> Result<Tensor, UnitError> {
        while self.have < self.from + n {
            let room = self.room(n)?;
            let missing = (self.from + n - self.have) as usize;
            // Without memory that the device reads by itself, no copy is of several images: none waits for another one.
            let wanted = if self.staging.is_some() { missing } else { 1 };
            while self.waiting.len() < wanted {
                self.come()?;
            }
            let taken = self.send(&room, missing)?;
            self.have += taken as i64;
            self.waiting.drain(..taken).for_each(|image| seen(image.values));
        }
        Ok(self.room(n)?.f_narrow(0, self.from, n)?)
    }

    /// Has as many of the first `most` images that wait as lie one after the other copied to their places in `room`, with one copy: how
    /// many.
    fn send(&mut self, room: &Tensor, most: usize) -> Result<usize, UnitError> {
        let [c, h, w] = self.shape;
        let Some(first) = self.waiting.front_mut() else { return Ok(0) };
        if let (None, Some(pinned)) = (&first.staged, &self.staging) {
            let rows = Rows::of(pinned, 1, first.values.len())?;
            rows.write(0, &first.values);
            first.staged = Some((Arc::new(rows), 0));
        }
        let Some((rows, row)) = first.staged.clone() else {
            let image = Tensor::f_from_slice(&first.values)?.f_view([c, h, w])?;
            room.f_select(0, self.have)?.f_copy_(&image)?;
            return Ok(1);
        };
        let lies = |(at, image): (usize, &Made)| {
            image.staged.as_ref().is_some_and(|(other, place)| Arc::ptr_eq(&rows, other) && *place == row + at)
        };
        let count = self.waiting.iter().take(most).enumerate().take_while(|(at, image)| lies((*at, image))).count();
        let images = rows.shown(row, count)?.f_view([count as i64, c, h, w])?;
        // First: until the device has copied them, they must not go.
        self.staged.push(Arc::clone(&rows));
        crossed(Crossing::Sent, images.numel() * size_of::<f32>());
        copy(&room.f_narrow(0, self.have, count as i64)?, &images)?;
        Ok(count)
    }

    /// Takes the next image from its maker.
    fn come(&mut self) -> Result<(), UnitError> {
        let made = self.makers[self.next % self.makers.len()].recv();
        let ended = |_| TchError::Torch("an image was not made, as the thread that makes it has ended".to_owned());
        self.next += 1;
        self.waiting.push_back(made.map_err(ended)??);
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
    pub(crate) fn staged(&mut self) -> Vec<Arc<Rows>> {
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
