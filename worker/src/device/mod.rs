//! The device of a worker: how the device is opened, and the memory that this process holds there.

pub(crate) mod allocator;
pub(crate) mod host_memory;
pub(crate) mod memory;
pub(crate) mod pinned;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod traffic;
pub(crate) mod uuid;

use clap::ValueEnum;
use tch::{Cuda, Device};

use crate::exit::Exit;

/// What kind of device to compute on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// The processor.
    Cpu,
    /// The first GPU that CUDA shows; the launcher shows one only, by UUID.
    Cuda,
}

/// On what to compute.
#[derive(Clone, Copy, Debug, clap::Args)]
// Each group of arguments has a name, by default that of its type: two would be called `Args`.
#[group(id = "device_args")]
pub(crate) struct Args {
    /// Device to compute on
    #[arg(long, value_enum)]
    device: Kind,

    /// Threads to compute with, on the CPU
    #[arg(long, default_value_t = 1)]
    threads: usize,

    /// Bytes that this process may hold, on the CPU
    #[arg(long, value_name = "BYTES")]
    memory: Option<u64>,

    /// May hold nine tenths of what this machine and its control groups leave, on the CPU
    #[arg(long, conflicts_with = "memory")]
    memory_left: bool,
}

/// Opened device.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) device: Device,
    /// Name of the device for the log and the scheduler.
    pub(crate) name: String,
    /// Threads with which the processor computes.
    pub(crate) threads: usize,
}

/// Number of threads that may make images, or encode maps, at once: where a GPU computes, the cores are free for that.
pub(crate) fn lanes(device: Device) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if device == Device::Cpu { 1 } else { (cores / 2).clamp(1, MOST_LANES) }
}

/// Most threads that a GPU needs: each thread encodes some 500 maps of 224 px a second.
const MOST_LANES: usize = 8;

/// Loads the CUDA half of libtorch where it is installed.
///
/// The linker drops `libtorch_cuda` as unneeded, so that one binary serves machines with and without GPUs; a null answer means
/// that this half is not installed. The half must be loaded before anything asks libtorch for CUDA: after the first question
/// libtorch never looks again.
#[expect(unsafe_code, reason = "loading a shared library runs its initialisers; libtorch's may run any time")]
fn load_cuda() {
    // SAFETY: a constant, nul-terminated name; the handle is never closed.
    unsafe { libc::dlopen(c"libtorch_cuda.so".as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
}

/// Opens a device.
pub(crate) fn open(args: Args) -> Result<Opened, Exit> {
    match args.device {
        Kind::Cpu => {
            let threads = i32::try_from(args.threads.max(1)).unwrap_or(i32::MAX);
            tch::set_num_threads(threads);
            allocator::count();
            let left = args.memory_left.then(machine::memory::free).flatten();
            if let Some(bytes) = args.memory.or(left.map(|free| free / 10 * 9)) {
                host_memory::limit(bytes);
            }
            let plural = if threads == 1 { "" } else { "s" };
            Ok(Opened {
                device: Device::Cpu,
                name: format!("cpu, {threads} thread{plural}"),
                threads: threads as usize,
            })
        }
        Kind::Cuda => {
            load_cuda();
            if Cuda::is_available() {
                let shown = std::env::var("CUDA_VISIBLE_DEVICES").unwrap_or_else(|_| "cuda:0".to_owned());
                return Ok(Opened { device: Device::Cuda(0), name: shown, threads: args.threads });
            }
            Err(Exit::device("CUDA cannot be used: no driver, no GPU, or a libtorch without CUDA"))
        }
    }
}
