//! Addresses by which other machines reach this one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

/// An address of a network for documentation, which no machine has: RFC 5737.
const NOBODY: &str = "198.51.100.1:9";

/// Address of this machine on the way to others, by the default route; `None` where there is no such route. Nothing is sent.
pub fn of_default_route() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(NOBODY).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_unspecified()).then_some(address)
}

/// Address of the network interface called `name`, the fourth version of the protocol first; `None` where there is no such interface
/// or where it has no address.
#[expect(unsafe_code, reason = "std does not list interfaces")]
pub fn of_interface(name: &str) -> Option<IpAddr> {
    let mut first = std::ptr::null_mut();
    // SAFETY: getifaddrs writes a list to `first`, which freeifaddrs below takes back.
    if unsafe { libc::getifaddrs(&raw mut first) } != 0 {
        return None;
    }
    let (mut next, mut found) = (first, Vec::new());
    while !next.is_null() {
        // SAFETY: the list and what it points to live until freeifaddrs; an address may be null, and is not read then.
        let (interface, address) = unsafe {
            let entry = &*next;
            next = entry.ifa_next;
            (std::ffi::CStr::from_ptr(entry.ifa_name), entry.ifa_addr.as_ref().and_then(|address| read(address)))
        };
        if interface.to_bytes() == name.as_bytes() {
            found.extend(address);
        }
    }
    // SAFETY: the list is the one of getifaddrs, and nothing of it is kept.
    unsafe { libc::freeifaddrs(first) };
    found.sort_by_key(IpAddr::is_ipv6);
    found.first().copied()
}

/// # Safety
/// `address` is followed by the rest of an address of its family.
#[expect(unsafe_code, reason = "an address of C is read by its family")]
#[expect(clippy::cast_ptr_alignment, reason = "the system aligns its addresses for every family")]
unsafe fn read(address: &libc::sockaddr) -> Option<IpAddr> {
    let address = std::ptr::from_ref(address);
    // SAFETY: the family says what follows, as the caller promises.
    unsafe {
        match i32::from((*address).sa_family) {
            libc::AF_INET => {
                let address = &*address.cast::<libc::sockaddr_in>();
                Some(Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr)).into())
            }
            libc::AF_INET6 => {
                let address = &*address.cast::<libc::sockaddr_in6>();
                Some(Ipv6Addr::from(address.sin6_addr.s6_addr).into())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_has_its_address_and_an_interface_that_is_not_there_has_none() {
        assert_eq!(of_interface("lo"), Some(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(of_interface("no such"), None);
    }

    #[test]
    fn the_address_of_the_default_route_is_none_of_this_machine_alone() {
        if let Some(address) = of_default_route() {
            assert!(!address.is_loopback() && !address.is_unspecified(), "{address}");
        }
    }
}
