//! Settings from the environment: the instructions that kernels may use, the content of memory that nobody wrote, the sizes of boxes, and
//! whether a CPU plays a GPU.
//!
//! The first two are for finding faults: a program on a wide processor computes as one on a narrow processor would, and whoever reads
//! before writing gets a NaN on every machine. The C++ half reads them before `main`.

#![expect(unsafe_code, reason = "the C++ half")]

use std::sync::OnceLock;

use sweep::computed_by::Isa;

unsafe extern "C" {
    fn settings_fill_memory();
}

/// Names the widest instructions that kernels may use: `avx512`, `avx2`, or `none` for none of our own, which leaves the plain
/// graph and whatever libtorch's kernels are, on a GPU, too. `avx2` holds for libtorch and oneDNN too, as on a processor without AVX-512.
pub const MAX_CPU_ISA: &str = "ATTRISWEEP_MAX_CPU_ISA";

/// Name of the variable that, if it is `nan`, has memory for tensors on the CPU, fresh or used before, filled with NaN, and the
/// memory of kernels too.
pub const FILL_MEMORY: &str = "ATTRISWEEP_FILL_MEMORY";

/// Names the sizes that boxes of a value may have along each axis where windows are hidden: `1` or `2`, or `whole` for whole images
/// instead of boxes. By itself a CPU takes 4 and a GPU 1. For measurements.
pub const BOX_SIZES: &str = "ATTRISWEEP_BOX_SIZES";

/// Name of the variable that, if it is `1`, lets a CPU compute as a GPU does, with kernels for GPUs whose threads run one after
/// the other: for tests and rehearsals.
pub const EMULATE_GPU: &str = "ATTRISWEEP_EMULATE_GPU";

/// Why the environment cannot be obeyed.
#[derive(Debug, thiserror::Error)]
#[error("the environment has {name}={found}, expected {expected}")]
pub struct SettingsError {
    name: &'static str,
    found: String,
    expected: &'static str,
}

/// Looks whether the variables say something that is known.
pub fn check() -> Result<(), SettingsError> {
    let of = |name, expected, is_known: fn(&str) -> bool| match std::env::var_os(name) {
        Some(found) if !found.to_str().is_some_and(is_known) => {
            Err(SettingsError { name, found: found.to_string_lossy().into_owned(), expected })
        }
        _ => Ok(()),
    };
    of(MAX_CPU_ISA, "avx512, avx2 or none", |word| Isa::named(word).is_some())?;
    of(FILL_MEMORY, "nan, or nothing", |word| word.is_empty() || word == "nan")?;
    of(BOX_SIZES, "whole, 1 or 2", |word| sizes(word).is_some())?;
    of(EMULATE_GPU, "1, or nothing", |word| word.is_empty() || word == "1")
}

fn sizes(word: &str) -> Option<usize> {
    ["whole", "1", "2"].iter().position(|known| *known == word)
}

/// Sizes that boxes may have along each axis, if the environment names them; 0 for whole images.
pub fn box_sizes() -> Option<usize> {
    static SIZES: OnceLock<Option<usize>> = OnceLock::new();
    *SIZES.get_or_init(|| std::env::var(BOX_SIZES).ok().as_deref().and_then(sizes))
}

/// The widest instructions that our kernels may use, whether this processor has them or not.
pub(crate) fn widest() -> Isa {
    static WIDEST: OnceLock<Isa> = OnceLock::new();
    *WIDEST.get_or_init(|| {
        let said = std::env::var(MAX_CPU_ISA).ok();
        said.as_deref().and_then(Isa::named).unwrap_or(Isa::Avx512)
    })
}

/// Whether a CPU computes as a GPU does.
pub fn emulates_gpu() -> bool {
    static EMULATES: OnceLock<bool> = OnceLock::new();
    *EMULATES.get_or_init(|| std::env::var(EMULATE_GPU).is_ok_and(|said| said == "1"))
}

/// Whether memory that nobody has written is to hold NaN.
pub(crate) fn fills_memory() -> bool {
    static FILLS: OnceLock<bool> = OnceLock::new();
    *FILLS.get_or_init(|| std::env::var(FILL_MEMORY).is_ok_and(|said| said == "nan"))
}

/// Has libtorch's allocator fill memory where the environment asks for it. Only a process that has put an allocator of its own
/// in place must call this function; until then the allocator does so already.
pub fn fill_memory() {
    // SAFETY: tensors that are there go back to the allocator that they came from.
    unsafe { settings_fill_memory() };
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use tch::{Device, Kind, Tensor};

    use super::*;

    fn is_nan(values: &Tensor) -> bool {
        values.isnan().all().int64_value(&[]) == 1
    }

    /// The variable is read when a process begins, so that this test runs itself in another one.
    #[test]
    fn memory_that_nobody_has_written_holds_nan_where_the_environment_asks_fresh_or_used_before() {
        if !fills_memory() {
            let name = "memory_that_nobody_has_written_holds_nan_where_the_environment_asks_fresh_or_used_before";
            let this = std::env::current_exe().unwrap();
            let again = Command::new(this).args([name, "--test-threads=1"]).env(FILL_MEMORY, "nan").output().unwrap();
            let told = String::from_utf8_lossy(&again.stdout).into_owned();
            assert!(again.status.success() && told.contains("1 passed"), "{told}");
            return;
        }
        let empty = || Tensor::empty([3, 1 << 16], (Kind::Float, Device::Cpu));
        for _ in 0..4 {
            let values = empty();
            assert!(is_nan(&values));
            drop(values.f_fill(1.0).unwrap());
        }
        fill_memory();
        assert!(is_nan(&empty()), "by an allocator around another one");
    }
}
