//! JSON into MessagePack, as it is read: no tree of it is made.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use smallvec::SmallVec;
use std::fmt;
use std::ops::Range;

/// Most keys of a map that are compared with one another.
const MAX_KEYS: usize = 16;

/// Translates a JSON message into a MessagePack one. Where a key stands twice in a map, the last value counts.
pub fn transcode(json: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(json.len());
    let mut reader = serde_json::Deserializer::from_slice(json);
    match Pack(&mut packed).deserialize(&mut reader) {
        Ok(()) => packed,
        Err(_) => by_way_of_a_value(json),
    }
}

/// The same for maps of many keys and of keys that stand twice.
fn by_way_of_a_value(json: &[u8]) -> Vec<u8> {
    serde_json::from_slice::<Value>(json)
        .ok()
        .and_then(|value| rmp_serde::to_vec_named(&value).ok())
        .unwrap_or_default()
}

/// Appends what it reads. Writing to memory does not fail, so results of that are dropped.
struct Pack<'a>(&'a mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for Pack<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Pack<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        drop(rmp::encode::write_nil(self.0));
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        drop(rmp::encode::write_bool(self.0, value));
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        drop(rmp::encode::write_uint(self.0, value));
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        drop(rmp::encode::write_sint(self.0, value));
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        drop(rmp::encode::write_f64(self.0, value));
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        drop(rmp::encode::write_str(self.0, value));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let (head, mut len) = (begin(self.0), 0);
        while seq.next_element_seed(Pack(self.0))?.is_some() {
            len += 1;
        }
        end(self.0, head, len, 0x90, |header, len| drop(rmp::encode::write_array_len(header, len)));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let head = begin(self.0);
        let mut keys: SmallVec<[Range<usize>; MAX_KEYS]> = SmallVec::new();
        loop {
            let from = self.0.len();
            if map.next_key_seed(Pack(self.0))?.is_none() {
                break;
            }
            let (before, key) = self.0.split_at(from);
            if keys.len() == MAX_KEYS || keys.iter().any(|other| before[other.clone()] == *key) {
                return Err(A::Error::custom("many keys, or one of them twice"));
            }
            keys.push(from..self.0.len());
            map.next_value_seed(Pack(self.0))?;
        }
        end(self.0, head, keys.len(), 0x80, |header, len| drop(rmp::encode::write_map_len(header, len)));
        Ok(())
    }
}

/// Leaves room for the shortest header; where that is.
fn begin(packed: &mut Vec<u8>) -> usize {
    packed.push(0);
    packed.len() - 1
}

/// Writes the header of so many elements to where room was left for it, and makes more where it is longer. Of up to 15 the
/// number is in the low bits of `short`.
fn end(packed: &mut Vec<u8>, head: usize, len: usize, short: u8, write: impl FnOnce(&mut Vec<u8>, u32)) {
    if len < 16 {
        packed[head] = short | len as u8;
        return;
    }
    let mut header = Vec::new();
    write(&mut header, u32::try_from(len).unwrap_or(u32::MAX));
    packed.splice(head..=head, header);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-200..200_i64).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,40}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 200, 20, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..20).prop_map(Value::from),
                prop::collection::btree_map(".{0,9}", inner, 0..20).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_packed_is_what_was_there(value in value()) {
            let json = serde_json::to_vec(&value).unwrap();
            let read: Value = serde_json::from_slice(&json).unwrap();
            prop_assert_eq!(transcode(&json), rmp_serde::to_vec_named(&read).unwrap());
        }
    }

    #[test]
    fn of_a_key_that_stands_twice_the_last_value_counts_however_large_the_map() {
        let many: String = (0..MAX_KEYS).map(|n| format!("\"k{n}\":{n},")).collect();
        for (json, alone) in [
            (r#"{"a":1,"b":[],"a":{}}"#.to_owned(), r#"{"a":{},"b":[]}"#.to_owned()),
            (format!(r#"{{{many}"k0":9}}"#), format!(r#"{{{many}"k0":9}}"#)),
        ] {
            let alone: Value = serde_json::from_str(&alone).unwrap();
            assert_eq!(transcode(json.as_bytes()), rmp_serde::to_vec_named(&alone).unwrap(), "{json}");
        }
    }

    #[test]
    fn what_is_not_json_is_nothing() {
        assert!(transcode(b"{").is_empty());
    }
}
