//! Single values of arrays, read in place: nothing is unpacked to know how long it is.

use arrow_array::cast::AsArray;
use arrow_array::{AnyDictionaryArray, Array, downcast_integer_array};
use arrow_schema::DataType;
use datafusion::arrow::datatypes::ArrowNativeType;

/// The place of a row's value among the values of a dictionary; none if the row has no value.
pub(crate) fn key(dictionary: &dyn AnyDictionaryArray, row: usize) -> Option<usize> {
    let keys = dictionary.keys();
    if keys.is_null(row) {
        return None;
    }
    downcast_integer_array!(
        keys => Some(keys.value(row).as_usize()),
        other => {
            debug_assert!(false, "keys of a dictionary are integers, not {other}");
            None
        }
    )
}

/// The bytes of a row's value when it stands alone, without what arrays add; 0 for null.
pub(crate) fn value_bytes(values: &dyn Array, row: usize) -> usize {
    if values.is_null(row) {
        return 0;
    }
    let elements = |list: &dyn Array| (0..list.len()).map(|row| value_bytes(list, row)).sum();
    match values.data_type() {
        DataType::Utf8 => values.as_string::<i32>().value(row).len(),
        DataType::LargeUtf8 => values.as_string::<i64>().value(row).len(),
        DataType::Utf8View => values.as_string_view().value(row).len(),
        DataType::Binary => values.as_binary::<i32>().value(row).len(),
        DataType::LargeBinary => values.as_binary::<i64>().value(row).len(),
        DataType::BinaryView => values.as_binary_view().value(row).len(),
        DataType::Dictionary(_, _) => {
            let dictionary = values.as_any_dictionary();
            let place = key(dictionary, row);
            place.map_or(0, |place| value_bytes(&**dictionary.values(), place))
        }
        DataType::List(_) => elements(&*values.as_list::<i32>().value(row)),
        DataType::LargeList(_) => elements(&*values.as_list::<i64>().value(row)),
        DataType::FixedSizeList(_, _) => elements(&*values.as_fixed_size_list().value(row)),
        DataType::Map(_, _) => elements(&values.as_map().value(row)),
        DataType::Struct(_) => {
            let columns = values.as_struct().columns().iter();
            columns.map(|column| value_bytes(&**column, row)).sum()
        }
        other => other.primitive_width().unwrap_or(size_of::<u64>()),
    }
}
