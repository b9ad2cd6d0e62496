//! Meaning of libtorch's errors, found by their words: tch keeps nothing but the words.
//!
//! Only the first line counts: a C++ backtrace follows it, in which any word may stand.

use tch::TchError;

/// Consequence of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Out of memory: a smaller batch may fit.
    OutOfMemory,
    /// Lost device: this process cannot use its device any more, and another process may.
    Sticky,
}

use Meaning::{OutOfMemory, Sticky};

/// The first row whose words stand in the message, in any case, says what it means. The words are those of libtorch,
/// CUDA, cuBLAS, cuDNN, the C++ library and oneDNN.
const TEXTS: &[(&str, Meaning)] = &[
    ("out of memory", OutOfMemory),
    ("can't allocate memory", OutOfMemory),
    ("_status_alloc_failed", OutOfMemory),
    // cuDNN 9, of the device and of the host.
    ("_allocation_failed", OutOfMemory),
    // A handle has a workspace of its own. Where the context is lost instead, the next attempt meets that.
    ("cublas_status_not_initialized when calling `cublascreate", OutOfMemory),
    ("would exceed allowed memory", OutOfMemory),
    ("std::bad_alloc", OutOfMemory),
    ("more than 1eb memory", OutOfMemory),
    // Grids end at 65535 blocks.
    ("invalid configuration argument", OutOfMemory),
    ("could not create a memory", OutOfMemory),
    ("could not execute a primitive", OutOfMemory),
    // What cuDNN says when the workspace of none of its algorithms fits.
    ("cudnn_status_not_supported", OutOfMemory),
    ("unable to find an engine to execute this computation", OutOfMemory),
    // Whatever else CUDA says: illegal addresses, assertions, lost devices. Errors come late, at some other call, and
    // of many of them CUDA's own documentation says that the process must be relaunched.
    ("cuda error:", Sticky),
    ("cublas_status_", Sticky),
    ("cudnn_status_", Sticky),
    ("cufft_", Sticky),
    ("no cuda gpus are available", Sticky),
    ("no cuda-capable device", Sticky),
    ("found no nvidia driver", Sticky),
];

/// Meaning of `error`; `None` for an error that another attempt may not meet.
pub(crate) fn meaning(error: &TchError) -> Option<Meaning> {
    let text = first_line(error).to_lowercase();
    TEXTS.iter().find(|(words, _)| text.contains(words)).map(|(_, meaning)| *meaning)
}

/// Message without its backtrace.
pub(crate) fn first_line(error: &TchError) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn torch(text: &str) -> TchError {
        TchError::Torch(text.to_owned())
    }

    /// Messages of libtorch and CUDA as users report them; the meanings are those of the documentation of CUDA and PyTorch.
    const MET: &[(&str, Option<Meaning>)] = &[
        ("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.1 GiB", Some(OutOfMemory)),
        ("CUDA error: out of memory", Some(OutOfMemory)),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", Some(OutOfMemory)),
        ("cuDNN error: CUDNN_STATUS_ALLOC_FAILED", Some(OutOfMemory)),
        ("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED", Some(OutOfMemory)),
        ("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED", Some(OutOfMemory)),
        ("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`", Some(OutOfMemory)),
        ("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasSgemm", Some(Sticky)),
        ("Allocation of 3 GiB would exceed allowed memory", Some(OutOfMemory)),
        ("Tried to allocate more than 1EB memory", Some(OutOfMemory)),
        ("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory", Some(OutOfMemory)),
        ("std::bad_alloc", Some(OutOfMemory)),
        ("could not create a memory object", Some(OutOfMemory)),
        ("could not execute a primitive", Some(OutOfMemory)),
        ("CUDA error: invalid configuration argument", Some(OutOfMemory)),
        ("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED. This error may appear if", Some(OutOfMemory)),
        ("Unable to find an engine to execute this computation", Some(OutOfMemory)),
        ("CUDA error: an illegal memory access was encountered", Some(Sticky)),
        ("CUDA error: device-side assert triggered", Some(Sticky)),
        ("CUDA error: unspecified launch failure", Some(Sticky)),
        ("CUDA error: misaligned address", Some(Sticky)),
        ("CUDA error: an illegal instruction was encountered", Some(Sticky)),
        ("CUDA error: hardware stack error", Some(Sticky)),
        ("CUDA error: invalid program counter", Some(Sticky)),
        ("CUDA error: uncorrectable ECC error encountered", Some(Sticky)),
        ("CUDA error: unknown error", Some(Sticky)),
        ("CUDA error: the GPU has fallen off the bus, device is lost", Some(Sticky)),
        ("CUDA error: all CUDA-capable devices are busy or unavailable", Some(Sticky)),
        ("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm`", Some(Sticky)),
        ("CUBLAS_STATUS_INTERNAL_ERROR", Some(Sticky)),
        ("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED", Some(Sticky)),
        ("cuFFT error: CUFFT_INTERNAL_ERROR", Some(Sticky)),
        ("No CUDA GPUs are available", Some(Sticky)),
        ("no CUDA-capable device is detected", Some(Sticky)),
        ("Found no NVIDIA driver on your system", Some(Sticky)),
        ("The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1", None),
        ("expected scalar type Float but found Double", None),
        ("Expected all tensors to be on the same device", None),
    ];

    #[test]
    fn every_text_that_was_met_has_its_meaning() {
        for (text, expected) in MET {
            assert_eq!(meaning(&torch(text)), *expected, "{text}");
        }
    }

    #[test]
    fn every_row_is_met_by_a_text_that_no_row_before_it_takes() {
        for (index, (words, _)) in TEXTS.iter().enumerate() {
            let own = |text: &&str| {
                let text = text.to_lowercase();
                TEXTS.iter().position(|(words, _)| text.contains(words)) == Some(index)
            };
            assert!(MET.iter().any(|(text, _)| own(text)), "no text for `{words}`");
            assert_eq!(*words, words.to_lowercase(), "messages are compared in lower case");
        }
    }

    #[test]
    fn words_of_a_backtrace_mean_nothing() {
        assert_eq!(meaning(&torch("sizes differ\nframe #0: CUDA error: handler, out of memory")), None);
    }
}
