//! Memory of the device that this process holds, and the most that it may hold.
//!
//! On the CPU it is what `counted` counts; on a GPU what libtorch's allocator has taken there, as what other processes
//! hold is theirs.

pub(crate) use machine::this_process::{forget_peak, peak, resident};
use tch::Device;

use crate::{allocator, counted};

/// The memory of one device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory(Device);

impl Memory {
    pub(crate) fn of(device: Device) -> Self {
        Self(device)
    }

    /// Bytes that are held now.
    pub(crate) fn used(self) -> u64 {
        match self.0 {
            Device::Cuda(index) => allocator::held(index).map_or(0, |held| held.now),
            _ => counted::used(),
        }
    }

    /// Most bytes that were held at once since the last [`Memory::forget_peak`].
    pub(crate) fn peak(self) -> u64 {
        match self.0 {
            Device::Cuda(index) => allocator::held(index).map_or(0, |held| held.peak),
            _ => counted::peak(),
        }
    }

    /// Lets the peak be what is held now.
    pub(crate) fn forget_peak(self) {
        match self.0 {
            Device::Cuda(index) => allocator::forget_peak(index),
            _ => counted::forget_peak(),
        }
    }

    /// Most bytes that may be held; `None` where nothing says so.
    pub(crate) fn limit(self) -> Option<u64> {
        match self.0 {
            Device::Cuda(index) => allocator::free(index).map(|free| free + self.used()),
            _ => counted::limited(),
        }
    }

    /// Gives back what is held and not in use, so that another batch finds it in one piece.
    pub(crate) fn release(self) {
        if let Device::Cuda(_) = self.0 {
            allocator::release();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_remembers_what_was_freed_until_it_is_told_to_forget() {
        const SIZE: usize = 64 << 20;
        let _alone = counted::tests::ALONE.lock();
        let before = resident();
        // Not zeros, which need no memory.
        drop(std::hint::black_box(vec![1_u8; SIZE]));
        assert!(peak() >= before + SIZE as u64 / 2);
        forget_peak();
        assert!(peak() < before + SIZE as u64 / 2);
    }
}
