//! The kernels as functions of the processor, whose threads run one after the other in an order that looks like none.

#![expect(unsafe_code, reason = "a function of emulate.cpp")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};

use super::{BLOCK, Launch, LaunchError};

unsafe extern "C" {
    fn attrisweep_emulate(
        name: *const c_char,
        blocks: c_uint,
        threads: c_uint,
        packed: *mut *mut c_void,
        order: c_uint,
    ) -> c_int;
}

/// Runs the kernel of a name: so many blocks of so many threads with these arguments, in an order of threads.
pub(crate) type Emulate = unsafe extern "C" fn(*const c_char, c_uint, c_uint, *mut *mut c_void, c_uint) -> c_int;

thread_local! {
    /// Who runs kernels in this thread: tests break them on purpose.
    pub(crate) static KERNELS: Cell<Emulate> = const { Cell::new(attrisweep_emulate) };
}

/// An emulated GPU.
#[derive(Debug, Default)]
pub(crate) struct Emulated {
    /// Number of the order of threads; another one for each launch.
    order: Cell<u32>,
    /// Number of launches of each kernel.
    pub(crate) launches: RefCell<BTreeMap<CString, usize>>,
}

impl Launch for Emulated {
    unsafe fn launch(&self, kernel: &CStr, blocks: u32, packed: &mut [*mut c_void]) -> Result<(), LaunchError> {
        *self.launches.borrow_mut().entry(kernel.to_owned()).or_default() += 1;
        self.order.set(self.order.get().wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        let emulate = KERNELS.get();
        // SAFETY: the caller's word for the arguments.
        let code = unsafe { emulate(kernel.as_ptr(), blocks, BLOCK, packed.as_mut_ptr(), self.order.get()) };
        if code == 0 { Ok(()) } else { Err(LaunchError::Call { library: "emulation", call: "a launch", code }) }
    }
}
