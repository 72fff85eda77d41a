//! Decompression within a limit.
//!
//! Output is counted while it is made, so a bomb costs at most the limit.

use std::io::{self, Read};

use crate::admission::Charge;
use crate::refusal::{Reason, Refusal};

/// Output is made in steps of this size: large enough to amortise calls, small against any limit.
const STEP: usize = 64 << 10;

/// The largest window that a zstd frame may ask for: 32 MiB, what the widest-used Go encoder takes at its best level. RFC 8878
/// recommends at least 8 MiB; frames of `zstd --ultra` with 128 MiB are refused.
const ZSTD_WINDOW_LOG_MAX: u32 = 25;

/// How a body or message is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    Identity,
    Gzip,
    Deflate,
    Zstd,
}

/// For `Accept-Encoding` and `grpc-accept-encoding`.
pub(crate) const ACCEPTED: &str = "identity,gzip,deflate,zstd";

impl Compression {
    /// Reads the value of `Content-Encoding` or `grpc-encoding`.
    pub(crate) fn parse(name: &[u8]) -> Option<Self> {
        let names: [(&str, Self); 6] = [
            ("identity", Self::Identity),
            ("", Self::Identity),
            ("gzip", Self::Gzip),
            ("x-gzip", Self::Gzip),
            ("deflate", Self::Deflate),
            ("zstd", Self::Zstd),
        ];
        let name = name.trim_ascii();
        let found = names
            .iter()
            .find(|(n, _)| name.eq_ignore_ascii_case(n.as_bytes()));
        found.map(|(_, compression)| *compression)
    }

    /// The decompressed form of `wire`, at most `limit` bytes of it; `charge` grows with the output.
    ///
    /// Errors: `TooLarge`, `Malformed` for bytes that are not (the whole of) a compressed stream, `Overloaded`.
    pub(crate) fn decompress(
        self,
        wire: &[u8],
        limit: usize,
        charge: &mut Charge,
    ) -> Result<Vec<u8>, Refusal> {
        let grow = |len| charge.grow_to(wire.len() + len);
        match self {
            Self::Identity => Ok(wire.to_vec()),
            Self::Gzip => inflate(flate2::bufread::MultiGzDecoder::new(wire), limit, grow),
            Self::Deflate => inflate(flate2::bufread::ZlibDecoder::new(wire), limit, grow),
            Self::Zstd => {
                let broken = |e: io::Error| Refusal::new(Reason::Internal, e.to_string());
                let mut decoder = zstd::stream::read::Decoder::with_buffer(wire).map_err(broken)?;
                decoder
                    .window_log_max(ZSTD_WINDOW_LOG_MAX)
                    .map_err(broken)?;
                inflate(decoder, limit, grow)
            }
        }
    }
}

fn inflate(
    mut source: impl Read,
    limit: usize,
    mut grow: impl FnMut(usize) -> Result<(), Refusal>,
) -> Result<Vec<u8>, Refusal> {
    let mut out = Vec::new();
    let mut step = vec![0; STEP];
    loop {
        let n = match source.read(&mut step) {
            Ok(0) => return Ok(out),
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => {
                return Err(Refusal::malformed(format!(
                    "the compressed body is damaged or cut off, after {} bytes of output",
                    out.len()
                )));
            }
        };
        if out.len() + n > limit {
            return Err(Refusal::too_large(limit, "after decompression"));
        }
        grow(out.len() + n)?;
        out.extend_from_slice(&step[..n]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::Budget;

    /// Counts what is read from an endless source.
    struct Endless(usize);

    impl Read for &mut Endless {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.0 += buf.len();
            Ok(buf.len())
        }
    }

    #[test]
    fn output_stops_one_step_after_the_limit() {
        let limit = 10 * STEP;
        let mut source = Endless(0);
        let refused = inflate(&mut source, limit, |_| Ok(())).unwrap_err();
        assert_eq!(refused.reason, Reason::TooLarge);
        assert_eq!(source.0, limit + STEP);
    }

    #[test]
    fn output_stops_where_the_budget_ends() {
        let mut charge = Budget::new(3 * STEP, 1).admit(0).unwrap();
        let mut source = Endless(0);
        let refused = inflate(&mut source, usize::MAX, |len| charge.grow_to(len)).unwrap_err();
        assert_eq!(refused.reason, Reason::Overloaded);
        assert_eq!(source.0, 4 * STEP);
    }

    #[test]
    fn a_zstd_frame_may_not_ask_for_a_huge_window() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(ZSTD_WINDOW_LOG_MAX + 1).unwrap();
        io::Write::write_all(&mut encoder, b"small").unwrap();
        let frame = encoder.finish().unwrap();
        let mut charge = Budget::new(1 << 30, 1).admit(0).unwrap();
        let refused = Compression::Zstd.decompress(&frame, 1 << 20, &mut charge);
        assert_eq!(refused.unwrap_err().reason, Reason::Malformed);
    }

    #[test]
    fn names_are_read_in_any_case_and_lists_are_not() {
        assert_eq!(Compression::parse(b" GZip "), Some(Compression::Gzip));
        assert_eq!(Compression::parse(b"gzip, zstd"), None);
        assert_eq!(Compression::parse(b"br"), None);
    }
}
