//! Where a request came from, for limits by address.

use ipnet::{IpNet, Ipv6Net};
use std::net::{IpAddr, SocketAddr};

/// The client behind a chain of proxies: the rightmost address that no trusted proxy has.
///
/// `forwarded` are the values of `X-Forwarded-For` in the order received. They are believed only as far as trusted hosts
/// wrote them; what cannot be read ends the walk at the last host that could.
pub fn client<'a>(peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a str>, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let mut client = peer.to_canonical();
    let hops = forwarded.rev().flat_map(|value| value.rsplit(',')).map(str::trim);
    for hop in hops {
        if !is_trusted(&client) {
            break;
        }
        match read(hop) {
            Some(address) => client = address,
            None => break,
        }
    }
    client
}

fn read(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

/// What limits count by: the address, or for IPv6 the /64 that one subscriber usually has.
pub fn limited(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Net::new(address, 64).map_or(address, |net| net.network()).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client_of(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        client(peer.parse().unwrap(), forwarded.iter().copied(), &trusted).to_string()
    }

    #[test]
    fn a_header_from_an_untrusted_peer_is_not_believed() {
        assert_eq!(client_of("192.0.2.1", &["203.0.113.9"], &[]), "192.0.2.1");
        assert_eq!(client_of("192.0.2.1", &["203.0.113.9"], &["10.0.0.0/8"]), "192.0.2.1");
    }

    #[test]
    fn the_rightmost_address_that_no_trusted_proxy_has_is_the_client() {
        let trusted = &["10.0.0.0/8"];
        assert_eq!(client_of("10.0.0.1", &["6.6.6.6, 203.0.113.9, 10.0.0.2"], trusted), "203.0.113.9");
        assert_eq!(client_of("10.0.0.1", &["6.6.6.6", "203.0.113.9"], trusted), "203.0.113.9");
        assert_eq!(client_of("10.0.0.1", &[], trusted), "10.0.0.1");
        assert_eq!(client_of("10.0.0.1", &["10.0.0.3"], trusted), "10.0.0.3");
        assert_eq!(client_of("10.0.0.1", &["6.6.6.6, nonsense"], trusted), "10.0.0.1");
        assert_eq!(client_of("::ffff:10.0.0.1", &["[2001:db8::1]:443"], trusted), "2001:db8::1");
        assert_eq!(client_of("10.0.0.1", &["203.0.113.9:1234"], trusted), "203.0.113.9");
    }

    #[test]
    fn ipv6_counts_by_its_64() {
        let of = |address: &str| limited(address.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(of("192.0.2.1"), "192.0.2.1");
    }
}
