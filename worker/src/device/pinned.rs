//! Memory of the host that a device reads and writes by itself, taken once and used again and again.
//!
//! When libtorch frees such memory it asks the device for an event, and where the device is lost it throws out of a destructor: the
//! process would abort before it has told what happened. So this memory is lent, comes back from whatever thread had it last, and is
//! freed by nobody. It is as much as was ever on the way to be written at once.

use std::sync::{Arc, Mutex, PoisonError};

use tch::{Device, Kind, TchError, Tensor};

/// Function that allocates this number of bytes of memory that a device reads and writes by itself.
pub(crate) type Take = fn(i64, Device) -> Result<Tensor, TchError>;

/// Least size of an allocation, in bytes.
const LEAST: usize = 1 << 12;

/// Memory of one device. Its sizes are powers of two, so that batches of several sizes share it.
#[derive(Debug)]
pub(crate) struct Pinned {
    device: Device,
    take: Take,
    free: Mutex<Vec<Tensor>>,
}

/// Memory that is lent until this value is dropped.
#[derive(Debug)]
pub(crate) struct Lent {
    /// Bytes `[size]`, of which the first `bytes` are used; gone only while the value is dropped.
    memory: Option<Tensor>,
    start: *const u8,
    bytes: usize,
    owner: Arc<Pinned>,
}

impl Pinned {
    /// Memory for `device`, which `take` takes from the system.
    pub(crate) fn of(device: Device, take: Take) -> Arc<Self> {
        Arc::new(Self { device, take, free: Mutex::default() })
    }

    /// Lends memory for values of `shape` and `kind`, and gives these values `[..]` beside it, which nobody has written yet.
    pub(crate) fn lend(self: &Arc<Self>, shape: &[i64], kind: Kind) -> Result<(Lent, Tensor), TchError> {
        let bytes = shape.iter().product::<i64>() as usize * kind.elt_size_in_bytes();
        let size = bytes.next_power_of_two().max(LEAST);
        let memory = match self.free(size) {
            Some(memory) => memory,
            None => (self.take)(size as i64, self.device)?,
        };
        let values = memory.f_narrow(0, 0, bytes as i64)?.f_view_dtype(kind)?.f_view(shape)?;
        let start = memory.data_ptr().cast_const().cast();
        Ok((Lent { memory: Some(memory), start, bytes, owner: Arc::clone(self) }, values))
    }

    /// Memory of `size` bytes that nobody has, if there is some.
    fn free(&self, size: usize) -> Option<Tensor> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let at = free.iter().position(|memory| memory.numel() == size)?;
        Some(free.swap_remove(at))
    }
}

/// Rows of numbers in single precision, in memory that is lent: threads write them, each row one thread, and a device copies them.
#[derive(Debug)]
pub(crate) struct Rows {
    lent: Lent,
    /// Numbers of a row.
    row: usize,
}

impl Rows {
    /// `count` rows of `row` numbers, which nobody has written yet.
    pub(crate) fn of(pinned: &Arc<Pinned>, count: usize, row: usize) -> Result<Self, TchError> {
        Ok(Self { lent: pinned.lend(&[count as i64, row as i64], Kind::Float)?.0, row })
    }

    /// Writes row `at`.
    ///
    /// Of each row one thread writes it, once, before it tells others of it.
    #[expect(unsafe_code, reason = "threads write rows of one memory")]
    pub(crate) fn write(&self, at: usize, values: &[f32]) {
        let place = at * self.row * size_of::<f32>();
        assert!(values.len() == self.row && place + size_of_val(values) <= self.lent.bytes, "row {at} of {self:?}");
        // SAFETY: the row is inside of the memory, as was just looked at, and this thread is the only one that knows of it.
        unsafe {
            let to = self.lent.start.cast_mut().add(place);
            std::ptr::copy_nonoverlapping(values.as_ptr().cast::<u8>(), to, size_of_val(values));
        }
    }

    /// Rows from `first` on, `[count, row]`, in the memory itself.
    pub(crate) fn shown(&self, first: usize, count: usize) -> Result<Tensor, TchError> {
        let memory =
            self.lent.memory.as_ref().ok_or_else(|| TchError::Shape("memory that was given back".to_owned()))?;
        let size = self.row * size_of::<f32>();
        let bytes = memory.f_narrow(0, (first * size) as i64, (count * size) as i64)?;
        bytes.f_view_dtype(Kind::Float)?.f_view([count as i64, self.row as i64])
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let free = self.free.get_mut().unwrap_or_else(PoisonError::into_inner);
        free.drain(..).for_each(std::mem::forget);
    }
}

impl Lent {
    /// The bytes, once a mark behind what writes them is reached.
    #[expect(unsafe_code, reason = "tch gives values as a pointer")]
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the memory has so many bytes, and is this value's as long as the value is there.
        unsafe { std::slice::from_raw_parts(self.start, self.bytes) }
    }

    /// The bytes as numbers in single precision.
    pub(crate) fn floats(&self) -> Vec<f32> {
        floats(self.bytes())
    }
}

/// Native `bytes` as numbers in single precision.
pub(crate) fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_ne_bytes(*bytes)).collect()
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut free = self.owner.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.extend(self.memory.take());
    }
}

#[expect(unsafe_code, reason = "a pointer into memory that goes with it")]
// SAFETY: the pointer is into the memory of the tensor, which any thread may have.
unsafe impl Send for Lent {}

#[expect(unsafe_code, reason = "a pointer into memory that goes with it")]
// SAFETY: by a shared reference the bytes are read, or shown as another tensor, whose memory libtorch counts for any thread. Nobody
// writes them after the mark behind the copy. Rows are written each by one thread, before another one knows of them.
unsafe impl Sync for Lent {}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::thread;

    use super::*;

    static TAKEN: AtomicUsize = AtomicUsize::new(0);

    fn take(bytes: i64, _: Device) -> Result<Tensor, TchError> {
        TAKEN.fetch_add(1, SeqCst);
        Tensor::f_empty([bytes], (Kind::Uint8, Device::Cpu))
    }

    #[test]
    fn memory_is_lent_again_once_it_is_back_from_whatever_thread() {
        let pinned = Pinned::of(Device::Cpu, take);
        let lend = |values: &[f32]| {
            let (lent, to) = pinned.lend(&[values.len() as i64], Kind::Float).unwrap();
            to.shallow_clone().copy_(&Tensor::from_slice(values));
            lent
        };
        let (first, second) = (lend(&[1.0, 2.0]), lend(&[3.0]));
        assert_eq!((first.floats(), second.floats(), second.bytes().len()), (vec![1.0, 2.0], vec![3.0], 4));
        assert_eq!(TAKEN.load(SeqCst), 2);
        thread::spawn(move || drop(first)).join().unwrap();
        let third = lend(&[5.0; 1024]);
        assert_eq!((TAKEN.load(SeqCst), third.floats().len(), second.floats()), (2, 1024, vec![3.0]));
        // Twice the size is other memory.
        let _fourth = lend(&[7.0; 1025]);
        assert_eq!(TAKEN.load(SeqCst), 3);
    }
}
