//! Arguments of kernels, and how a kernel is asked for.

use std::ffi::{CStr, c_void};
use std::rc::Rc;

use tch::TchError;

use super::{BLOCK, Launch};
use crate::tensors::operators::launched;

/// An argument of a kernel, which is packed as the pointer to it.
pub(in crate::devices::gpu) trait Argument {
    fn packed(&self) -> *mut c_void;
}

/// Not for every type: a reference to an argument would be one, too, whose pointer is of no use.
macro_rules! arguments {
    ($($kind:ty),*) => {$(
        impl $crate::devices::gpu::launch::arguments::Argument for $kind {
            fn packed(&self) -> *mut std::ffi::c_void {
                std::ptr::from_ref(self).cast::<std::ffi::c_void>().cast_mut()
            }
        }
    )*};
}

pub(in crate::devices::gpu) use arguments;

arguments!(u32, f32, *const c_void);

/// Asks for `count` threads of `kernel` with these arguments and, last, the count.
///
/// The caller gives what the kernel takes, of tensors that have so many values. What the caller lets go, libtorch gives only to those
/// who are served behind this launch.
#[expect(unsafe_code, reason = "kernels take pointers")]
pub(in crate::devices::gpu) fn ask(
    launch: &Rc<dyn Launch>,
    kernel: &CStr,
    count: u32,
    arguments: &[&dyn Argument],
) -> Result<(), TchError> {
    let mut packed: Vec<*mut c_void> = arguments.iter().map(|one| one.packed()).collect();
    packed.push(count.packed());
    launched(kernel);
    // SAFETY: the caller's word for the arguments, as said above.
    Ok(unsafe { launch.launch(kernel, count.div_ceil(BLOCK), &mut packed) }?)
}
