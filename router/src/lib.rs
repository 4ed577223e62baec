//! The consent-checked router: pure steps over the ports
