//! The command line of one shop process: which service it is and whom it calls.

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;

use crate::{Error, Fault, Faults};

/// A service of the shop; several processes may run the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub enum Service {
    /// Products, search, and the cache in front of them (HTTP).
    Catalogue,
    /// Postings and balances (HTTP).
    Ledger,
    /// Delivery quotes and shipments (HTTP).
    Shipping,
    /// Shopping carts (HTTP).
    Cart,
    /// Card payments (gRPC).
    Payments,
    /// The queues and the tasks that work on them: fulfilment, notifications (HTTP to publish).
    Worker,
    /// Turns a cart into a paid order (HTTP).
    Checkout,
    /// The shop's door: what a browser talks to (HTTP).
    Gateway,
    /// The customers: a load driver (its port answers health checks only).
    Storefront,
}

impl Service {
    /// The value of `service.name` and the word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Service::Catalogue => "catalogue",
            Service::Ledger => "ledger",
            Service::Shipping => "shipping",
            Service::Cart => "cart",
            Service::Payments => "payments",
            Service::Worker => "worker",
            Service::Checkout => "checkout",
            Service::Gateway => "gateway",
            Service::Storefront => "storefront",
        }
    }

    /// The release that runs unless another one is asked for: `service.version`.
    pub(crate) fn release(self) -> &'static str {
        match self {
            Service::Catalogue => "3.2.1",
            Service::Ledger => "1.4.2",
            Service::Shipping => "2.0.5",
            Service::Cart => "1.9.0",
            Service::Payments => "4.7.0",
            Service::Worker => "1.1.0",
            Service::Checkout => "5.1.0",
            Service::Gateway => "2.14.3",
            Service::Storefront => "8.3.0",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where an instance of a service listens, written `payments=127.0.0.1:40123`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The service.
    pub service: Service,
    /// Its address.
    pub address: SocketAddr,
}

impl FromStr for Peer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = || Error::InvalidPeer(text.to_owned());
        let (service, address) = text.split_once('=').ok_or_else(invalid)?;
        Ok(Peer {
            service: Service::from_str(service, false).map_err(|_| invalid())?,
            address: address.parse().map_err(|_| invalid())?,
        })
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.service, self.address)
    }
}

/// Arguments of the hidden command `shop SERVICE`, which runs one service in the foreground.
///
/// Where spans go is not among them: the OpenTelemetry SDK reads `OTEL_EXPORTER_OTLP_ENDPOINT`,
/// `OTEL_EXPORTER_OTLP_PROTOCOL`, `OTEL_RESOURCE_ATTRIBUTES` and the like from the environment.
#[derive(Clone, Debug, PartialEq, clap::Args)]
pub struct ShopArgs {
    /// The service to run.
    #[arg(value_enum)]
    pub service: Service,
    /// Address to listen on; port 0 takes a free one, which is then printed as `listening ADDRESS:PORT`.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Folder for the service's database.
    #[arg(long)]
    pub data_dir: PathBuf,
    /// Release to run, sent as `service.version`; the service's usual one by default.
    #[arg(long)]
    pub release: Option<String>,
    /// Seed of everything random.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Customer journeys started per second (storefront only).
    #[arg(long, default_value_t = 5.0)]
    pub journeys_per_second: f64,
    /// A fault to switch on; may be repeated.
    #[arg(long = "fault", value_enum)]
    pub faults: Vec<Fault>,
    /// Where another service listens, as SERVICE=ADDRESS:PORT; may be repeated.
    #[arg(long = "peer")]
    pub peers: Vec<Peer>,
}

impl ShopArgs {
    /// The words to run this service with: `EXE shop` followed by these.
    pub(crate) fn to_words(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec![self.service.name().into()];
        let mut flag = |name: &str, value: OsString| words.extend([name.into(), value]);
        flag("--listen", self.listen.to_string().into());
        flag("--data-dir", self.data_dir.clone().into());
        if let Some(release) = &self.release {
            flag("--release", release.into());
        }
        flag("--seed", self.seed.to_string().into());
        flag(
            "--journeys-per-second",
            self.journeys_per_second.to_string().into(),
        );
        for fault in &self.faults {
            flag("--fault", fault.name().into());
        }
        for peer in &self.peers {
            flag("--peer", peer.to_string().into());
        }
        words
    }

    pub(crate) fn release(&self) -> &str {
        self.release
            .as_deref()
            .unwrap_or_else(|| self.service.release())
    }

    pub(crate) fn faults(&self) -> Faults {
        self.faults.iter().copied().collect()
    }

    /// Every instance of a service this one calls; at least one.
    pub(crate) fn peers(&self, needs: Service) -> Result<Vec<SocketAddr>, Error> {
        let found: Vec<_> = self
            .peers
            .iter()
            .filter(|peer| peer.service == needs)
            .map(|peer| peer.address)
            .collect();
        if found.is_empty() {
            return Err(Error::MissingPeer {
                service: self.service,
                needs,
            });
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        shop: ShopArgs,
    }

    #[test]
    fn the_words_are_read_back_equal() {
        let args = ShopArgs {
            service: Service::Checkout,
            listen: "127.0.0.1:7001".parse().unwrap(),
            data_dir: "/data/a shop".into(),
            release: Some("4.7.1".into()),
            seed: 42,
            journeys_per_second: 2.5,
            faults: vec![Fault::RetryStorm, Fault::LostContext],
            peers: vec![
                "payments=127.0.0.1:1".parse().unwrap(),
                "payments=127.0.0.1:2".parse().unwrap(),
            ],
        };
        let words = std::iter::once(OsString::from("shop")).chain(args.to_words());
        let read = Line::try_parse_from(words)
            .map_err(|error| error.to_string())
            .unwrap()
            .shop;
        assert_eq!(read, args);
        assert_eq!(read.peers(Service::Payments).unwrap().len(), 2);
    }

    #[test]
    fn malformed_and_missing_peers_are_told() {
        for text in [
            "payments",
            "payments=",
            "bakery=127.0.0.1:1",
            "payments=localhost:1",
        ] {
            assert!(
                matches!(text.parse::<Peer>(), Err(Error::InvalidPeer(_))),
                "{text}"
            );
        }
        let args = ["shop", "gateway", "--data-dir", "/data"];
        let args = Line::try_parse_from(args)
            .map_err(|error| error.to_string())
            .unwrap()
            .shop;
        assert!(matches!(
            args.peers(Service::Cart),
            Err(Error::MissingPeer {
                service: Service::Gateway,
                needs: Service::Cart
            })
        ));
        assert_eq!(args.release(), "2.14.3");
    }
}
