//! Traffic between the host and the device: how much may be on the way, and how one learns that it has arrived.
//!
//! A CPU computes when it is asked, and its values are where they are read: nothing is on the way. A GPU is asked for more before
//! it has answered, and waits for nobody: images come to it in pinned memory and stay, and what leaves has a mark behind it.

use std::sync::Arc;

use tch::{Device, Kind, TchError, Tensor};

use super::memory::Memory;
use super::pinned::Pinned;
use crate::libtorch::copy::leave;
use crate::libtorch::event::Event;

/// Bytes of a shard's images that stay on a GPU for all rounds, at most.
const MOST_RESIDENT: u64 = 256 << 20;
/// Part of a GPU's memory that images of a shard take, at most.
const RESIDENT_PART: u64 = 32;
/// Bytes of maps and images of a GPU that wait to be written, at most: two batches of six variants and 32 images of 224 px.
const BEHIND_GPU: u64 = 256 << 20;
/// Number of parts whose maps a GPU may still make or copy while the next part is asked for.
const ON_THE_WAY: usize = 2;

/// A mark in the work of a device: once the mark is reached, all that was asked for before it is done.
pub(crate) trait Mark {
    /// Waits until the device has reached the mark.
    fn reach(&self) -> Result<(), TchError>;
}

impl Mark for Event {
    fn reach(&self) -> Result<(), TchError> {
        self.wait()
    }
}

/// Sets a mark behind all that the device has been asked for.
pub(crate) type SetMark = Box<dyn Fn() -> Result<Box<dyn Mark>, TchError>>;

/// Has the device copy values to the first tensor from the second one, beside what it computes.
pub(crate) type Carry = Box<dyn Fn(&Tensor, &Tensor) -> Result<(), TchError>>;

/// Traffic of values that leave a device which computes meanwhile.
pub(crate) struct Away {
    /// Memory of the host that the device writes.
    pub(crate) memory: Arc<Pinned>,
    pub(crate) carry: Carry,
}

/// Traffic of one device.
pub(crate) struct Traffic {
    pub(crate) device: Device,
    /// Bytes of a shard's images that stay on the device for all rounds, at most.
    pub(crate) resident: u64,
    /// Number of parts whose maps may be on the way while the next part is asked for.
    pub(crate) on_the_way: usize,
    /// Memory of the host into which threads put the images that they make, batch by batch, where the device does not compute in the host's
    /// memory: from elsewhere the device would copy them while whoever asks for it waits.
    ///
    /// No memory that values leave to: after an error what is on its way is let go, and the device may still write there.
    pub(crate) staging: Option<Arc<Pinned>>,
    pub(crate) mark: SetMark,
    /// Traffic of values that leave, where the device does not compute in the host's memory.
    pub(crate) away: Option<Away>,
}

impl Traffic {
    /// Traffic of `device`.
    pub(crate) fn of(device: Device) -> Self {
        let mark: SetMark = Box::new(move || Ok(Box::new(Event::record(device)?)));
        if device == Device::Cpu {
            return Self { device, resident: 0, on_the_way: 0, staging: None, mark, away: None };
        }
        let most = Memory::of(device).limit().unwrap_or(0) / RESIDENT_PART;
        let carry: Carry = Box::new(move |to, from| leave(device, to, from));
        let away = Some(Away { memory: Pinned::of(device, pinned_bytes), carry });
        let staging = Some(Pinned::of(device, pinned_bytes));
        Self { device, resident: MOST_RESIDENT.min(most), on_the_way: ON_THE_WAY, staging, mark, away }
    }
}

/// Bytes of maps and images that wait to be written, at most.
pub(crate) fn behind(device: Device) -> u64 {
    if device == Device::Cpu { sweep::group::BEHIND } else { BEHIND_GPU }
}

/// Pinned memory of `bytes` bytes.
fn pinned_bytes(bytes: i64, device: Device) -> Result<Tensor, TchError> {
    Tensor::f_empty([bytes], (Kind::Uint8, Device::Cpu))?.f_pin_memory(device)
}
