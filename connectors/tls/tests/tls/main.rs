//! TLS over TCP, with certificates made for each test.

#[cfg(test)]
mod handshakes;
