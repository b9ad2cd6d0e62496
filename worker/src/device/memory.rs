//! Memory of the device that this process holds, and the most that it may hold.
//!
//! On the CPU that is what `host_memory` counts; on a GPU what libtorch's allocator has taken there, as what other processes
//! hold is theirs.

use tch::Device;

use super::{allocator, host_memory};

/// Memory of one device.
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
            _ => host_memory::used(),
        }
    }

    /// Most bytes that were held at once since the last [`Memory::forget_peak`].
    pub(crate) fn peak(self) -> u64 {
        match self.0 {
            Device::Cuda(index) => allocator::held(index).map_or(0, |held| held.peak),
            _ => host_memory::peak(),
        }
    }

    /// Sets the peak to the bytes that are held now.
    pub(crate) fn forget_peak(self) {
        match self.0 {
            Device::Cuda(index) => allocator::forget_peak(index),
            _ => host_memory::forget_peak(),
        }
    }

    /// Limit of the bytes that may be held; `None` where there is no limit.
    pub(crate) fn limit(self) -> Option<u64> {
        match self.0 {
            Device::Cuda(index) => allocator::free(index).map(|free| free + self.used()),
            _ => host_memory::limited(),
        }
    }

    /// Gives back memory that is not in use, so that another batch finds the memory in one piece.
    pub(crate) fn release(self) {
        if let Device::Cuda(_) = self.0 {
            allocator::release();
        }
    }
}
