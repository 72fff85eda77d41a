use proptest::collection::vec;
use proptest::prelude::*;
use testkit::skeleton::{ReadError, read};

use super::*;

#[derive(Serialize, Clone, Debug)]
struct Facts {
    said: String,
}

fn bytes_of(chunks: &[Chunk<Facts>]) -> Vec<u8> {
    let mut bytes = begin().to_vec();
    for chunk in chunks {
        for piece in chunk.clone().into_pieces().expect("facts are JSON") {
            assert_eq!(piece.len() % ALIGNMENT, 0);
            bytes.extend_from_slice(&piece);
        }
    }
    bytes
}

fn numbers() -> impl Strategy<Value = Numbers> {
    prop_oneof![
        vec(any::<u8>(), 0..9).prop_map(Numbers::U8),
        vec(any::<u16>(), 0..9).prop_map(Numbers::U16),
        vec(any::<u32>(), 0..9).prop_map(Numbers::U32),
        vec(any::<u64>(), 0..9).prop_map(Numbers::U64),
        vec(-1e18..1e18, 0..9).prop_map(Numbers::F64),
    ]
}

fn same(read: &testkit::skeleton::Numbers, written: &Numbers) -> bool {
    use testkit::skeleton::Numbers as Read;
    match (read, written) {
        (Read::U8(a), Numbers::U8(b)) => a == b,
        (Read::U16(a), Numbers::U16(b)) => a == b,
        (Read::U32(a), Numbers::U32(b)) => a == b,
        (Read::U64(a), Numbers::U64(b)) => a == b,
        (Read::F64(a), Numbers::F64(b)) => a == b,
        _ => false,
    }
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_written(
        columns in vec(numbers(), 0..4),
        said in "\\PC{0,12}",
        cut in any::<prop::sample::Index>(),
    ) {
        let names = ["a", "b", "c", "d"];
        let columns = columns.into_iter().zip(names);
        let chunk = |kind| Chunk {
            kind,
            facts: Facts { said: said.clone() },
            columns: columns.clone().map(|(numbers, name)| Column { name, numbers }).collect(),
        };
        let written = [chunk(ChunkKind::Preview), chunk(ChunkKind::Whole)];
        let bytes = bytes_of(&written);
        let found = read(&bytes).expect("it was just written");
        prop_assert_eq!(found.len(), 2);
        for (found, written) in found.iter().zip(&written) {
            prop_assert_eq!(found.kind, written.kind as u32);
            prop_assert_eq!(&found.header["said"], &said);
            prop_assert_eq!(found.columns.len(), written.columns.len());
            for column in &written.columns {
                prop_assert!(same(&found.columns[column.name], &column.numbers));
            }
        }
        // A stream that broke off is never taken for a whole one.
        let cut = cut.index(bytes.len());
        prop_assert!(read(&bytes[..cut]).is_err());
    }

    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in vec(any::<u8>(), 0..200), is_ours in any::<bool>()) {
        if is_ours {
            bytes.splice(..0, begin());
        }
        let _ = read(&bytes);
    }
}

#[test]
fn another_version_is_refused() {
    let mut bytes = begin();
    bytes[8] = 2;
    assert_eq!(read(&bytes).err(), Some(ReadError::Version(2)));
    assert_eq!(read(b"PK\x03\x04").err(), Some(ReadError::NotASkeleton));
}

#[test]
fn places_take_two_bytes_where_these_are_enough() {
    let narrow = Column::of_places("a", vec![0, 65_535], 65_536);
    assert_eq!(narrow.numbers, Numbers::U16(vec![0, 65_535]));
    let wide = Column::of_places("a", vec![0, 65_536], 65_537);
    assert_eq!(wide.numbers, Numbers::U32(vec![0, 65_536]));
}
