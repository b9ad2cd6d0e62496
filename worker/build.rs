//! Compiles the C++ halves of `allocator`, `event` and `numerics`, and lets the worker and its tests find libtorch when they run.

use std::path::Path;

const FILES: [&str; 3] = ["src/device/allocator.cpp", "src/libtorch/event.cpp", "src/libtorch/numerics.cpp"];

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
        // libtorch's own headers warn.
        .flag(format!("-isystem{}", include.display()))
        .files(FILES)
        .compile("shims");
}
