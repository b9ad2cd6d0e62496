//! Tensors as slices: what kernels read and write.

#![expect(unsafe_code, reason = "tch gives tensors as pointers, and threads that are not Rust's share out slices")]

use std::marker::PhantomData;

use tch::{Device, Kind, TchError, Tensor};

use super::threads::parallel;

/// Values that are worth a thread of their own.
const GRAIN: usize = 1 << 14;

/// Element types of kernels.
pub(crate) trait Element: Copy + Send + Sync {
    const KIND: Kind;
}

impl Element for f32 {
    const KIND: Kind = Kind::Float;
}

impl Element for u8 {
    const KIND: Kind = Kind::Uint8;
}

/// The values of a contiguous tensor in the host's memory.
pub(crate) fn values<T: Element>(tensor: &Tensor) -> Result<&[T], TchError> {
    let data = pointer::<T>(tensor)?;
    // SAFETY: a contiguous tensor has so many values of this type, for as long as it is borrowed.
    Ok(unsafe { std::slice::from_raw_parts(data, tensor.numel()) })
}

/// The values of a contiguous tensor, to be written. No other tensor may share the memory.
pub(crate) fn values_mut<T: Element>(tensor: &mut Tensor) -> Result<&mut [T], TchError> {
    let data = pointer::<T>(tensor)?;
    // SAFETY: as above, and the caller says that no other tensor shares the memory.
    Ok(unsafe { std::slice::from_raw_parts_mut(data, tensor.numel()) })
}

fn pointer<T: Element>(tensor: &Tensor) -> Result<*mut T, TchError> {
    if tensor.device() != Device::Cpu || tensor.f_kind()? != T::KIND || !tensor.is_contiguous() {
        let found = format!("{:?} on {:?}", tensor.f_kind()?, tensor.device());
        return Err(TchError::Shape(format!("a kernel got {found}, expected contiguous {:?} on the CPU", T::KIND)));
    }
    if tensor.numel() == 0 {
        return Ok(std::ptr::NonNull::dangling().as_ptr());
    }
    Ok(tensor.data_ptr().cast())
}

/// Calls `act` with each run of `length` values of `out` and its number, in parallel.
pub(crate) fn each_run<T: Element>(out: &mut [T], length: usize, act: impl Fn(usize, &mut [T]) + Sync) {
    each_pair(out, length, &mut [], 0, |index, run, _: &mut [u8]| act(index, run));
}

/// Calls `act` with each run of `lengths` values of both, in parallel. `beside` may be empty.
pub(crate) fn each_pair<T: Element, U: Element>(
    out: &mut [T],
    length: usize,
    beside: &mut [U],
    length_beside: usize,
    act: impl Fn(usize, &mut [T], &mut [U]) + Sync,
) {
    let count = out.len() / length.max(1);
    assert!(beside.len() >= count * length_beside, "runs beside others are as many");
    let (out, beside) = (Places::of(out), Places::of(beside));
    parallel(count, GRAIN / length.max(1), |part| {
        for index in part {
            // SAFETY: runs do not overlap, and every index is in one part only.
            let (run, run_beside) =
                unsafe { (out.place(index * length, length), beside.place(index * length_beside, length_beside)) };
            act(index, run, run_beside);
        }
    });
}

/// Origin of each plane of values side by side.
pub(crate) struct Parts(Vec<(usize, usize, usize)>);

impl Parts {
    /// The planes of values of these `shapes`, `[n, c / b, h, w, b]`.
    pub(crate) fn of(shapes: &[Vec<i64>]) -> Self {
        let widths = shapes.iter().map(|shape| shape[1] as usize).enumerate();
        Self(widths.flat_map(|(part, width)| (0..width).map(move |at| (part, at, width))).collect())
    }

    /// Blocks of channels of all of them.
    pub(crate) fn blocks(&self) -> usize {
        self.0.len()
    }

    /// Part that plane `index` is of, and the number of the plane in that part.
    pub(crate) fn place(&self, index: usize) -> (usize, usize) {
        let (row, (part, at, width)) = (index / self.0.len(), self.0[index % self.0.len()]);
        (part, row * width + at)
    }

    /// Calls `act` with the number of each plane of `length` values, the part that it is of, and the plane there, in parallel.
    pub(crate) fn each_plane<T: Element>(
        &self,
        parts: Vec<&mut [T]>,
        length: usize,
        act: impl Fn(usize, usize, &mut [T]) + Sync,
    ) {
        let count = parts.iter().map(|part| part.len()).sum::<usize>() / length.max(1);
        let parts: Vec<Places<'_, T>> = parts.into_iter().map(Places::of).collect();
        parallel(count, GRAIN / length.max(1), |range| {
            for index in range {
                let (part, at) = self.place(index);
                // SAFETY: no two planes have the same place, and every index is in one range only.
                act(index, part, unsafe { parts[part].place(at * length, length) });
            }
        });
    }
}

/// A slice of which several threads take different places.
pub(crate) struct Places<'a, T> {
    values: *mut T,
    length: usize,
    borrowed: PhantomData<&'a mut [T]>,
}

// SAFETY: whoever takes a place sees to it that nobody else has it.
unsafe impl<T: Send> Sync for Places<'_, T> {}

impl<'a, T> Places<'a, T> {
    pub(crate) fn of(values: &'a mut [T]) -> Self {
        Self { values: values.as_mut_ptr(), length: values.len(), borrowed: PhantomData }
    }

    /// The `length` values from `first` on.
    ///
    /// # Safety
    ///
    /// No two places that are held at one time overlap.
    #[expect(clippy::mut_from_ref, reason = "no two places overlap")]
    #[inline]
    pub(crate) unsafe fn place(&self, first: usize, length: usize) -> &mut [T] {
        assert!(first + length <= self.length, "a place is inside of its slice");
        // SAFETY: inside of the slice, which is borrowed as long as this is, and the caller's alone.
        unsafe { std::slice::from_raw_parts_mut(self.values.add(first), length) }
    }
}
