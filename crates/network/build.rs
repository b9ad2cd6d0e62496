//! Compiles the C++ halves of `devices` and `tensors`, and the kernels for GPUs as functions of the processor, and lets tests of this crate find libtorch when they run.

use std::path::Path;

const FILES: [&str; 5] = [
    "src/devices/cpu/onednn.cpp",
    "src/devices/gpu/launch/libtorch.cpp",
    "src/tensors/operators.cpp",
    "src/tensors/settings.cpp",
    "src/tensors/threads.cpp",
];

/// Kernels for GPUs, which tests run on the processor; the first one has the others.
const EMULATED: [&str; 4] = ["emulate.cpp", "emulate.h", "kernels.cu", "crop.cu"];

fn main() {
    let emulated = EMULATED.map(|file| format!("src/devices/gpu/kernels/{file}"));
    for file in FILES.iter().copied().chain(emulated.iter().map(String::as_str)) {
        println!("cargo:rerun-if-changed={file}");
    }
    // As exact as they are there: no product is fused with a sum. In tests they are the slow part.
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .opt_level(2)
        .flag("-ffp-contract=off")
        .file(&emulated[0])
        .compile("emulated");
    let Ok(lib) = std::env::var("DEP_TCH_LIBTORCH_LIB") else { return };
    println!("cargo:rustc-link-arg=-Wl,-rpath,{lib}");
    let include = Path::new(&lib).with_file_name("include");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        // at::parallel_for is inlined, and runs on OpenMP's threads as the rest of libtorch does.
        .flag("-fopenmp")
        // libtorch's own headers warn.
        .flag(format!("-isystem{}", include.display()))
        .files(FILES)
        // Nobody calls what runs before `main`.
        .link_lib_modifier("+whole-archive")
        .compile("blocked");
}
