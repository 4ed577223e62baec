//! Addresses and networks, as `10.1.2.3`, `10.0.0.0/8` or `2001:db8::/32`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// An address, or a network in CIDR notation (RFC 4632).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8, // INVARIANT: at most 32 for IPv4, 128 for IPv6, and no bit of `address` is set beyond it.
}

/// A text that is no address and no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// It cannot be read.
    #[error("`{0}` is no address or network: write 10.1.2.3, 10.0.0.0/8 or 2001:db8::/32")]
    Syntax(String),
    /// Bits are set beyond the prefix, so it is unclear which network is meant.
    #[error("`{0}` has bits set beyond its prefix: did you mean {1}?")]
    HostBits(String, Network),
}

impl Network {
    /// This machine, by IPv4 and IPv6.
    pub const LOOPBACK: [Self; 2] = [
        Self { address: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), prefix: 8 },
        Self { address: IpAddr::V6(Ipv6Addr::LOCALHOST), prefix: 128 },
    ];

    /// The address lies in it. An IPv4 address mapped into IPv6 counts as the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(address)) => net.to_bits() == address.to_bits() & mask_v4(self.prefix),
            (IpAddr::V6(net), IpAddr::V6(address)) => net.to_bits() == address.to_bits() & mask_v6(self.prefix),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    /// Every address of `other` lies in it.
    pub fn covers(&self, other: &Self) -> bool {
        self.prefix <= other.prefix && self.contains(other.address)
    }

    /// Every address in it is this machine.
    pub fn is_loopback(&self) -> bool {
        Self::LOOPBACK.iter().any(|loopback| loopback.covers(self))
    }

    /// The network with the bits beyond the prefix cleared.
    fn masked(address: IpAddr, prefix: u8) -> Self {
        let address = match address {
            IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask_v4(prefix))),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask_v6(prefix))),
        };
        Self { address, prefix }
    }
}

fn mask_v4(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0)
}

fn mask_v6(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0)
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let syntax = || NetworkError::Syntax(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address = address.parse::<IpAddr>().map_err(|_not_an_address| syntax())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse::<u8>().map_err(|_not_a_number| syntax())?,
            None => longest,
        };
        if prefix > longest {
            return Err(syntax());
        }
        let network = Self::masked(address, prefix);
        if network.address == address { Ok(network) } else { Err(NetworkError::HostBits(text.to_owned(), network)) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Serialize for Network {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Network {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Network".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "An address or a network in CIDR notation: 10.1.2.3, 10.0.0.0/8, 2001:db8::/32",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().expect(text)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn an_address_lies_in_its_network_and_in_no_other() {
        for (net, inside, outside) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
            ("10.1.2.128/25", "10.1.2.200", "10.1.2.127"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
            ("::/0", "::1", "127.0.0.1"),
        ] {
            assert!(network(net).contains(address(inside)), "{net} {inside}");
            assert!(!network(net).contains(address(outside)), "{net} {outside}");
        }
    }

    #[test]
    fn an_ipv4_address_mapped_into_ipv6_is_the_ipv4_address() {
        assert!(network("127.0.0.0/8").contains(address("::ffff:127.0.0.1")));
        assert!(!network("::/0").contains(address("::ffff:127.0.0.1")));
    }

    #[test]
    fn what_is_unclear_is_refused() {
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "::/129", "hospital.test", "10.0.0.0/-1"] {
            assert_eq!(bad.parse::<Network>(), Err(NetworkError::Syntax(bad.to_owned())));
        }
        let meant = network("10.1.0.0/16");
        assert_eq!("10.1.2.3/16".parse::<Network>(), Err(NetworkError::HostBits("10.1.2.3/16".to_owned(), meant)));
    }

    #[test]
    fn only_this_machine_is_loopback() {
        assert!(network("127.0.0.1").is_loopback());
        assert!(network("::1").is_loopback());
        assert!(!network("0.0.0.0/0").is_loopback());
        assert!(!network("126.0.0.0/7").is_loopback());
    }
}
