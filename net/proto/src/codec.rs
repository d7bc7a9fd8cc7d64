//! CBOR, with the two checks every decoder needs: a size limit and no bytes left over.

use cbor4ii::core::dec::Read;
use cbor4ii::core::utils::SliceReader;
use cbor4ii::serde::Deserializer;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why bytes are not a value of the expected type.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// More bytes than the type may have.
    #[error("{size} bytes, at most {max} are allowed")]
    TooLarge {
        /// Bytes received.
        size: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// Not CBOR, or not of this type.
    #[error("malformed")]
    Malformed,
    /// A whole value, then more.
    #[error("bytes left over after the value")]
    Trailing,
}

/// Encodes `value` as CBOR.
#[allow(clippy::expect_used)] // Our wire types hold no map or number that CBOR lacks, and a Vec never fails to grow.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    cbor4ii::serde::to_vec(Vec::new(), value).expect("wire types always encode")
}

/// Decodes exactly one `T` from at most `max` bytes.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], max: usize) -> Result<T, DecodeError> {
    match decode_first(bytes, max)? {
        (value, []) => Ok(value),
        _ => Err(DecodeError::Trailing),
    }
}

/// Decodes the `T` that opens at most `max` bytes, and returns what follows it.
pub fn decode_first<T: DeserializeOwned>(bytes: &[u8], max: usize) -> Result<(T, &[u8]), DecodeError> {
    if bytes.len() > max {
        return Err(DecodeError::TooLarge { size: bytes.len(), max });
    }
    let mut deserializer = Deserializer::new(SliceReader::new(bytes));
    let value = T::deserialize(&mut deserializer).map_err(|_| DecodeError::Malformed)?;
    let mut reader = deserializer.into_inner();
    let rest = reader.fill(bytes.len()).map_or(0, |rest| rest.as_ref().len());
    Ok((value, &bytes[bytes.len() - rest..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_left_over_are_refused() {
        let mut bytes = encode(&7u8);
        assert_eq!(decode::<u8>(&bytes, 16).unwrap(), 7);
        bytes.push(0);
        assert!(matches!(decode::<u8>(&bytes, 16), Err(DecodeError::Trailing)));
    }

    #[test]
    fn too_many_bytes_are_refused_before_decoding() {
        assert!(matches!(decode::<u8>(&[0; 17], 16), Err(DecodeError::TooLarge { size: 17, max: 16 })));
    }
}
