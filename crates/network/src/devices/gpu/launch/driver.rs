//! The driver of the GPU, in the context and on the stream of libtorch.

#![expect(unsafe_code, reason = "functions of a library that is opened at run time")]

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};

use super::library::Library;
use super::nvrtc::Nvrtc;
use super::{BLOCK, Launch, LaunchError};

unsafe extern "C" {
    fn gpu_stream(device: c_int) -> *mut c_void;
    fn gpu_rounds_to_tf32() -> bool;
}

/// Whether libtorch rounds the operands of convolutions in single precision to 11 bits, on GPUs that can.
pub(crate) fn rounds_to_tf32() -> bool {
    // SAFETY: reads a setting.
    unsafe { gpu_rounds_to_tf32() }
}

type Attribute = unsafe extern "C" fn(*mut c_int, c_int, c_int) -> c_int;
type Current = unsafe extern "C" fn(*mut c_int) -> c_int;
type Load = unsafe extern "C" fn(*mut *mut c_void, *const c_void) -> c_int;
type Find = unsafe extern "C" fn(*mut *mut c_void, *mut c_void, *const c_char) -> c_int;
type Start = unsafe extern "C" fn(
    *mut c_void,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    *mut c_void,
    *mut *mut c_void,
    *mut *mut c_void,
) -> c_int;

/// Numbers of the driver's header: major and minor of a GPU's capability.
const CAPABILITY: [c_int; 2] = [75, 76];

/// Kernels that are loaded on a GPU.
#[derive(Debug)]
pub(crate) struct Driver {
    /// Number of the GPU in libtorch.
    device: c_int,
    module: *mut c_void,
    find: Find,
    start: Start,
    found: RefCell<HashMap<CString, *mut c_void>>,
}

impl Driver {
    /// Compiles and loads the kernels for GPU number `device`, which libtorch has used before.
    pub(crate) fn open(device: usize) -> Result<Self, LaunchError> {
        let driver = Library::open("libcuda.so.1", false)?;
        // SAFETY: the driver's functions, by its header; pointers outlive the calls.
        unsafe {
            let current: Current = driver.get(c"cuCtxGetDevice")?;
            let attribute: Attribute = driver.get(c"cuDeviceGetAttribute")?;
            let (mut gpu, mut capability) = (0, [0; 2]);
            called("cuCtxGetDevice", current(&raw mut gpu))?;
            for (value, which) in capability.iter_mut().zip(CAPABILITY) {
                called("cuDeviceGetAttribute", attribute(value, which, gpu))?;
            }
            let compiled = Nvrtc::open()?.compile(&format!("sm_{}{}", capability[0], capability[1]))?;
            let (load, mut module): (Load, _) = (driver.get(c"cuModuleLoadData")?, std::ptr::null_mut());
            called("cuModuleLoadData", load(&raw mut module, compiled.image.as_ptr().cast()))?;
            let (find, start) = (driver.get(c"cuModuleGetFunction")?, driver.get(c"cuLaunchKernel")?);
            Ok(Self { device: device as c_int, module, find, start, found: RefCell::default() })
        }
    }

    /// The kernel of this name, looked up once.
    fn kernel(&self, name: &CStr) -> Result<*mut c_void, LaunchError> {
        if let Some(found) = self.found.borrow().get(name) {
            return Ok(*found);
        }
        let mut kernel = std::ptr::null_mut();
        // SAFETY: the module is loaded, and never unloaded.
        called("cuModuleGetFunction", unsafe { (self.find)(&raw mut kernel, self.module, name.as_ptr()) })?;
        self.found.borrow_mut().insert(name.to_owned(), kernel);
        Ok(kernel)
    }
}

impl Launch for Driver {
    unsafe fn launch(&self, kernel: &CStr, blocks: u32, packed: &mut [*mut c_void]) -> Result<(), LaunchError> {
        let kernel = self.kernel(kernel)?;
        let none = std::ptr::null_mut::<*mut c_void>();
        // SAFETY: the caller's word for the arguments, which the driver copies before it returns.
        let code = unsafe {
            let stream = gpu_stream(self.device);
            (self.start)(kernel, blocks, 1, 1, BLOCK, 1, 1, 0, stream, packed.as_mut_ptr(), none)
        };
        called("cuLaunchKernel", code)
    }
}

fn called(call: &'static str, code: c_int) -> Result<(), LaunchError> {
    if code == 0 { Ok(()) } else { Err(LaunchError::Call { library: "the driver", call, code }) }
}
