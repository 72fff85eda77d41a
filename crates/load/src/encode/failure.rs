//! How things go wrong: error types, messages, stack traces.

use super::names::mix;
use crate::world::{Flavour, Language, OperationId, World};

/// Places in the code of an operation from which it may fail.
pub(super) const MISTAKES: usize = 4;

/// One way for an operation to fail, always from the same place in the code.
#[derive(Debug)]
pub(super) struct Mistake {
    /// `error.type` and `exception.type`.
    pub(super) error_type: &'static str,
    /// Before and after a number.
    pub(super) message: (&'static str, &'static str),
    /// The frames, below the line with type and message.
    pub(super) frames: String,
    /// What a server answers.
    pub(super) http_status: i64,
    /// What a gRPC server answers.
    pub(super) rpc_status: i64,
}

type Kind = (&'static str, (&'static str, &'static str), i64, i64);

impl Mistake {
    /// The mistakes of an operation.
    pub(super) fn all(world: &World, id: OperationId) -> [Self; MISTAKES] {
        let service = world.service_of(id);
        let kinds = kinds(service.language, world.operation(id).flavour);
        std::array::from_fn(|number| {
            let place = mix(u64::from(id) << 8 | number as u64);
            let (error_type, message, http_status, rpc_status) =
                kinds[(place % kinds.len() as u64) as usize];
            Self {
                error_type,
                message,
                frames: frames(service.language, service.name, place),
                http_status,
                rpc_status,
            }
        })
    }
}

fn kinds(language: Language, flavour: Flavour) -> &'static [Kind] {
    let asks_database = matches!(flavour, Flavour::Database(_));
    match (language, asks_database) {
        (Language::Java, true) => &[
            (
                "java.sql.SQLTransientConnectionException",
                (
                    "pool-1 - Connection is not available, request timed out after ",
                    "ms.",
                ),
                503,
                14,
            ),
            (
                "org.postgresql.util.PSQLException",
                ("ERROR: deadlock detected, process ", " waits for ShareLock"),
                500,
                10,
            ),
        ],
        (Language::Java, false) => &[
            (
                "java.lang.IllegalStateException",
                ("unexpected state of item ", ""),
                500,
                13,
            ),
            (
                "java.net.SocketTimeoutException",
                ("timeout after ", " ms"),
                504,
                4,
            ),
            (
                "java.lang.NullPointerException",
                (
                    "Cannot invoke \"Item.price()\" because \"items[",
                    "]\" is null",
                ),
                500,
                13,
            ),
        ],
        (Language::Go, true) => &[
            (
                "*pgconn.ConnectError",
                ("failed to connect: dial error after ", " ms"),
                503,
                14,
            ),
            (
                "context.deadlineExceededError",
                ("context deadline exceeded after ", "ms"),
                504,
                4,
            ),
        ],
        (Language::Go, false) => &[
            (
                "*errors.errorString",
                ("upstream answered nothing for ", " ms"),
                502,
                14,
            ),
            (
                "*url.Error",
                ("read: connection reset by peer, attempt ", ""),
                502,
                14,
            ),
        ],
        (Language::NodeJs, _) => &[
            (
                "TypeError",
                ("Cannot read properties of undefined (reading '", "')"),
                500,
                13,
            ),
            (
                "MongoServerSelectionError",
                ("no server was available within ", " ms"),
                503,
                14,
            ),
        ],
        (Language::Python, _) => &[
            (
                "ValueError",
                ("could not convert feature ", " to float"),
                500,
                13,
            ),
            (
                "redis.exceptions.TimeoutError",
                ("Timeout reading from socket after ", " ms"),
                504,
                4,
            ),
        ],
        (Language::DotNet, _) => &[
            (
                "System.TimeoutException",
                ("The operation did not complete within ", " ms."),
                504,
                4,
            ),
            (
                "System.InvalidOperationException",
                ("Sequence contains no element at ", "."),
                500,
                13,
            ),
        ],
        (Language::Rust, _) => &[
            (
                "PoolTimedOut",
                (
                    "pool timed out after ",
                    " ms while waiting for an open connection",
                ),
                503,
                14,
            ),
            ("Decode", ("invalid value at byte ", " of the row"), 500, 13),
        ],
    }
}

/// Calls on the stack, from the place where it failed outwards.
fn frames(language: Language, service: &str, place: u64) -> String {
    const LAYERS: [&str; 8] = [
        "Handler",
        "Service",
        "Repository",
        "Client",
        "Mapper",
        "Filter",
        "Policy",
        "Dispatcher",
    ];
    const VERBS: [&str; 8] = [
        "handle", "load", "apply", "resolve", "execute", "find", "submit", "merge",
    ];
    let word: String = service.split('-').map(capital).collect();
    let package = service.replace('-', "_");
    let depth = 8 + place % 22;
    let mut frames = String::new();
    for level in 0..depth {
        let n = mix(place ^ level << 48);
        let layer = LAYERS[(n % 8) as usize];
        let verb = VERBS[(n >> 8 & 7) as usize];
        let line = 20 + n % 700;
        let own = level < 2 + depth / 2;
        let frame = match language {
            Language::Java if own => {
                format!("\tat shop.{package}.{word}{layer}.{verb}({word}{layer}.java:{line})\n")
            }
            Language::Java => format!(
                "\tat org.springframework.web.{layer}{verb}Chain.{verb}({layer}{verb}Chain.java:{line})\n"
            ),
            Language::Go => format!(
                "shop/{package}/internal.(*{layer}).{verb}(0xc000{:06x})\n\t/src/{package}/internal/{verb}.go:{line} +0x{:x}\n",
                n >> 40,
                n & 0xfff
            ),
            Language::NodeJs => format!(
                "    at {word}{layer}.{verb} (/app/dist/{package}/{verb}.js:{line}:{})\n",
                n % 80
            ),
            Language::Python => format!(
                "  File \"/app/{package}/{verb}.py\", line {line}, in {verb}_{}\n    return self.{}.{verb}(request)\n",
                layer.to_lowercase(),
                layer.to_lowercase()
            ),
            Language::DotNet => format!(
                "   at Shop.{word}.{layer}.{verb}Async(CancellationToken ct) in /src/{word}/{layer}.cs:line {line}\n"
            ),
            Language::Rust => format!(
                "  {level}: {package}::{}::{verb}\n             at src/{verb}.rs:{line}:{}\n",
                layer.to_lowercase(),
                n % 60
            ),
        };
        frames.push_str(&frame);
    }
    frames
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
