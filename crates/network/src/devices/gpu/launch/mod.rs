//! Launching of kernels: compiled at run time by the compiler that comes with libtorch, and given to the driver that is there.

pub(super) mod arguments;
pub(in crate::devices) mod driver;
pub(super) mod emulated;
pub(super) mod library;
pub(super) mod nvrtc;

use std::ffi::{CStr, c_int, c_void};
use std::fmt;

use tch::TchError;

/// Threads of a block. The kernels say the same number.
pub(super) const BLOCK: u32 = 128;

/// Kernels, as text for both compilers.
pub(super) const SOURCE: &str =
    concat!(include_str!("../kernels/kernels.cu"), "\n", include_str!("../kernels/crop.cu"));

/// Error for which no kernel of ours runs on a GPU.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    #[error("`{library}` cannot be used: {reason}")]
    Library { library: String, reason: String },
    #[error("no folder of the libraries of this process has a `{prefix}`")]
    NotFound { prefix: &'static str },
    #[error("the kernels do not compile for {target}: {log}")]
    Compile { target: String, log: String },
    #[error("{call} of {library} gives error {code}")]
    Call { library: &'static str, call: &'static str, code: c_int },
}

/// What the driver answers where a kernel, or its stack, finds no memory: a smaller batch may fit.
const OUT_OF_MEMORY: c_int = 2;

impl From<LaunchError> for TchError {
    fn from(error: LaunchError) -> Self {
        // What the driver says of a launch is said of the device: a worker takes it as CUDA's own errors.
        match error {
            LaunchError::Call { code: OUT_OF_MEMORY, .. } => Self::Torch(format!("CUDA out of memory: {error}")),
            LaunchError::Call { .. } => Self::Torch(format!("CUDA error: {error}")),
            other => Self::Torch(other.to_string()),
        }
    }
}

/// Who runs kernels.
#[expect(unsafe_code, reason = "kernels take pointers")]
pub(crate) trait Launch: fmt::Debug {
    /// Asks for `blocks` blocks of [`BLOCK`] threads of `kernel`, behind all that libtorch has asked the device for.
    ///
    /// # Safety
    /// `packed` are pointers to the arguments of that kernel, in order; and the memory that these point to has the values that the kernel
    /// reads and writes, until the device has run it.
    unsafe fn launch(&self, kernel: &CStr, blocks: u32, packed: &mut [*mut c_void]) -> Result<(), LaunchError>;
}
