//! Shared libraries that are opened when they are needed: most machines have none of them.

#![expect(unsafe_code, reason = "opening a library runs its initialisers")]

use std::ffi::{CStr, CString, c_void};
use std::path::PathBuf;

use super::LaunchError;

/// An open library, which is never closed.
#[derive(Clone, Copy, Debug)]
pub(in crate::devices::gpu) struct Library(*mut c_void);

impl Library {
    /// Opens the library `name`, a file or what the system's linker finds. What is `shared` serves libraries that are opened later.
    pub(in crate::devices::gpu) fn open(name: &str, shared: bool) -> Result<Self, LaunchError> {
        let failed = |reason: String| LaunchError::Library { library: name.to_owned(), reason };
        let file = CString::new(name).map_err(|error| failed(error.to_string()))?;
        let how = libc::RTLD_NOW | if shared { libc::RTLD_GLOBAL } else { libc::RTLD_LOCAL };
        // SAFETY: a nul-terminated name. The libraries are those of NVIDIA, which may be opened any time.
        let handle = unsafe { libc::dlopen(file.as_ptr(), how) };
        if handle.is_null() {
            return Err(failed(told()));
        }
        Ok(Self(handle))
    }

    /// The function `name`.
    ///
    /// # Safety
    /// `F` is the type of a pointer to that function.
    pub(in crate::devices::gpu) unsafe fn get<F: Copy>(self, name: &CStr) -> Result<F, LaunchError> {
        const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
        // SAFETY: the library is open, and the name nul-terminated.
        let found = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        if found.is_null() {
            return Err(LaunchError::Library { library: name.to_string_lossy().into_owned(), reason: told() });
        }
        // SAFETY: of the same size, and the caller knows the type.
        Ok(unsafe { std::mem::transmute_copy(&found) })
    }
}

/// What the linker says of its last failure.
fn told() -> String {
    // SAFETY: a string of this thread, until its next call.
    let words = unsafe { libc::dlerror() };
    if words.is_null() {
        return "no reason given".to_owned();
    }
    // SAFETY: not null, and nul-terminated.
    unsafe { CStr::from_ptr(words) }.to_string_lossy().into_owned()
}

/// The first file whose name begins with `prefix`, beside a library that this process has open, or where the wheels of torch have those
/// of CUDA beside `torch/lib`.
pub(super) fn beside_open_ones(prefix: &'static str) -> Result<PathBuf, LaunchError> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let open = maps.lines().filter_map(|line| line.split_once('/').map(|(_, path)| format!("/{path}")));
    let mut folders: Vec<PathBuf> = open
        .filter(|path| ["libtorch", "libcudart", "libcublas"].iter().any(|name| path.contains(name)))
        .filter_map(|path| PathBuf::from(path).parent().map(PathBuf::from))
        .collect();
    folders.sort();
    folders.dedup();
    let wheels: Vec<PathBuf> = folders.iter().flat_map(|folder| of_wheels(&folder.join("../../nvidia"))).collect();
    let all = folders.iter().chain(&wheels).flat_map(|folder| files(folder));
    let fits = |file: &PathBuf| {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with(prefix) && !name.contains(".alt.")
    };
    all.into_iter().find(fits).ok_or(LaunchError::NotFound { prefix })
}

/// Folders of libraries of the wheels in `site`.
fn of_wheels(site: &std::path::Path) -> Vec<PathBuf> {
    files(site).into_iter().map(|wheel| wheel.join("lib")).collect()
}

/// What is in `folder`, in order; nothing if it cannot be read.
fn files(folder: &std::path::Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.sort();
    files
}
