//! The settings of STOW-RS: the feeds of a DICOM door by HTTP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigFault, DicomDoorConfig};

/// STOW-RS beside C-STORE: the same feeds by HTTP, and by TLS when the door has it. A feed is known by its token, its
/// certificate, or both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StowSettings {
    /// Where to listen. Default: loopback only, port 8578.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// What the addresses of studies begin with where readers find them, as `https://images.example/dicomweb`; it stands in
    /// answers as Retrieve URL. Default: none, and Retrieve URLs are empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retrieve_url: Option<String>,
    /// Requests under way; one more is answered 503. Default: 16.
    pub requests_max: usize,
    /// Parts of one request. Default: 10000.
    pub parts_max: u32,
    /// Bytes of the header of one part. Default: 8KiB.
    #[serde(with = "causeway_core::human::bytes")]
    #[schemars(with = "String")]
    pub part_header_bytes_max: u64,
    /// Bytes of one request. Memory does not depend on it. Default: 64GiB.
    #[serde(with = "causeway_core::human::bytes")]
    #[schemars(with = "String")]
    pub request_bytes_max: u64,
    /// From the end of a request's headers to the end of its body. Default: 1h.
    #[serde(with = "causeway_core::human::duration")]
    #[schemars(with = "String")]
    pub request_timeout: Duration,
}

impl Default for StowSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8578),
            retrieve_url: None,
            requests_max: 16,
            parts_max: 10_000,
            part_header_bytes_max: 8 << 10,
            request_bytes_max: 64 << 30,
            request_timeout: Duration::from_secs(3600),
        }
    }
}

/// What is wrong with the STOW-RS of a door, and with the tokens of its feeds.
pub(super) fn faults(config: &DicomDoorConfig) -> Vec<ConfigFault> {
    let mut faults: Vec<ConfigFault> = config.stow.iter().flat_map(of_settings).collect();
    let mut tokens = std::collections::BTreeSet::new();
    for feed in &config.feeds {
        let Some(token) = &feed.stow_token_sha256 else { continue };
        if token.len() != 64 || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            faults.push(ConfigFault::Digest(feed.name.clone()));
        } else if !tokens.insert(token.to_ascii_lowercase()) {
            faults.push(ConfigFault::TokenTwice(feed.name.clone()));
        }
        if config.stow.is_none() {
            faults.push(ConfigFault::NoStow(feed.name.clone()));
        }
    }
    let known = |feed: &super::DicomFeedConfig| feed.stow_token_sha256.is_some() || !feed.certificates.is_empty();
    if let Some(stow) = config.stow.as_ref().filter(|_| !config.feeds.iter().any(known)) {
        faults.push(ConfigFault::StowNameless(stow.listen));
    }
    faults
}

fn of_settings(stow: &StowSettings) -> Vec<ConfigFault> {
    let zero = [
        ("requests_max", stow.requests_max == 0),
        ("parts_max", stow.parts_max == 0),
        ("part_header_bytes_max", stow.part_header_bytes_max == 0),
        ("request_bytes_max", stow.request_bytes_max == 0),
        ("request_timeout", stow.request_timeout.is_zero()),
    ];
    let mut faults: Vec<ConfigFault> =
        zero.into_iter().filter(|(_, is_zero)| *is_zero).map(|(name, _)| ConfigFault::Zero(name)).collect();
    let is_url = |url: &str| {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        rest.is_some_and(|rest| {
            !rest.is_empty()
                && !rest.ends_with('/')
                && rest.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\')
        })
    };
    if stow.retrieve_url.as_deref().is_some_and(|url| !is_url(url)) {
        faults.push(ConfigFault::RetrieveUrl);
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_by_http_alone_needs_no_title_and_a_token_needs_its_door() {
        let read = |text: &str| toml::from_str::<DicomDoorConfig>(text).expect("TOML");
        let told = |text: &str| read(text).faults().iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let digest = "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb";
        let feed = format!("[[feed]]\nname = \"pacs\"\nprovider = \"HA\"\nstow_token_sha256 = \"{digest}\"\n");
        let good = format!("[stow]\nretrieve_url = \"https://images.example/dicomweb\"\n{feed}");
        assert_eq!(told(&good), "");
        assert!(told(&feed).contains("[dicom_door.stow]"), "{}", told(&feed));
        assert!(told(&good.replace(digest, "open sesame")).contains("64 hexadecimal"));
        assert!(told(&format!("{good}{}", feed.replace("pacs", "other"))).contains("token of another"));
        assert!(told(&good.replace("dicomweb\"", "dicomweb/\"")).contains("retrieve_url"));
        assert!(told(&good.replace("[stow]\n", "[stow]\nlisten = \"0.0.0.0:8578\"\n")).contains("plain text"));
        let titled = good.replace(&format!("stow_token_sha256 = \"{digest}\""), "ae_titles = [\"CT1\"]");
        assert!(told(&titled).contains("nobody"), "{}", told(&titled));
        let neither = titled.replace("ae_titles = [\"CT1\"]", "");
        assert!(told(&neither).contains("`ae_titles` is empty"), "{}", told(&neither));
    }
}
