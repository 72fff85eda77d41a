//! Settings of the listeners.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

const MIB: usize = 1 << 20;

/// Settings of the listeners. None can be changed while they run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where OTLP/gRPC listens; `None` switches it off. Port 0 takes a free one. Default 127.0.0.1:4317.
    pub grpc_addr: Option<SocketAddr>,
    /// Where OTLP/HTTP listens; `None` switches it off. Port 0 takes a free one. Default 127.0.0.1:4318.
    pub http_addr: Option<SocketAddr>,
    /// Where Zipkin's spans and questions come in; `None` switches it off. Port 0 takes a free one. Default 127.0.0.1:9411.
    pub zipkin_addr: Option<SocketAddr>,
    /// Bytes of one request's body, on the wire and again after decompression. Default 64 MiB, as the OTLP specification
    /// advises; 1 KiB to 1 GiB.
    pub request_bytes_max: usize,
    /// Bytes of all requests between their first byte and their answer: of each the compressed and decompressed body, or its
    /// columns where they are larger. Default 256 MiB; at least twice `request_bytes_max`.
    pub in_flight_bytes_max: usize,
    /// Requests between their first byte and their answer. Default 512, at least 1.
    pub in_flight_requests_max: usize,
    /// Open connections per listener; more wait in the system's backlog. Default 1024, at least 1.
    pub connections_max: usize,
    /// From a request's header to the last byte of its body. Default 30 s.
    pub body_timeout: Duration,
    /// For a whole header, also of a connection's next request, and for the answer to an HTTP/2 ping. Default 60 s.
    pub idle_timeout: Duration,
    /// Which web pages may send over OTLP/HTTP. Default [`Cors::Loopback`].
    pub cors: Cors,
    /// Names that `Host` may have on a loopback listener besides those of loopback itself, for instance behind a reverse
    /// proxy. Default none.
    pub allowed_hosts: Vec<String>,
}

/// Which web pages may send over OTLP/HTTP. A request with an `Origin` that is not allowed is refused, so that a page of a
/// stranger cannot write into a listener on its visitor's machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Cors {
    /// None.
    Off,
    /// Pages served from this machine: `localhost`, names under it, and loopback addresses, on any port and scheme.
    #[default]
    Loopback,
    /// Every page.
    Any,
    /// Pages of these origins, written as browsers send them: `https://shop.example`.
    Origins(Vec<String>),
}

impl Default for Config {
    fn default() -> Self {
        let loopback = |port| Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
        Self {
            grpc_addr: loopback(4317),
            http_addr: loopback(4318),
            zipkin_addr: loopback(9411),
            request_bytes_max: 64 * MIB,
            in_flight_bytes_max: 256 * MIB,
            in_flight_requests_max: 512,
            connections_max: 1024,
            body_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            cors: Cors::default(),
            allowed_hosts: Vec::new(),
        }
    }
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A listener that others can reach, without the flag that says so.
    #[error(
        "{0} can be reached from other machines, and this listener has neither TLS nor tokens; bind it to loopback, or say that this is intended (--insecure)"
    )]
    Exposed(SocketAddr),
    /// Outside 1 KiB to 1 GiB.
    #[error("request_bytes_max is {0} bytes; it must lie between 1 KiB and 1 GiB")]
    RequestBytes(usize),
    /// Too small for one compressed request.
    #[error(
        "in_flight_bytes_max is {in_flight} bytes; one request needs up to twice request_bytes_max, {needed} bytes"
    )]
    InFlightBytes {
        /// As set.
        in_flight: usize,
        /// The least that works.
        needed: usize,
    },
    /// A limit of zero, by name.
    #[error("{0} must be greater than zero")]
    Zero(&'static str),
}

/// Whether `addr` may be listened on: a loopback address always, another one when `insecure` says that this is intended.
pub fn check_exposure(addr: SocketAddr, insecure: bool) -> Result<(), ConfigError> {
    if insecure || addr.ip().to_canonical().is_loopback() {
        Ok(())
    } else {
        Err(ConfigError::Exposed(addr))
    }
}

impl Config {
    /// Every problem of these settings; `insecure` as in [`check_exposure`].
    pub fn check(&self, insecure: bool) -> Vec<ConfigError> {
        let addrs = [self.grpc_addr, self.http_addr, self.zipkin_addr];
        let mut problems: Vec<_> = addrs
            .into_iter()
            .flatten()
            .filter_map(|addr| check_exposure(addr, insecure).err())
            .collect();
        if !(1 << 10..=1 << 30).contains(&self.request_bytes_max) {
            problems.push(ConfigError::RequestBytes(self.request_bytes_max));
        }
        let needed = self.request_bytes_max.saturating_mul(2);
        if self.in_flight_bytes_max < needed {
            problems.push(ConfigError::InFlightBytes {
                in_flight: self.in_flight_bytes_max,
                needed,
            });
        }
        let limits = [
            ("in_flight_requests_max", self.in_flight_requests_max == 0),
            ("connections_max", self.connections_max == 0),
            ("body_timeout", self.body_timeout.is_zero()),
            ("idle_timeout", self.idle_timeout.is_zero()),
        ];
        let zeros = limits.iter().filter(|(_, zero)| *zero);
        problems.extend(zeros.map(|(name, _)| ConfigError::Zero(name)));
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_sound_and_on_loopback() {
        assert_eq!(Config::default().check(false), []);
    }

    #[test]
    fn a_reachable_address_needs_the_flag() {
        for addr in ["0.0.0.0:4317", "[::]:4317", "192.0.2.1:4317"] {
            let addr = addr.parse().unwrap();
            assert_eq!(check_exposure(addr, false), Err(ConfigError::Exposed(addr)));
            assert_eq!(check_exposure(addr, true), Ok(()));
        }
        for addr in [
            "127.0.0.1:1",
            "127.9.9.9:1",
            "[::1]:1",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert_eq!(check_exposure(addr.parse().unwrap(), false), Ok(()));
        }
    }

    #[test]
    fn every_problem_is_reported() {
        let config = Config {
            grpc_addr: "0.0.0.0:0".parse().ok(),
            request_bytes_max: 10,
            in_flight_bytes_max: 19,
            connections_max: 0,
            ..Config::default()
        };
        assert_eq!(config.check(false).len(), 4);
    }
}
