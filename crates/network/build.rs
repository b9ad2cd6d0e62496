//! Compiles the C++ halves of `devices/cpu` and `tensors`, and lets tests of this crate find libtorch when they run.

use std::path::Path;

const FILES: [&str; 3] = ["src/devices/cpu/onednn.cpp", "src/tensors/settings.cpp", "src/tensors/threads.cpp"];

fn main() {
    for file in FILES {
        println!("cargo:rerun-if-changed={file}");
    }
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
