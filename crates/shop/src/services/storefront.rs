//! Storefront: the customers. A load driver that visits the shop as browsers do.
//!
//! Journeys arrive at random (Poisson) moments; each is a customer who looks around and, often, buys. Every page
//! request is the root of a trace. All choices come from the seed; only what the network does is left to chance.

mod customer;

use std::time::Duration;

use opentelemetry::KeyValue;
use serde_json::Value;
use tokio::task::JoinSet;

use self::customer::Customer;
use super::catalogue::seed::{SHELVES, sku};
use super::contract::{CartItem, OrderRequest};
use crate::dice::Dice;
use crate::failure::Failure;
use crate::instrument::http_client::{Call, HttpPeer};
use crate::process::{Running, Stop};
use crate::{Error, Service, ShopArgs};

/// Journeys on their way at once; customers beyond that go elsewhere.
const JOURNEYS_MAX: usize = 100;

/// How long customers may wait for a last page when the shop closes.
const LEAVE_MAX: Duration = Duration::from_millis(1_500);

/// How long a customer waits for a page before closing the tab.
const PAGE_WAIT_MAX: Duration = Duration::from_secs(8);

/// Words that customers search for; each names some product.
const SEARCHES: [&str; 8] = [
    "oak", "lamp", "steel", "wool", "paper", "desk", "chair", "board",
];

pub(crate) fn start(args: &ShopArgs, stop: &Stop) -> Result<Running, Error> {
    let gateway = HttpPeer::new(
        Service::Gateway,
        args.peers(Service::Gateway)?[0],
        PAGE_WAIT_MAX,
    )?;
    let mut tasks = JoinSet::new();
    if args.journeys_per_second > 0.0 {
        let (dice, rate) = (Dice::new(args.seed), args.journeys_per_second);
        tasks.spawn(drive(stop.clone(), gateway, dice, rate));
    }
    Ok(Running::tasks_only(tasks))
}

/// Sends customers until the process is to end; those under way then get their page and leave.
async fn drive(mut stop: Stop, gateway: HttpPeer, mut dice: Dice, journeys_per_second: f64) {
    let mut journeys = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.stopped() => break,
            () = tokio::time::sleep(dice.until_next_arrival(journeys_per_second)) => {}
        }
        while journeys.try_join_next().is_some() {}
        let mut choices = dice.fork();
        if journeys.len() < JOURNEYS_MAX {
            let customer = Customer::one_of_many(&mut choices);
            let (stop, gateway) = (stop.clone(), gateway.clone());
            let visit = Visit {
                stop,
                gateway,
                customer,
                dice: choices,
            };
            // A journey that fails ends there, as customers do; the failure is in its spans.
            journeys.spawn(async move { drop(visit.journey().await) });
        }
    }
    let ended = async { while journeys.join_next().await.is_some() {} };
    if tokio::time::timeout(LEAVE_MAX, ended).await.is_err() {
        journeys.shutdown().await;
    }
}

/// One customer's visit.
struct Visit {
    stop: Stop,
    gateway: HttpPeer,
    customer: Customer,
    dice: Dice,
}

impl Visit {
    async fn journey(mut self) -> Result<(), Failure> {
        self.open(Call::get("/", "/".into())).await?;
        self.look_around().await?;
        let looked_at = 1 + self.dice.below(3);
        let mut last = String::new();
        for _ in 0..looked_at {
            last = sku(self.dice.below(SHELVES.len() * SHELVES[0].1.len()));
            self.open(Call::get("/products/{sku}", format!("/products/{last}")))
                .await?;
        }
        if self.dice.chance(0.6) {
            self.put_in_cart(last).await?;
            if self.dice.chance(0.7) {
                self.buy().await?;
            }
        }
        if self.dice.chance(0.25) {
            self.open(self.with_token(Call::get("/account", "/account".into())))
                .await?;
        }
        Ok(())
    }

    async fn look_around(&mut self) -> Result<(), Failure> {
        if self.dice.chance(0.3) {
            let (category, _) = self.dice.pick(&SHELVES);
            let path = format!("/categories/{category}");
            return self.open(Call::get("/categories/{category}", path)).await;
        }
        let word = self.dice.pick(&SEARCHES);
        let sort = if self.dice.chance(0.4) {
            "popularity"
        } else {
            "name"
        };
        self.open(Call::get(
            "/search",
            format!("/search?q={word}&sort={sort}"),
        ))
        .await
    }

    async fn put_in_cart(&mut self, sku: String) -> Result<(), Failure> {
        let item = CartItem {
            sku,
            quantity: 1 + self.dice.below(3) as i64,
        };
        self.open(Call::post("/cart/items", "/cart/items".into(), &item))
            .await?;
        self.open(Call::get("/cart", "/cart".into())).await
    }

    async fn buy(&mut self) -> Result<(), Failure> {
        let order = OrderRequest {
            customer_id: self.customer.id.clone(),
            cart_id: self.customer.session_id.clone(),
            email: self.customer.email.clone(),
            card_number: self.customer.card_number.to_owned(),
            zone: self.customer.zone.to_owned(),
        };
        let call = Call::post("/checkout", "/checkout".into(), &order);
        self.open(self.with_token(call)).await
    }

    /// Requests a page as this customer's browser would, then looks at it for a moment.
    ///
    /// Fails as well when the shop has closed meanwhile, so that a visit ends between two pages.
    async fn open(&mut self, call: Call) -> Result<(), Failure> {
        let customer = &self.customer;
        let call = call
            .header("user-agent", customer.user_agent)
            .header("x-forwarded-for", &customer.address)
            .header("x-customer-id", &customer.id)
            .header("x-session-id", &customer.session_id)
            .header("x-zone", customer.zone)
            .attributes([
                KeyValue::new("user_agent.original", customer.user_agent),
                KeyValue::new("session.id", customer.session_id.clone()),
                KeyValue::new("enduser.id", customer.id.clone()),
            ]);
        let page: Result<Value, Failure> = self.gateway.send(call).await;
        page?;
        tokio::select! {
            () = self.stop.stopped() => Err(Failure::Invalid("the shop has closed")),
            () = tokio::time::sleep(self.dice.millis(40, 200)) => Ok(()),
        }
    }

    fn with_token(&self, call: Call) -> Call {
        call.header("authorization", self.customer.authorization())
    }
}
