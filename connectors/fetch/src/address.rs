//! Which addresses may be asked: public ones, and those the place names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use causeway_core::fetch::{Base, FetchPlace};
use causeway_core::port::FetchError;

/// The addresses of a host, resolved once, as far as they may be asked.
pub(crate) async fn resolve(place: &FetchPlace, base: &Base) -> Result<Vec<SocketAddr>, FetchError> {
    let host = base.host.trim_start_matches('[').trim_end_matches(']');
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, base.port))
        .await
        .map_err(|_error| FetchError::Unreachable("the name of the host is not known".to_owned()))?
        .collect();
    if found.is_empty() {
        return Err(FetchError::Unreachable("the name of the host has no address".to_owned()));
    }
    let allowed: Vec<SocketAddr> = found.into_iter().filter(|address| may_be_asked(place, address.ip())).collect();
    if allowed.is_empty() {
        let text = "the host is at a private or special address that `addresses` of the place does not name";
        return Err(FetchError::Forbidden(text.to_owned()));
    }
    Ok(allowed)
}

fn may_be_asked(place: &FetchPlace, address: IpAddr) -> bool {
    let address = address.to_canonical();
    place.addresses.iter().any(|named| named.to_canonical() == address)
        || match address {
            IpAddr::V4(v4) => is_public_v4(v4),
            IpAddr::V6(v6) => is_public_v6(v6),
        }
}

/// Outside the ranges of RFC 6890 that are not globally reachable.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special
}

/// Global unicast (2000::/3) without what documents, tunnels or embeds an IPv4 address.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let global = first & 0xe000 == 0x2000;
    let special = (first == 0x2001 && (second < 0x0200 || second == 0x0db8)) || first == 0x2002 || first == 0x3fff;
    global && !special
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use causeway_core::fetch::Source;

    use super::*;

    #[test]
    fn private_and_special_addresses_are_asked_only_when_they_are_named() {
        let mut place = FetchPlace {
            pointers: "http://a.test/".to_owned(),
            source: Source::Folder("/".into()),
            addresses: Vec::new(),
            ca: None,
            bytes_max: 1,
            timeout: Duration::from_secs(1),
            tries: 1,
            pause: Duration::from_secs(1),
        };
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "fc00::1",
            "fe80::1",
            "ff02::1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001:db8::1",
            "2001::1",
        ] {
            let address: IpAddr = address.parse().expect("an address");
            assert!(!may_be_asked(&place, address), "{address}");
            place.addresses = vec![address];
            assert!(may_be_asked(&place, address), "{address}, named");
            place.addresses.clear();
        }
        for address in ["8.8.8.8", "172.32.0.1", "192.1.0.1", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(may_be_asked(&place, address.parse().expect("an address")), "{address}");
        }
    }
}
