//! Compiles the C++ half of `allocator`, and lets the worker and its tests find libtorch when they run.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=src/allocator.cpp");
    let Ok(lib) = std::env::var("DEP_TCH_LIBTORCH_LIB") else { return };
    println!("cargo:rustc-link-arg=-Wl,-rpath,{lib}");
    let include = Path::new(&lib).with_file_name("include");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        // libtorch's own headers warn.
        .flag(format!("-isystem{}", include.display()))
        .file("src/allocator.cpp")
        .compile("allocator");
}
