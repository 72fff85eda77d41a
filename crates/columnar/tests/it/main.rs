//! Round trips of the model through columns.

use columnar::{
    Column, LogColumn, LogColumns, from_model, layout, logs_from_model, logs_to_model, to_model,
};
use model::TenantId;
use proptest::prelude::*;

proptest! {
    #[test]
    fn model_to_columns_and_back_is_identity(spans in testkit::spans(0..20)) {
        let batch = from_model(&spans, &TenantId::default_tenant(), 1);
        prop_assert!(testkit::same_rows(&to_model(&batch).unwrap(), &spans));
    }

    #[test]
    fn logs_to_columns_and_back_is_identity(records in testkit::logs(0..20)) {
        let batch = logs_from_model(&records, &TenantId::default_tenant(), 1);
        prop_assert!(testkit::same_rows(&logs_to_model(&batch).unwrap(), &records));
        let columns = LogColumns::new(&batch);
        let sort_times = columns.int64(LogColumn::SortTimeUnixNano).unwrap();
        for (record, &sort_time) in records.iter().zip(sort_times.values()) {
            let times = [record.time_unix_nano, record.observed_time_unix_nano, 1];
            prop_assert_eq!(Some(sort_time), times.into_iter().find(|&time| time != 0));
        }
    }

    #[test]
    fn columns_to_a_file_and_back_is_identity(spans in testkit::spans(0..20), received: i64) {
        let batch = from_model(&spans, &TenantId::default_tenant(), received);
        let file = layout::to_file(&batch).unwrap();
        prop_assert_eq!(file.schema(), layout::schema());
        let back = layout::from_file(&file, &Column::ALL).unwrap();
        prop_assert!(testkit::same_rows(&to_model(&back).unwrap(), &spans));
        for column in Column::ALL.into_iter().filter(|c| *c != Column::Attributes) {
            prop_assert_eq!(back.column(column as usize), batch.column(column as usize));
        }
    }
}
