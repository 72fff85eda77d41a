//! The services of the shop, one module each, and what they say to each other.

pub(crate) mod cart;
pub(crate) mod catalogue;
pub(crate) mod checkout;
pub(crate) mod contract;
pub(crate) mod gateway;
pub(crate) mod ledger;
pub(crate) mod payments;
pub(crate) mod shipping;
pub(crate) mod storefront;
pub(crate) mod worker;

use std::time::Duration;

use crate::instrument::http_client::HttpPeer;
use crate::process::{Running, Stop};
use crate::{Error, Service, ShopArgs};

/// The instrumentation scope of spans about the shop's own work.
pub(crate) const APP: &str = "shop.app";

/// How long services wait for each other; longer than the longest wait for a connection behind them.
const PEER_WAIT_MAX: Duration = Duration::from_secs(4);

/// Sets the service up: its database, its clients, its routes, its tasks.
pub(crate) async fn start(args: &ShopArgs, stop: &Stop) -> Result<Running, Error> {
    match args.service {
        Service::Catalogue => catalogue::start(args).await,
        Service::Ledger => ledger::start(args, stop).await,
        Service::Shipping => shipping::start(args).await,
        Service::Cart => cart::start(args).await,
        Service::Payments => payments::start(args).await,
        Service::Worker => worker::start(args, stop).await,
        Service::Checkout => checkout::start(args).await,
        Service::Gateway => gateway::start(args),
        Service::Storefront => storefront::start(args, stop),
    }
}

/// A client of the first instance of a service this one calls.
fn peer(args: &ShopArgs, needs: Service) -> Result<HttpPeer, Error> {
    HttpPeer::new(needs, args.peers(needs)?[0], PEER_WAIT_MAX)
}
