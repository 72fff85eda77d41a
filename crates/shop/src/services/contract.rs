//! The JSON that services exchange over HTTP. Money is in cents of euro.

use serde::{Deserialize, Serialize};

/// Something to buy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Product {
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) category: String,
    pub(crate) price_cents: i64,
}

/// What `POST /carts/{id}/items` takes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CartItem {
    pub(crate) sku: String,
    pub(crate) quantity: i64,
}

/// A cart as it stands.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Cart {
    pub(crate) items: Vec<CartItem>,
    pub(crate) total_cents: i64,
}

/// What delivery costs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Quote {
    pub(crate) cents: i64,
    pub(crate) days: i64,
}

/// What `POST /checkout` of the gateway and `POST /orders` of checkout take.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OrderRequest {
    pub(crate) customer_id: String,
    pub(crate) cart_id: String,
    pub(crate) email: String,
    pub(crate) card_number: String,
    /// Delivery zone, such as `eu-west`.
    pub(crate) zone: String,
}

/// An order that was paid.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) order_id: String,
    pub(crate) payment_id: String,
    pub(crate) total_cents: i64,
}

/// The body of a message on the queue `orders`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PaidOrder {
    pub(crate) order_id: String,
    pub(crate) customer_id: String,
    pub(crate) email: String,
    pub(crate) zone: String,
    pub(crate) items: i64,
}

/// The body of a message on the queue `notifications`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Notification {
    pub(crate) order_id: String,
    pub(crate) email: String,
    pub(crate) template: String,
}

/// What `POST /shipments` takes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Shipment {
    pub(crate) order_id: String,
    pub(crate) zone: String,
}

/// What `POST /shipments` answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Booked {
    pub(crate) tracking_id: String,
}

/// What `POST /postings` takes: money from a customer to the shop.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Posting {
    pub(crate) payment_id: String,
    pub(crate) customer_id: String,
    pub(crate) amount_cents: i64,
}

/// What `GET /accounts/{customer}/balance` answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Balance {
    pub(crate) spent_cents: i64,
    pub(crate) payments: i64,
}

/// The answer of calls that have nothing to say.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) ok: bool,
}
