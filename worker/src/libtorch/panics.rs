//! Panics of tch as errors.
//!
//! tch panics where a call with a number among its arguments fails: giving back the number takes the call's error for its
//! own. Memory that runs out in such a call is no reason to end a worker.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Result of `act`, or the first line of its panic.
pub(crate) fn caught<T>(act: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(act)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason is known");
        // What is unwrapped is shown with its lines escaped.
        text.split(['\n']).next().and_then(|line| line.split("\\n").next()).unwrap_or_default().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use tch::{Kind, TchError, Tensor};

    use super::*;
    use crate::device::allocator;
    use crate::device::host_memory;
    use crate::libtorch::error_texts::{Meaning, meaning};

    /// The call that failed on its way through every network: a comparison with a number. In a process of its own, as the
    /// limit is everybody's.
    #[test]
    fn memory_that_runs_out_in_a_call_with_a_number_is_told_as_such() {
        const ALONE: &str = "ATTRISWEEP_TEST_ALONE";
        if std::env::var_os(ALONE).is_none() {
            let name = "libtorch::panics::tests::memory_that_runs_out_in_a_call_with_a_number_is_told_as_such";
            let mut alone = Command::new(std::env::current_exe().unwrap());
            let done = alone.args(["--exact", name]).env(ALONE, "1").output().unwrap();
            let told = String::from_utf8_lossy(&done.stdout);
            assert!(done.status.success() && told.contains("1 passed"), "{told}");
            return;
        }
        allocator::count();
        let tensor = Tensor::zeros([1 << 20], (Kind::Float, tch::Device::Cpu));
        host_memory::limit(host_memory::used() + (64 << 10));
        let outcome = caught(|| tensor.f_gt(0.0));
        host_memory::limit(u64::MAX);
        let text = outcome.expect_err("a million answers do not fit into 64 KiB, and tch panics");
        let error = TchError::Torch(text);
        assert_eq!(meaning(&error), Some(Meaning::OutOfMemory), "{error}");
        assert_eq!(caught(|| 7), Ok(7));
    }
}
