//! Round trips of the model through columns.

use columnar::{from_model, to_model};
use model::TenantId;
use proptest::prelude::*;

proptest! {
    #[test]
    fn written_json_is_the_tree_that_readers_expect(value in testkit::any_value()) {
        let (kind, text) = columnar::value_to_text(&value);
        if matches!(kind, columnar::ValueType::Array | columnar::ValueType::KvList) {
            let tree: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(tree, columnar::value_to_json(&value));
        }
    }

    #[test]
    fn model_to_columns_and_back_is_identity(spans in testkit::spans(0..20)) {
        let batch = from_model(&spans, &TenantId::default_tenant(), 1);
        prop_assert!(testkit::same_spans(&to_model(&batch).unwrap(), &spans));
    }
}
