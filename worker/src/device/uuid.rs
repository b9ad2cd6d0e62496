//! UUID of a GPU, by which a person finds it among all of its machine, and by which the driver's own tools name it.
//!
//! The driver is asked, and not libtorch: the same function names a part of a GPU (MIG) by its own UUID.

use std::ffi::{CStr, c_int, c_void};

/// Functions of `libcuda.so.1`.
type Init = unsafe extern "C" fn(flags: u32) -> c_int;
type Get = unsafe extern "C" fn(device: *mut c_int, ordinal: c_int) -> c_int;
type GetUuid = unsafe extern "C" fn(uuid: *mut [u8; 16], device: c_int) -> c_int;

/// UUID of the first GPU that CUDA shows, spelled as `nvidia-smi -L` spells it; `None` where there is no driver.
pub(crate) fn first() -> Option<String> {
    let (init, get) = (symbol(c"cuInit")?, symbol(c"cuDeviceGet")?);
    let of = symbol(c"cuDeviceGetUuid_v2").or_else(|| symbol(c"cuDeviceGetUuid"))?;
    asked(init, get, of).map(spelled)
}

#[expect(unsafe_code, reason = "functions of the driver")]
fn asked(init: *mut c_void, get: *mut c_void, of: *mut c_void) -> Option<[u8; 16]> {
    let (mut device, mut uuid) = (0, [0; 16]);
    // SAFETY: the types are those of cuda.h, in which the functions have these names; what they write to is of this frame. Whoever has
    // begun with CUDA may begin again.
    let answers = unsafe {
        let init = std::mem::transmute::<*mut c_void, Init>(init);
        let get = std::mem::transmute::<*mut c_void, Get>(get);
        let of = std::mem::transmute::<*mut c_void, GetUuid>(of);
        [init(0), get(&raw mut device, 0), of(&raw mut uuid, device)]
    };
    (answers == [0; 3]).then_some(uuid)
}

/// Address of a function of the driver.
#[expect(unsafe_code, reason = "loading a shared library runs its initialisers; the driver's may run any time")]
fn symbol(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: nul-terminated names; the handle is never closed.
    let address = unsafe {
        let driver = libc::dlopen(c"libcuda.so.1".as_ptr(), libc::RTLD_NOW);
        if driver.is_null() { driver } else { libc::dlsym(driver, name.as_ptr()) }
    };
    (!address.is_null()).then_some(address)
}

fn spelled(uuid: [u8; 16]) -> String {
    let digits = format!("{:032x}", u128::from_be_bytes(uuid));
    let [first, second, third, fourth, last] = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| &digits[range]);
    format!("GPU-{first}-{second}-{third}-{fourth}-{last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_spelled_as_the_drivers_own_tools_spell_it() {
        let bytes = std::array::from_fn(|index| index as u8 * 17);
        assert_eq!(spelled(bytes), "GPU-00112233-4455-6677-8899-aabbccddeeff");
    }

    #[test]
    fn a_uuid_is_told_only_where_there_is_a_driver() {
        if !std::path::Path::new("/proc/driver/nvidia").exists() {
            assert_eq!(first(), None);
            return;
        }
        // The driver's own list, where this process sees one GPU or more.
        let listed = std::process::Command::new("nvidia-smi").arg("-L").output();
        let listed = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        assert!(first().is_none_or(|uuid| listed.contains(&uuid[4..])), "{listed}");
    }
}
