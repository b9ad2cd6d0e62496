//! Kernels as the compiler of CUDA makes them, which needs no GPU.

use crate::devices::gpu::launch::LaunchError;
use crate::devices::gpu::launch::driver::Driver;
use crate::devices::gpu::launch::nvrtc::Nvrtc;

/// Kinds of GPUs from 2018 to 2025 (Turing to Blackwell).
const TARGETS: [&str; 7] = ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"];
/// Kernels of the text.
const KERNELS: usize = 11;

#[test]
fn kernels_compile_for_every_gpu_and_keep_all_values_in_registers() {
    // Has libtorch open, beside which the compiler is looked for.
    let _open = tch::utils::has_mkldnn();
    let nvrtc = match Nvrtc::open() {
        Ok(nvrtc) => nvrtc,
        Err(error) => return eprintln!("not tested, as this libtorch comes without NVRTC: {error}"),
    };
    for target in TARGETS {
        let compiled = nvrtc.compile(target).unwrap();
        assert_eq!(&compiled.image[..4], b"\x7fELF", "{target}");
        let frames: Vec<&str> = compiled.log.lines().filter(|line| line.contains("bytes stack frame")).collect();
        assert_eq!(frames.len(), KERNELS, "{target}: {}", compiled.log);
        let none = "0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads";
        assert!(frames.iter().all(|frame| frame.contains(none)), "{target}: {frames:#?}");
    }
    assert!(matches!(nvrtc.compile("sm_1"), Err(LaunchError::Compile { target, .. }) if target == "sm_1"));
}

#[test]
fn without_a_driver_the_reason_is_told() {
    if std::path::Path::new("/dev/nvidia0").exists() {
        return;
    }
    let error = Driver::open(0).unwrap_err();
    assert!(error.to_string().contains("libcuda.so.1"), "{error}");
}
