//! Round trips of the model through columns.

use columnar::{from_model, to_model};
use model::TenantId;
use proptest::prelude::*;

proptest! {
    #[test]
    fn model_to_columns_and_back_is_identity(spans in testkit::spans(0..20)) {
        let batch = from_model(&spans, &TenantId::default_tenant(), 1);
        prop_assert!(testkit::same_spans(&to_model(&batch).unwrap(), &spans));
    }
}
