//! Addresses at which a scheduler listens, and at which its workers call.

use std::io::{Error, ErrorKind};
use std::net::IpAddr;

use machine::{boot, network};
use tokio::net::TcpListener;

use crate::launchers::Place;

/// Listens for workers of `place`. `wanted` is the address of the command line, and `before` the address at which workers of an
/// earlier scheduler call, which is taken again if it is free. Returns the address at which workers call, too.
pub(crate) async fn listen(wanted: &str, place: &Place, before: &str) -> std::io::Result<(TcpListener, String)> {
    let (bind, shown) = match place {
        Place::Elsewhere { network } if is_of_this_machine_alone(wanted) => reachable(network.as_deref())?,
        Place::Elsewhere { .. } | Place::Here => (wanted.to_owned(), None),
    };
    let listener = bound(&bind, before).await?;
    let address = listener.local_addr()?;
    let shown = match shown {
        Some(host) => format!("{host}:{}", address.port()),
        None => address.to_string(),
    };
    Ok((listener, shown))
}

fn is_of_this_machine_alone(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Where to listen so that other machines can call, and the host that they call: an interface, an address or a name, each with a
/// port if it has to be a certain one.
fn reachable(network: Option<&str>) -> std::io::Result<(String, Option<String>)> {
    let Some(network) = network else {
        let host = network::of_default_route().map_or_else(boot::host_name, spelled);
        return Ok(("0.0.0.0:0".to_owned(), Some(host)));
    };
    let (host, port) = match network.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() && !host.contains(':') => (host, port),
        _ => (network, "0"),
    };
    if host.is_empty() {
        return Err(Error::new(ErrorKind::InvalidInput, format!("`{network}` names no host")));
    }
    let shown = network::of_interface(host).map_or_else(|| host.to_owned(), spelled);
    let any = if shown.starts_with('[') { "[::]" } else { "0.0.0.0" };
    Ok((format!("{any}:{port}"), Some(shown)))
}

fn spelled(address: IpAddr) -> String {
    if address.is_ipv6() { format!("[{address}]") } else { address.to_string() }
}

/// Listens at the address `wanted`. If `wanted` leaves the port open, listens at the port of the address `before`, if that is free.
async fn bound(wanted: &str, before: &str) -> std::io::Result<TcpListener> {
    let split = |address: &str| address.rsplit_once(':').map(|(host, port)| (host.to_owned(), port.to_owned()));
    if let (Some((host, open)), Some((_, port))) = (split(wanted), split(before))
        && open == "0"
        && let Ok(listener) = TcpListener::bind(format!("{host}:{port}")).await
    {
        return Ok(listener);
    }
    TcpListener::bind(wanted).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn workers_elsewhere_are_given_an_address_that_is_not_this_machines_alone() {
        let elsewhere = |network: Option<&str>| Place::Elsewhere { network: network.map(str::to_owned) };
        let (_here, shown) = listen("127.0.0.1:0", &Place::Here, "").await.unwrap();
        assert!(shown.starts_with("127.0.0.1:"));
        let (_all, shown) = listen("127.0.0.1:0", &elsewhere(None), "").await.unwrap();
        assert!(!shown.starts_with("127.") && !shown.starts_with("0.0.0.0"), "{shown}");
        let (_interface, shown) = listen("127.0.0.1:0", &elsewhere(Some("lo")), "").await.unwrap();
        assert!(shown.starts_with("127.0.0.1:"), "the address of the interface: {shown}");
        let (_named, shown) = listen("127.0.0.1:0", &elsewhere(Some("login1")), "").await.unwrap();
        assert!(shown.starts_with("login1:") && !shown.ends_with(":0"), "{shown}");
        assert!(listen("127.0.0.1:0", &elsewhere(Some(":80")), "").await.is_err());
    }

    #[tokio::test]
    async fn the_port_of_the_scheduler_before_is_taken_again_if_it_is_free() {
        let (first, shown) = listen("127.0.0.1:0", &Place::Here, "").await.unwrap();
        let (_other, moved) = listen("127.0.0.1:0", &Place::Here, &shown).await.unwrap();
        assert_ne!(moved, shown);
        drop(first);
        let (_again, same) = listen("127.0.0.1:0", &Place::Here, &shown).await.unwrap();
        assert_eq!(same, shown);
    }
}
