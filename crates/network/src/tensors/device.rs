//! Values on their way to devices.

use tch::{Device, Kind, TchError, Tensor};

use super::operators::{Crossing, crossed};

/// `values` of the host on `device`. A GPU takes them when it comes to that: nobody waits, and they may be let go at once.
pub fn sent(values: &Tensor, device: Device) -> Result<Tensor, TchError> {
    crossed(Crossing::Pageable, values.numel() * values.f_kind()?.elt_size_in_bytes());
    values.f_to_device_(device, values.f_kind()?, true, false)
}

/// Values one after the other, where the host reads them; a GPU takes them as they lie.
pub(crate) fn dense(values: &Tensor) -> Result<Tensor, TchError> {
    if values.device() == Device::Cpu { values.f_contiguous() } else { Ok(values.shallow_clone()) }
}

/// Whether libtorch's choice of kernels on the CPU is to be kept from showing: in single precision.
pub(crate) fn single_on_cpu(tensor: &Tensor) -> Result<bool, TchError> {
    Ok(tensor.device() == Device::Cpu && tensor.f_kind()? == Kind::Float)
}
