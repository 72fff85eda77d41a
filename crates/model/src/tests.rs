use crate::{IdError, SpanId, TenantId, TraceId};

#[test]
fn trace_ids_read_16_or_32_digits_of_any_case() {
    let short: TraceId = "00F067AA0BA902B7".parse().unwrap();
    assert!(short.is_64_bit());
    assert_eq!(short.to_string(), "000000000000000000f067aa0ba902b7");
    let long: TraceId = "4bF92f3577b34da6A3ce929d0e0e4736".parse().unwrap();
    assert!(!long.is_64_bit());
    assert_eq!(long.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
}

#[test]
fn wrong_ids_say_what_is_wrong() {
    let error = |text: &str| text.parse::<TraceId>().unwrap_err();
    assert_eq!(
        error("abc"),
        IdError::Length {
            expected: "16 or 32",
            got: 3
        }
    );
    assert_eq!(error("0000000000000000"), IdError::Zero);
    assert_eq!(error("00f067aa0ba902bx"), IdError::NotHex { position: 15 });
    assert_eq!(error("ä0f067aa0ba902b"), IdError::NotHex { position: 0 });
    assert_eq!(
        "00".parse::<SpanId>().unwrap_err(),
        IdError::Length {
            expected: "16",
            got: 2
        }
    );
}

#[test]
fn tenants_are_safe_path_segments() {
    assert!("team-a_1.eu".parse::<TenantId>().is_ok());
    for bad in ["", "..", ".a", "a/b", "a b", &"x".repeat(65)] {
        assert_eq!(bad.parse::<TenantId>(), Err(IdError::Tenant), "{bad}");
    }
}
