use super::*;

#[test]
fn an_empty_body_is_a_request_without_spans() {
    let decoded = decode_protobuf(b"", &Limits::default()).unwrap();
    assert!(decoded.spans.is_empty());
    assert_eq!(decoded.rejected.count(), 0);
}
