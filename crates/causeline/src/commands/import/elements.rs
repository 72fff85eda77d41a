//! The form of a file, and messages of protobuf files.

use std::io::{self, BufRead, Read};

use super::Format;

/// Most bytes of one message; they are in memory at once.
const MESSAGE_BYTES_MAX: u64 = 256 << 20;

/// The form of a file that begins with `start`, at least some hundred bytes of it where it has them.
pub(super) fn detect(start: &[u8]) -> Result<Format, String> {
    if start.starts_with(b"PAR1") {
        return Ok(Format::Parquet);
    }
    let first = start.iter().find(|b| !b.is_ascii_whitespace());
    let has = |name: &str| memchr::memmem::find(start, name.as_bytes()).is_some();
    match first {
        Some(b'{')
            if has("\"resourceSpans\"") || has("\"resource_spans\"") || has("\"batches\"") =>
        {
            Ok(Format::OtlpJson)
        }
        Some(b'{') if has("\"traceID\"") || has("\"data\"") => Ok(Format::Jaeger),
        Some(b'[') if has("\"traceID\"") => Ok(Format::Jaeger),
        Some(b'[') => Ok(Format::Zipkin),
        Some(b'{') => Err("its form cannot be told; give it with --format".to_owned()),
        Some(_) => Ok(Format::OtlpProtobuf),
        None => Err("it is empty".to_owned()),
    }
}

/// How messages stand in a protobuf file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// One message, or several that make one: fields `resource_spans`.
    Fields,
    /// Each after its length as a varint.
    Varint,
    /// Each after its length in four bytes, the highest first.
    FourBytes,
}

/// Gives each message of `input`: one `TracesData`, or a part of one that is itself one.
///
/// Errors: what is wrong, after the messages before that.
pub(super) fn messages(
    input: &mut dyn BufRead,
    each: &mut dyn FnMut(&[u8]) -> Result<(), String>,
) -> Result<(), String> {
    let start = input.fill_buf().map_err(|e| e.to_string())?;
    let framing = match start {
        // The tag of field 1, length-delimited. A first message of ten bytes cannot hold a span.
        [0x0a, ..] => Framing::Fields,
        [0, _, _, _, ..] => Framing::FourBytes,
        _ => Framing::Varint,
    };
    let problem = |e: io::Error| match e.kind() {
        io::ErrorKind::UnexpectedEof => "ends in the middle of a message".to_owned(),
        _ => e.to_string(),
    };
    loop {
        if input.fill_buf().map_err(|e| e.to_string())?.is_empty() {
            return Ok(());
        }
        if framing == Framing::Fields && byte(input).map_err(problem)? != 0x0a {
            return Err("is no OTLP message of traces".to_owned());
        }
        let len = match framing {
            Framing::FourBytes => {
                let mut len = [0; 4];
                input.read_exact(&mut len).map_err(problem)?;
                u64::from(u32::from_be_bytes(len))
            }
            _ => varint(input).map_err(problem)?,
        };
        if len > MESSAGE_BYTES_MAX {
            return Err(format!("a message has more than {MESSAGE_BYTES_MAX} bytes"));
        }
        let mut message = Vec::new();
        if framing == Framing::Fields {
            message.push(0x0a);
            prost::encode_length_delimiter(len as usize, &mut message)
                .map_err(|e| e.to_string())?;
        }
        let head = message.len();
        let mut body = Read::take(&mut *input, len);
        body.read_to_end(&mut message).map_err(problem)?;
        if message.len() - head < len as usize {
            return Err("ends in the middle of a message".to_owned());
        }
        each(&message)?;
    }
}

fn byte(input: &mut dyn BufRead) -> io::Result<u8> {
    let mut byte = [0];
    input.read_exact(&mut byte)?;
    Ok(byte[0])
}

fn varint(input: &mut dyn BufRead) -> io::Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = byte(input)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(io::Error::other("is no OTLP message of traces"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_from_the_first_bytes() {
        for (start, format) in [
            ("PAR1\u{15}", Format::Parquet),
            (" {\"resourceSpans\":[", Format::OtlpJson),
            ("{\"batches\":[{\"resource\":{}", Format::OtlpJson),
            ("{\"data\":[{\"traceID\":\"1\"", Format::Jaeger),
            ("{\"errors\":null,\"data\":[", Format::Jaeger),
            ("[{\"traceId\":\"1\"", Format::Zipkin),
            ("[[{\"traceId\":\"1\"", Format::Zipkin),
            ("\n\u{5}abc", Format::OtlpProtobuf),
        ] {
            assert_eq!(detect(start.as_bytes()), Ok(format), "{start}");
        }
        assert!(detect(b"").is_err());
        assert!(detect(b"{\"spans\":[]}").is_err());
    }

    #[test]
    fn messages_are_found_in_each_framing() {
        let found = |bytes: &[u8]| {
            let mut all = Vec::new();
            let mut each = |message: &[u8]| {
                all.push(message.to_vec());
                Ok(())
            };
            let mut input = bytes;
            messages(&mut input, &mut each).map(|()| all)
        };
        let fields = [0x0a, 2, 8, 9, 0x0a, 1, 7];
        let parts = vec![vec![0x0a, 2, 8, 9], vec![0x0a, 1, 7]];
        assert_eq!(found(&fields), Ok(parts));
        assert_eq!(found(&[3, 1, 2, 3, 1, 9]), Ok(vec![vec![1, 2, 3], vec![9]]));
        let four = [0, 0, 0, 2, 5, 6, 0, 0, 0, 0];
        assert_eq!(found(&four), Ok(vec![vec![5, 6], vec![]]));
        assert_eq!(found(&[]), Ok(vec![]));
        for wrong in [&[3, 1, 2][..], &[0x0a, 9, 1], &[0x0a, 0, 5], &[0xff; 12]] {
            assert!(found(wrong).is_err(), "{wrong:?}");
        }
    }
}
