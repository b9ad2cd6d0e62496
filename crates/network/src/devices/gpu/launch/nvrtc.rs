//! NVRTC, the compiler of CUDA that comes with libtorch. It needs neither a GPU nor a driver.

#![expect(unsafe_code, reason = "functions of a library that is opened at run time")]

use std::ffi::{CString, c_char, c_int, c_void};

use super::library::{Library, beside_open_ones};
use super::{LaunchError, SOURCE};

type Program = *mut c_void;
type Create = unsafe extern "C" fn(
    *mut Program,
    *const c_char,
    *const c_char,
    c_int,
    *const *const c_char,
    *const *const c_char,
) -> c_int;
type Compile = unsafe extern "C" fn(Program, c_int, *const *const c_char) -> c_int;
type Size = unsafe extern "C" fn(Program, *mut usize) -> c_int;
type Read = unsafe extern "C" fn(Program, *mut u8) -> c_int;
type Destroy = unsafe extern "C" fn(*mut Program) -> c_int;

/// The compiler.
#[derive(Debug)]
pub(crate) struct Nvrtc(Library);

/// Kernels for one kind of GPU.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// What the driver loads.
    pub(crate) image: Vec<u8>,
    /// What the assembler says of each kernel: registers, stack, spills.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests look for spills"))]
    pub(crate) log: String,
}

impl Nvrtc {
    /// The compiler of the libtorch that this process has open.
    pub(crate) fn open() -> Result<Self, LaunchError> {
        // The compiler looks for its other half by name alone, and has no path to it: it finds one that is open.
        let builtins = beside_open_ones("libnvrtc-builtins.so.")?;
        Library::open(&builtins.to_string_lossy(), true)?;
        Ok(Self(Library::open(&beside_open_ones("libnvrtc.so.")?.to_string_lossy(), false)?))
    }

    /// Compiles the kernels for `target`, as `sm_90`.
    pub(crate) fn compile(&self, target: &str) -> Result<Compiled, LaunchError> {
        let text = |words: &str| CString::new(words).unwrap_or_default();
        let (source, name, mut program) = (text(SOURCE), text("kernels.cu"), std::ptr::null_mut());
        // Nothing is fused, so that emulation gives the same bits.
        let fixed = ["--std=c++17", "--fmad=false", "--ptxas-options=-v"];
        let options = [format!("--gpu-architecture={target}")].into_iter().chain(fixed.map(str::to_owned));
        let options: Vec<CString> = options.map(|option| text(&option)).collect();
        let options: Vec<*const c_char> = options.iter().map(|option| option.as_ptr()).collect();
        // SAFETY: NVRTC's functions, by its header; texts outlive the calls.
        unsafe {
            let create: Create = self.0.get(c"nvrtcCreateProgram")?;
            let none = std::ptr::null();
            called("nvrtcCreateProgram", create(&raw mut program, source.as_ptr(), name.as_ptr(), 0, none, none))?;
            let compile: Compile = self.0.get(c"nvrtcCompileProgram")?;
            let code = compile(program, options.len() as c_int, options.as_ptr());
            let log = self.bytes(program, [c"nvrtcGetProgramLogSize", c"nvrtcGetProgramLog"])?;
            let log = String::from_utf8_lossy(&log).trim_end_matches('\0').to_owned();
            let image = match code {
                0 => self.bytes(program, [c"nvrtcGetCUBINSize", c"nvrtcGetCUBIN"]),
                _ => Err(LaunchError::Compile { target: target.to_owned(), log: log.clone() }),
            };
            let destroy: Destroy = self.0.get(c"nvrtcDestroyProgram")?;
            destroy(&raw mut program);
            Ok(Compiled { image: image?, log })
        }
    }

    /// What two functions give: how many bytes there are, and these.
    unsafe fn bytes(&self, program: Program, [size, read]: [&std::ffi::CStr; 2]) -> Result<Vec<u8>, LaunchError> {
        // SAFETY: as in `compile`; the memory is as large as the first one says.
        unsafe {
            let (size, read): (Size, Read) = (self.0.get(size)?, self.0.get(read)?);
            let mut count = 0;
            called("the size of a result", size(program, &raw mut count))?;
            let mut bytes = vec![0; count.max(1)];
            called("a result", read(program, bytes.as_mut_ptr()))?;
            Ok(bytes)
        }
    }
}

fn called(call: &'static str, code: c_int) -> Result<(), LaunchError> {
    if code == 0 { Ok(()) } else { Err(LaunchError::Call { library: "NVRTC", call, code }) }
}
