//! E-mail addresses.

use std::ops::Range;

/// Endings that are those of files (`logo@2x.png`), not of domains.
const FILE_ENDINGS: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "js", "mjs", "css", "map", "html",
    "json", "tgz", "jar",
];

/// E-mail addresses in `text`, with `@` or `%40`.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut from = 0;
    while let Some((at, width)) = next_at(bytes, from) {
        from = at + width;
        let floor = found.last().map_or(0, |f| f.end);
        if let Some(address) = address(text, floor, at, from) {
            from = address.end;
            found.push(address);
        }
    }
    found
}

/// The next at sign: its position and how many bytes it has.
fn next_at(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    loop {
        at += memchr::memchr2(b'@', b'%', &bytes[at..])?;
        if bytes[at] == b'@' {
            return Some((at, 1));
        }
        if bytes[at..].starts_with(b"%40") {
            return Some((at, 3));
        }
        at += 1;
    }
}

/// The address around the at sign at `at..after`, where there is one that begins at `floor` or later.
fn address(text: &str, floor: usize, at: usize, after: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let local = bytes[floor..at].iter().rev().take_while(|b| in_local(**b));
    let mut start = at - local.count();
    // The rest of a percent-encoded separator is no part of the address.
    if start > 0 && bytes[start - 1] == b'%' && at - start > 2 {
        start += 2;
    }
    while start < at && matches!(bytes[start], b'.' | b'-' | b'\'' | b'+') {
        start += 1;
    }
    let domain = bytes[after..].iter().take_while(|b| in_domain(**b)).count();
    let mut end = after + domain;
    while end > after && matches!(bytes[end - 1], b'.' | b'-') {
        end -= 1;
    }
    let domain = &text[after..end];
    let (_, top) = domain.rsplit_once('.')?;
    let top_is_word = top.chars().count() >= 2
        && top.chars().all(|c| c.is_alphabetic() || !c.is_ascii())
        || top.starts_with("xn--");
    let is_file = FILE_ENDINGS.contains(&top.to_ascii_lowercase().as_str());
    (start < at && !domain.starts_with(['.', '-']) && top_is_word && !is_file).then_some(start..end)
}

/// Bytes of a local part that senders use; the other characters that RFC 5322 allows delimit addresses in practice.
fn in_local(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b >= 0x80 || matches!(b, b'.' | b'_' | b'-' | b'+' | b'\'')
}

fn in_domain(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b >= 0x80 || matches!(b, b'.' | b'-')
}

#[cfg(test)]
mod tests {
    use super::find;

    fn hidden(text: &str) -> Vec<&str> {
        find(text).into_iter().map(|r| &text[r]).collect()
    }

    #[test]
    fn addresses_are_found() {
        let cases = [
            ("ada@example.com", "ada@example.com"),
            (
                "mail ada.l+x@mail.example.co.uk.",
                "ada.l+x@mail.example.co.uk",
            ),
            ("<Ada_L-1@EXAMPLE.ORG>", "Ada_L-1@EXAMPLE.ORG"),
            ("?user=ada%40example.com&x=1", "ada%40example.com"),
            ("mailto:ada@example.com?subject=x", "ada@example.com"),
            ("müller@bücher.example", "müller@bücher.example"),
            ("ada@xn--bcher-kva.xn--p1ai", "ada@xn--bcher-kva.xn--p1ai"),
            ("%3Aada@example.com", "ada@example.com"),
        ];
        for (text, address) in cases {
            assert_eq!(hidden(text), [address], "{text}");
        }
        assert_eq!(hidden("a@b.co,c@d.co").len(), 2);
    }

    #[test]
    fn other_at_signs_are_not() {
        for text in [
            "@",
            "a@b",
            "lodash@4.17.21",
            "logo@2x.png",
            "@scope/package",
            "image@sha256:abc",
            "deploy@10.0.0.1",
            "@example.com",
            "a@.com",
            "x @ y.com",
            "100%40 off",
        ] {
            assert!(hidden(text).is_empty(), "{text}");
        }
    }
}
