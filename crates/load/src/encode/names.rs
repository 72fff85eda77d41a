//! Ids and names that the shop gives to its things, always the same for the same number.

use crate::world::Pod;

/// Customers of the shop.
pub const USERS: usize = 60_000;

/// `user.id` of customer `number`.
pub fn user_id(number: u32) -> String {
    format!("usr_{}", code(0x75_0000_0000 | u64::from(number), 10))
}

/// `n` characters that look random and depend on `number` alone.
pub(super) fn code(number: u64, n: usize) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bits = mix(number);
    let mut code = String::with_capacity(n);
    for _ in 0..n {
        code.push(char::from(ALPHABET[(bits & 31) as usize]));
        bits >>= 5;
    }
    code
}

/// `bytes` in lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    push_hex(&mut out, bytes);
    out
}

pub(super) fn push_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// A UUID of 128 bits.
pub(super) fn push_uuid(out: &mut String, high: u64, low: u64) {
    let (high, low) = (high.to_be_bytes(), low.to_be_bytes());
    push_hex(out, &high[..4]);
    for part in [&high[4..6], &high[6..], &low[..2], &low[2..]] {
        out.push('-');
        push_hex(out, part);
    }
}

pub(super) fn push_number(out: &mut String, number: u64) {
    out.push_str(itoa::Buffer::new().format(number));
}

pub(super) fn push_address(out: &mut String, address: [u8; 4]) {
    for (index, part) in address.into_iter().enumerate() {
        if index > 0 {
            out.push('.');
        }
        push_number(out, u64::from(part));
    }
}

/// `k8s.pod.name`.
pub(super) fn pod_name(service: &str, pod: Pod) -> String {
    let set = code(0x5e7_0000 | u64::from(pod.service), 9);
    let replica = u64::from(pod.service) << 16 | u64::from(pod.replica);
    format!("{service}-{set}-{}", code(0xb0d_0000_0000 | replica, 5))
}

/// Spreads the bits of a number. Source: the finaliser of MurmurHash3.
pub(super) fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let number = (number ^ (number >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    number ^ (number >> 33)
}
