//! Reads the fields of a protobuf message from a slice, without copying.
//!
//! Source: the protobuf encoding guide. As in `prost`, a known field of the wrong wire type is an error, and so is a field
//! number of 0 or above 2²⁹ − 1; varints may be longer than they need to be, up to ten bytes.

/// How a field's value is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WireType {
    Varint,
    Fixed64,
    Bytes,
    GroupStart,
    GroupEnd,
    Fixed32,
}

/// Bytes that are no protobuf message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) problem: &'static str,
    /// Where, as the address of a byte, which only differences are taken of.
    address: usize,
}

impl Malformed {
    #[cold]
    pub(crate) fn at(problem: &'static str, bytes: &[u8]) -> Self {
        Self {
            problem,
            address: bytes.as_ptr().addr(),
        }
    }

    /// The offset in `body`, of which the offending slice is a part; either end of it for a message that was merged from parts.
    pub(crate) fn position(&self, body: &[u8]) -> usize {
        self.address
            .saturating_sub(body.as_ptr().addr())
            .min(body.len())
    }
}

/// Groups may nest as deep as `prost` lets them.
const GROUP_DEPTH_MAX: usize = 100;

/// What is left of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The number and wire type of the next field, or `None` at the end of the message.
    #[inline]
    pub(crate) fn field(&mut self) -> Result<Option<(u32, WireType)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let at = self.rest;
        let key = self.varint_value()?;
        let wire = match key & 7 {
            0 => WireType::Varint,
            1 => WireType::Fixed64,
            2 => WireType::Bytes,
            3 => WireType::GroupStart,
            4 => WireType::GroupEnd,
            5 => WireType::Fixed32,
            _ => return Err(Malformed::at("unknown wire type", at)),
        };
        match u32::try_from(key) {
            Ok(key) if key >= 8 => Ok(Some((key >> 3, wire))),
            _ => Err(Malformed::at("field number out of range", at)),
        }
    }

    #[inline]
    pub(crate) fn varint(&mut self, wire: WireType) -> Result<u64, Malformed> {
        self.expect(wire, WireType::Varint)?;
        self.varint_value()
    }

    #[inline]
    pub(crate) fn fixed64(&mut self, wire: WireType) -> Result<u64, Malformed> {
        self.expect(wire, WireType::Fixed64)?;
        self.array().map(u64::from_le_bytes)
    }

    #[inline]
    pub(crate) fn fixed32(&mut self, wire: WireType) -> Result<u32, Malformed> {
        self.expect(wire, WireType::Fixed32)?;
        self.array().map(u32::from_le_bytes)
    }

    /// The bytes of a string, of bytes, or of a message.
    #[inline]
    pub(crate) fn bytes(&mut self, wire: WireType) -> Result<&'a [u8], Malformed> {
        self.expect(wire, WireType::Bytes)?;
        self.bytes_value()
    }

    #[inline]
    pub(crate) fn text(&mut self, wire: WireType) -> Result<&'a str, Malformed> {
        let bytes = self.bytes(wire)?;
        utf8(bytes)
    }

    /// Passes over the value of a field that nobody knows.
    #[cold]
    pub(crate) fn skip(&mut self, number: u32, wire: WireType) -> Result<(), Malformed> {
        if wire != WireType::GroupStart {
            return self.skip_value(wire);
        }
        let mut open = vec![number];
        while let Some(&innermost) = open.last() {
            let at = self.rest;
            match self.field()? {
                None => return Err(Malformed::at("group without an end", at)),
                Some((number, WireType::GroupStart)) if open.len() < GROUP_DEPTH_MAX => {
                    open.push(number);
                }
                Some((_, WireType::GroupStart)) => {
                    return Err(Malformed::at("groups nest too deep", at));
                }
                Some((number, WireType::GroupEnd)) if number == innermost => {
                    open.pop();
                }
                Some((_, wire)) => self.skip_value(wire)?,
            }
        }
        Ok(())
    }

    fn skip_value(&mut self, wire: WireType) -> Result<(), Malformed> {
        match wire {
            WireType::Varint => self.varint_value().map(drop),
            WireType::Fixed64 => self.array::<8>().map(drop),
            WireType::Fixed32 => self.array::<4>().map(drop),
            WireType::Bytes => self.bytes_value().map(drop),
            WireType::GroupStart | WireType::GroupEnd => {
                Err(Malformed::at("end of a group that is not open", self.rest))
            }
        }
    }

    #[inline]
    fn expect(&self, wire: WireType, expected: WireType) -> Result<(), Malformed> {
        if wire == expected {
            Ok(())
        } else {
            Err(Malformed::at("wrong wire type for this field", self.rest))
        }
    }

    #[inline]
    fn bytes_value(&mut self) -> Result<&'a [u8], Malformed> {
        let at = self.rest;
        let len = self.varint_value()?;
        let split = usize::try_from(len)
            .ok()
            .and_then(|len| self.rest.split_at_checked(len));
        let (bytes, rest) = split.ok_or_else(|| Malformed::at("length past the end", at))?;
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (array, rest) = self
            .rest
            .split_first_chunk()
            .ok_or_else(|| Malformed::at("number past the end", self.rest))?;
        self.rest = rest;
        Ok(*array)
    }

    #[inline]
    fn varint_value(&mut self) -> Result<u64, Malformed> {
        match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for (i, &byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                if i == 9 && byte > 1 {
                    break;
                }
                self.rest = &self.rest[i + 1..];
                return Ok(value);
            }
        }
        let problem = if self.rest.len() < 10 {
            "varint past the end"
        } else {
            "varint of more than 64 bits"
        };
        Err(Malformed::at(problem, self.rest))
    }
}

#[inline]
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed::at("text is not UTF-8", bytes))
}
