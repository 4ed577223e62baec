//! Whether a request is meant for us: the names it may use for this server (RFC 9110 section 7.2).

use std::net::{IpAddr, SocketAddr};

use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};

use super::Problem;

/// Checks the target's authority and the `Host` header. Both must name this server when both are there.
pub(super) fn check(
    uri: &Uri,
    headers: &HeaderMap,
    reached: Option<SocketAddr>,
    allowed: &[String],
) -> Result<(), Problem> {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(Problem::HostMissing) };
    let host: Authority = host.to_str().ok().and_then(|host| host.parse().ok()).ok_or(Problem::HostMissing)?;
    let all_ours = uri.authority().into_iter().chain([&host]).all(|name| is_ours(name, reached, allowed));
    if all_ours { Ok(()) } else { Err(Problem::HostNotOurs) }
}

/// Whether an authority names this server: by a loopback name, by the address the connection came in by, or by a
/// configured name. User information (`user@`) is never part of it.
fn is_ours(authority: &Authority, reached: Option<SocketAddr>, allowed: &[String]) -> bool {
    if authority.as_str().contains('@') {
        return false;
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    match host.parse::<IpAddr>() {
        Ok(address) if address.is_loopback() => true,
        Ok(address) if reached.is_some_and(|reached| reached.ip() == address) => true,
        Ok(_) | Err(_) => {
            host.eq_ignore_ascii_case("localhost") || allowed.iter().any(|name| name.eq_ignore_ascii_case(host))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(target: &str, hosts: &[&str]) -> Result<(), Problem> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, host.parse().expect("header"));
        }
        let reached = "10.1.2.3:8080".parse().expect("address");
        check(&target.parse().expect("target"), &headers, Some(reached), &["hub.example.hk".to_owned()])
    }

    #[test]
    fn loopback_the_own_address_and_configured_names_are_ours() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.9.9.9", "[::1]:80", "10.1.2.3:8080"] {
            assert_eq!(answer("/", &[host]), Ok(()), "{host}");
        }
        assert_eq!(answer("/", &["Hub.Example.HK:443"]), Ok(()));
        assert_eq!(answer("http://localhost/ops", &["localhost"]), Ok(()));
    }

    #[test]
    fn a_foreign_name_is_not_ours_even_if_it_resolves_to_us() {
        for host in ["evil.example", "localhost.evil.example", "10.1.2.4", "hub.example.hk.evil", "user@localhost"] {
            assert_eq!(answer("/", &[host]), Err(Problem::HostNotOurs), "{host}");
        }
        assert_eq!(answer("http://evil.example/ops", &["localhost"]), Err(Problem::HostNotOurs));
    }

    #[test]
    fn a_request_needs_exactly_one_host() {
        assert_eq!(answer("/", &[]), Err(Problem::HostMissing));
        assert_eq!(answer("/", &["localhost", "localhost"]), Err(Problem::HostMissing));
        assert_eq!(answer("/", &["a b"]), Err(Problem::HostMissing));
    }
}
