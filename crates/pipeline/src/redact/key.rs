//! Whether the key of an attribute (or of a pair in a text) names a credential.

/// Endings of a key, in words, that name a credential.
const ENDINGS: &[&[&str]] = &[
    &["authorization"],
    &["cookie"],
    &["cookies"],
    &["api", "key"],
    &["access", "key"],
    &["private", "key"],
    &["secret", "key"],
    &["signing", "key"],
    &["encryption", "key"],
    &["account", "key"],
    &["auth", "key"],
    &["password"],
    &["passwords"],
    &["password", "hash"],
    &["passwd"],
    &["pwd"],
    &["passphrase"],
    &["secret"],
    &["secrets"],
    &["token"],
    &["session", "id"],
    &["sess", "id"],
    &["credential"],
    &["credentials"],
    &["jwt"],
];

/// Endings of one word that is written without separators.
const WORD_ENDINGS: &[&str] = &[
    "authorization",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "apikey",
    "accesskey",
    "privatekey",
    "secretkey",
    "sessionid",
    "sessid",
    "authtoken",
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "sessiontoken",
    "securitytoken",
    "csrftoken",
    "bearertoken",
];

/// Whether `key` ends in words that name a credential: `authorization`, `http.request.header.x-api-key`, `db.password`,
/// `accessToken`, `headers.cookie.0`; not `token_count`, `gen_ai.usage.input_tokens`, `k8s.secret.name`.
///
/// OpenTelemetry's `session.id` is not one: the convention defines it as an identifier without authority.
/// `session_id`, `sessionId` and `JSESSIONID` are.
pub(crate) fn is_credential_key(key: &str) -> bool {
    if ends_in_marker(key) {
        return false;
    }
    // The longest ending has two words of at most 13 letters; anything relevant lies in the last stretch.
    let Some(last) = last_words(key) else {
        return false;
    };
    let tail = last.tail.as_str();
    let before = last.before.as_str();
    if WORD_ENDINGS.iter().any(|w| tail.ends_with(w)) {
        return true;
    }
    ENDINGS.iter().any(|ending| match ending {
        [word] => tail == *word,
        [first, word] => tail == *word && before == *first && !(last.dotted && *first == "session"),
        _ => false,
    })
}

/// Whether the last words of `key` are those of a marker, `[redacted:…]`: they are ours, and not the sender's name of a value.
fn ends_in_marker(key: &str) -> bool {
    let key = key.trim_end_matches(|c: char| c.is_ascii() && !c.is_ascii_alphabetic() && c != ']');
    let marker = key.rsplit_once('[').map(|(_, marker)| marker);
    key.ends_with(']') && marker.is_some_and(|m| m.starts_with("redacted:"))
}

/// The last two words of a key, in lower case.
struct LastWords {
    before: String,
    tail: String,
    /// Whether a dot lies between them.
    dotted: bool,
}

fn last_words(key: &str) -> Option<LastWords> {
    let bytes = key.as_bytes();
    // An index at the end belongs to a flattened list: `authorization.0`, `cookie[1]`.
    let mut end = bytes.len();
    while end > 0 && !bytes[end - 1].is_ascii_alphabetic() && bytes[end - 1].is_ascii() {
        end -= 1;
    }
    let tail_start = word_start(bytes, end);
    if tail_start == end {
        return None;
    }
    let mut before_end = tail_start;
    let mut dotted = false;
    while before_end > 0
        && bytes[before_end - 1].is_ascii()
        && !bytes[before_end - 1].is_ascii_alphanumeric()
    {
        dotted |= bytes[before_end - 1] == b'.';
        before_end -= 1;
    }
    let before_start = word_start(bytes, before_end);
    let lower =
        |range: std::ops::Range<usize>| String::from_utf8_lossy(&bytes[range]).to_ascii_lowercase();
    Some(LastWords {
        before: lower(before_start..before_end),
        tail: lower(tail_start..end),
        dotted,
    })
}

/// Where the word that ends at `end` begins: after a character that is no letter or digit, or at a capital after a small letter.
fn word_start(bytes: &[u8], end: usize) -> usize {
    let mut start = end;
    while start > 0 {
        let b = bytes[start - 1];
        if !b.is_ascii_alphanumeric() {
            break;
        }
        start -= 1;
        let begins_word =
            b.is_ascii_uppercase() && start > 0 && bytes[start - 1].is_ascii_lowercase();
        if begins_word {
            break;
        }
    }
    start
}

#[cfg(test)]
mod tests {
    use super::is_credential_key;

    #[test]
    fn keys_of_credentials() {
        for key in [
            "authorization",
            "Authorization",
            "proxy-authorization",
            "http.request.header.authorization",
            "http.request.header.x-api-key",
            "http.request.header.X_API_KEY",
            "HTTP_AUTHORIZATION",
            "cookie",
            "http.response.header.set-cookie",
            "headers.cookie.0",
            "cookie[1]",
            "api_key",
            "apiKey",
            "APIKEY",
            "x-apikey",
            "db.password",
            "userPassword",
            "passwd",
            "DB_PWD",
            "secret",
            "client_secret",
            "clientSecret",
            "clientsecret",
            "token",
            "access_token",
            "accessToken",
            "accesstoken",
            "refresh-token",
            "X-Amz-Security-Token",
            "private_key",
            "aws_secret_access_key",
            "session_id",
            "sessionId",
            "JSESSIONID",
            "PHPSESSID",
            "session-id",
            "user.credentials",
        ] {
            assert!(is_credential_key(key), "{key}");
        }
    }

    #[test]
    fn keys_of_other_things() {
        for key in [
            "",
            "0",
            "...",
            "token_count",
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.output_tokens",
            "gen_ai.token.type",
            "max_tokens",
            "token.type",
            "k8s.secret.name",
            "session.id",
            "session.previous_id",
            "password_changed_at",
            "http.request.method",
            "secretary",
            "broken",
            "key",
            "db.key",
            "cache.key",
            "messaging.kafka.message.key",
            "cookie_consent",
            "x=[redacted:credential]",
            "x=[redacted:credential] 1",
            "author",
            "идентификатор",
        ] {
            assert!(!is_credential_key(key), "{key}");
        }
    }
}
