//! What leaves the device, in order, each part once the mark behind it is reached.
//!
//! A GPU is asked for further batches, also of the next round, before the values of earlier ones are looked at. So it never waits
//! for the host, as long as the host asks faster than the GPU computes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use network::{Crossing, crossed};

use crate::device::pinned::Rows;
use crate::device::traffic::{Mark, Traffic};
use crate::stages::computed::Computed;
use crate::unit_error::UnitError;

/// Gives values, which are in the host's memory by then, to the next stage.
pub(crate) type Give = Box<dyn FnOnce(&mut dyn FnMut(Computed)) -> Result<(), UnitError>>;

/// Parts of a shard that are on their way from the device to the next stage.
pub(crate) struct Leaving<'a> {
    emit: &'a mut dyn FnMut(Computed),
    pub(crate) traffic: &'a Traffic,
    parts: VecDeque<Part>,
    /// Number of the batch that is asked for.
    batch: usize,
    /// Images that the device may still copy.
    staged: Vec<Arc<Rows>>,
    /// Time for which the next stage was waited for.
    pub(crate) waited: Duration,
}

/// Values that leave together.
struct Part {
    batch: usize,
    mark: Box<dyn Mark>,
    give: Give,
    /// Images that the device has copied once the mark is reached.
    _staged: Vec<Arc<Rows>>,
}

impl<'a> Leaving<'a> {
    pub(crate) fn new(traffic: &'a Traffic, emit: &'a mut dyn FnMut(Computed)) -> Self {
        Self { emit, traffic, parts: VecDeque::new(), batch: 0, staged: Vec::new(), waited: Duration::ZERO }
    }

    /// Begins another batch. Batches that are as far behind as is allowed are given away as the parts of this one leave.
    pub(crate) fn begin_batch(&mut self) {
        self.batch += 1;
    }

    /// Holds `images` until a mark behind what leaves next is reached.
    pub(crate) fn hold(&mut self, images: Vec<Arc<Rows>>) {
        self.staged.extend(images);
    }

    /// Gives `computed`, which is in the host's memory, to the next stage at once.
    pub(crate) fn give(&mut self, computed: Computed) {
        timed(self.emit, &mut self.waited)(computed);
    }

    /// Lets values leave, which `give` holds. After an error of it they have not left.
    pub(crate) fn leave(&mut self, give: Give) -> Result<(), UnitError> {
        let (give, mark) = held(give, (self.traffic.mark)())?;
        self.parts.push_back(Part { batch: self.batch, mark, give, _staged: std::mem::take(&mut self.staged) });
        Ok(())
    }

    /// Gives away what has left long enough ago.
    pub(crate) fn deliver_old(&mut self) -> Result<(), UnitError> {
        self.deliver(self.traffic.on_the_way)
    }

    /// Gives away all that leaves.
    pub(crate) fn deliver_all(&mut self) -> Result<(), UnitError> {
        self.deliver(0)
    }

    /// Gives away the parts of all batches but the last `still`.
    fn deliver(&mut self, still: usize) -> Result<(), UnitError> {
        while let Some(next) = self.parts.front()
            && next.batch + still <= self.batch
        {
            crossed(Crossing::Mark, 0);
            next.mark.reach()?;
            let Some(part) = self.parts.pop_front() else { break };
            (part.give)(&mut timed(self.emit, &mut self.waited))?;
        }
        Ok(())
    }

    /// All that leaves is given away, unless `outcome` is an error. What is on its way is left alone if the device is lost
    /// (see [`held`]).
    pub(crate) fn end(mut self, outcome: Result<(), UnitError>) -> Result<(), UnitError> {
        let delivered = outcome.and_then(|()| self.deliver_all());
        held((self.parts, self.staged), delivered).map(|_| ())
    }
}

/// `emit` with the time that it takes added to `waited`.
fn timed<'a>(emit: &'a mut dyn FnMut(Computed), waited: &'a mut Duration) -> impl FnMut(Computed) + 'a {
    move |computed| {
        let started = Instant::now();
        emit(computed);
        *waited += started.elapsed();
    }
}

/// `what` lies in pinned memory, together with what came of `outcome`; never freed where the device is lost.
///
/// To free it libtorch asks the device for an event. Where that fails it throws out of a destructor: the process would
/// abort before it has told what happened, and in place of the exit code that says so.
pub(crate) fn held<T, U, E: Into<UnitError>>(what: T, outcome: Result<U, E>) -> Result<(T, U), UnitError> {
    match outcome.map_err(Into::into) {
        Ok(more) => Ok((what, more)),
        Err(error) => {
            if error.is_sticky() {
                std::mem::forget(what);
            }
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use tch::TchError;

    use super::*;

    #[test]
    fn what_is_pinned_is_freed_after_any_error_but_that_the_device_is_lost() {
        let cases = [("CUDA error: an illegal memory access was encountered", 2), ("CUDA out of memory.", 1)];
        for (text, left) in cases {
            let what = Rc::new(());
            let outcome: Result<(), TchError> = Err(TchError::Torch(text.to_owned()));
            assert!(held(Rc::clone(&what), outcome).is_err_and(|error| error.text().ends_with(text)));
            assert_eq!(Rc::strong_count(&what), left, "{text}");
        }
        assert!(held(7, Ok::<_, TchError>(8)).is_ok_and(|both| both == (7, 8)));
    }
}
