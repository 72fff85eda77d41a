//! Attributes whose values differ from span to span.

use super::names::{code, mix, push_address, push_number, push_uuid, user_id};
use super::proto::{Value, attribute};
use super::template::{SPAN_ATTRIBUTE, Template, Varying};
use super::{Encoder, Ended, Journey};
use crate::chance::Chance;
use crate::plan::Failure;

/// Products of the shop.
const PRODUCTS: usize = 40_000;

/// `user_agent.original` of browsers and apps.
pub(super) fn agents() -> Vec<String> {
    let systems = [
        "X11; Linux x86_64",
        "Windows NT 10.0; Win64; x64",
        "Macintosh; Intel Mac OS X 10_15_7",
        "iPhone; CPU iPhone OS 18_1 like Mac OS X",
        "Linux; Android 15; Pixel 9",
    ];
    let browser = |version: usize| {
        systems.map(|system| format!("Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36", 128 + version))
    };
    (0..8).flat_map(browser).collect()
}

impl Encoder {
    /// Appends the attributes of the operation that vary.
    pub(super) fn varying(&mut self, out: &mut Vec<u8>, span: &Ended, journey: &Journey) {
        let template = &self.templates[usize::from(span.operation)];
        let mut writer = Writer {
            out,
            text: &mut self.text,
            chance: &mut self.chance,
            template,
            span,
            journey,
        };
        for &(varying, per_million) in &template.varying {
            if per_million < 1_000_000 && !writer.chance.hits(per_million) {
                continue;
            }
            match varying {
                Varying::HttpStatus => {
                    let status = http_status(
                        span.failure,
                        &self.mistakes[usize::from(span.operation)],
                        writer.chance,
                    );
                    writer.int("http.response.status_code", status);
                }
                Varying::RpcStatus => {
                    let status = match span.failure {
                        Failure::None => 0,
                        Failure::Passed => 13,
                        Failure::Origin(number) => {
                            let mistakes = &self.mistakes[usize::from(span.operation)];
                            mistakes[usize::from(number) % mistakes.len()].rpc_status
                        }
                    };
                    writer.int("rpc.grpc.status_code", status);
                }
                Varying::UserAgent if template.is_edge => {
                    let agent = &self.agents[(journey.salt % self.agents.len() as u64) as usize];
                    writer.constant("user_agent.original", agent);
                }
                Varying::UserAgent => writer.constant("user_agent.original", "shop-http/4.2"),
                Varying::ClientAddress if !template.is_edge => {
                    writer.constant("client.address", &self.addresses[usize::from(span.peer)]);
                }
                Varying::Peer => {
                    writer.constant(
                        "network.peer.address",
                        &self.addresses[usize::from(span.peer)],
                    );
                    // A few connections are kept open between two pods.
                    let connection = u64::from(span.peer) << 32 | u64::from(span.pod) << 16;
                    let port = 32_768 + mix(connection | writer.chance.below(8)) % 28_000;
                    writer.int("network.peer.port", port as i64);
                }
                Varying::Partition => {
                    self.n_messages += 1;
                    let partition = self.n_messages * 7 % 24;
                    writer.text.clear();
                    push_number(writer.text, partition);
                    writer.put("messaging.destination.partition.id");
                    writer.int(
                        "messaging.kafka.offset",
                        (81_400_000 + self.n_messages / 24) as i64,
                    );
                }
                other => writer.write(other),
            }
        }
    }
}

fn http_status(failure: Failure, mistakes: &[super::Mistake], chance: &mut Chance) -> i64 {
    match failure {
        Failure::Origin(number) => mistakes[usize::from(number) % mistakes.len()].http_status,
        Failure::Passed => 500,
        Failure::None if chance.hits(15_000) => 404,
        Failure::None if chance.hits(40_000) => 304,
        Failure::None => 200,
    }
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    text: &'a mut String,
    chance: &'a mut Chance,
    template: &'a Template,
    span: &'a Ended,
    journey: &'a Journey,
}

impl Writer<'_> {
    fn int(&mut self, key: &str, value: i64) {
        attribute(self.out, SPAN_ATTRIBUTE, key, Value::Int(value));
    }

    fn constant(&mut self, key: &str, value: &str) {
        attribute(self.out, SPAN_ATTRIBUTE, key, Value::Text(value));
    }

    /// What stands in `self.text`.
    fn put(&mut self, key: &str) {
        attribute(self.out, SPAN_ATTRIBUTE, key, Value::Text(self.text));
    }

    fn write(&mut self, varying: Varying) {
        self.text.clear();
        let salt = self.journey.salt;
        match varying {
            Varying::UrlPath => {
                self.push_route();
                self.put("url.path");
            }
            Varying::UrlFull => {
                self.text.push_str("http://");
                self.text.push_str(&self.template.host);
                self.text.push_str(":8080");
                self.push_route();
                self.put("url.full");
            }
            Varying::UrlQuery => {
                self.text.push_str("page=");
                push_number(self.text, self.chance.skewed(40) as u64);
                self.text.push_str("&sort=relevance&limit=24");
                self.put("url.query");
            }
            Varying::ClientAddress => {
                let [a, b, c, ..] = mix(u64::from(self.journey.user)).to_be_bytes();
                push_address(self.text, [100 + (a & 63), b, c, a ^ b]);
                self.put("client.address");
            }
            Varying::Thread => {
                let thread = self.chance.below(40);
                self.int("thread.id", 31 + thread as i64);
                self.text.push_str("exec-");
                push_number(self.text, 1 + thread);
                self.put("thread.name");
            }
            Varying::UserId => {
                let user = user_id(self.journey.user);
                self.constant("user.id", &user);
            }
            Varying::OrderId => {
                self.text.push_str("ord-");
                push_number(self.text, self.journey.order);
                self.put("shop.app.order.id");
            }
            Varying::CartId => {
                push_uuid(self.text, mix(salt), salt);
                self.put("shop.app.cart.id");
            }
            Varying::ProductId => {
                self.push_product();
                self.put("shop.app.product.id");
            }
            Varying::BodySize => {
                let size = 180 + self.chance.skewed(60_000) as i64;
                self.int("http.response.body.size", size);
            }
            Varying::Rows => {
                let rows = self.chance.skewed(60) as i64;
                self.int("db.response.returned_rows", rows);
            }
            Varying::StatementText => {
                let template = self.template;
                let form = self.chance.skewed(template.statements.len());
                self.constant("db.query.text", &template.statements[form]);
            }
            Varying::KeyText => {
                self.text.push_str(&self.template.statements[0]);
                let key = mix(u64::from(self.template.service)
                    ^ self.chance.skewed(USERS_AND_PRODUCTS) as u64);
                self.text.push_str(&code(key, 8));
                self.put("db.query.text");
            }
            Varying::MessageId => {
                let (high, low) = (self.chance.next(), self.span.span_id);
                push_uuid(self.text, high, low);
                self.put("messaging.message.id");
            }
            Varying::BatchCount => {
                let count = 1 + self.chance.skewed(64) as i64;
                self.int("messaging.batch.message_count", count);
            }
            Varying::CacheHit => {
                let hit = self.chance.hits(720_000);
                attribute(
                    self.out,
                    SPAN_ATTRIBUTE,
                    "shop.app.cache.hit",
                    Value::Bool(hit),
                );
            }
            Varying::Amount => {
                let amount = 0.99 + self.chance.skewed(900) as f64;
                attribute(
                    self.out,
                    SPAN_ATTRIBUTE,
                    "shop.app.order.amount",
                    Value::Double(amount),
                );
                self.constant(
                    "shop.app.order.currency",
                    ["EUR", "EUR", "USD", "GBP"][(salt >> 20 & 3) as usize],
                );
            }
            Varying::Items => {
                let items = 1 + self.chance.skewed(24) as i64;
                self.int("shop.app.items.count", items);
            }
            Varying::Experiments => {
                const VARIANTS: [&str; 4] = [
                    "new-checkout:a",
                    "new-checkout:b",
                    "ranker:control",
                    "ranker:v7",
                ];
                let variants = [
                    VARIANTS[(salt >> 24 & 1) as usize],
                    VARIANTS[2 + (salt >> 25 & 1) as usize],
                ];
                attribute(
                    self.out,
                    SPAN_ATTRIBUTE,
                    "shop.app.experiments",
                    Value::Texts(&variants),
                );
            }
            Varying::Attempt => {
                let attempt = 1 + self.chance.skewed(3) as i64;
                self.int("shop.app.retry.attempt", attempt);
            }
            Varying::Progress => {
                let done = self.chance.unit();
                attribute(
                    self.out,
                    SPAN_ATTRIBUTE,
                    "shop.app.job.progress",
                    Value::Double(done),
                );
            }
            Varying::RequestId => {
                push_uuid(self.text, self.chance.next(), self.chance.next());
                self.put("shop.app.request.correlation_id");
            }
            Varying::Score => {
                let score = Value::Double(self.chance.unit());
                attribute(self.out, SPAN_ATTRIBUTE, "shop.app.score", score);
            }
            Varying::Elapsed => {
                let nanos = self.span.end_unix_nano - self.span.start_unix_nano;
                let elapsed = Value::Double(nanos as f64 / 1e6 * self.chance.between(0.9, 0.99));
                attribute(
                    self.out,
                    SPAN_ATTRIBUTE,
                    "shop.app.handler.elapsed_ms",
                    elapsed,
                );
            }
            Varying::ResponseBytes => {
                let size = 64 + self.chance.skewed(200_000) as i64;
                self.int("db.response.size", size);
            }
            Varying::HttpStatus
            | Varying::RpcStatus
            | Varying::UserAgent
            | Varying::Peer
            | Varying::Partition => {
                unreachable!("these need more than the span and are written above")
            }
        }
    }

    /// The route with ids in its placeholders.
    fn push_route(&mut self) {
        for (index, piece) in self.template.route.iter().enumerate() {
            if index > 0 {
                if piece.is_empty() && self.text.contains("order") {
                    push_number(self.text, self.journey.order);
                } else {
                    self.push_product();
                }
            }
            self.text.push_str(piece);
        }
    }

    /// A product, popular ones more often.
    fn push_product(&mut self) {
        let number = self.chance.skewed(PRODUCTS) as u64;
        self.text.push_str("p-");
        push_number(self.text, 10_000 + mix(number) % 9_000_000);
    }
}

/// Things that a cache knows by their id.
const USERS_AND_PRODUCTS: usize = 100_000;
