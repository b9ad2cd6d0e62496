//! Elements of a NumPy array: numbers of any width and byte order.

/// Type of an array's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    kind: Kind,
    /// Size in bytes, at most 8.
    size: usize,
    big: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A byte of 0 or 1.
    Bool,
    Unsigned,
    Signed,
    Float,
}

/// End of the message about an element of another type.
pub(crate) const EXPECTED: &str = "expected integers or floats of one to eight bytes";

impl Element {
    /// Type that NumPy calls `descr` (`<f4`); `None` for types that are no numbers.
    pub(crate) fn parse(descr: &str) -> Option<Self> {
        let mut letters = descr.chars();
        let (order, kind) = (letters.next()?, letters.next()?);
        let size = letters.as_str().parse().ok()?;
        let kind = match (kind, size) {
            ('b', 1) => Kind::Bool,
            ('u', 1 | 2 | 4 | 8) => Kind::Unsigned,
            ('i', 1 | 2 | 4 | 8) => Kind::Signed,
            ('f', 2 | 4 | 8) => Kind::Float,
            _ => return None,
        };
        let known = matches!(order, '<' | '>' | '=') || (order == '|' && size == 1);
        known.then_some(Self { kind, size, big: order == '>' })
    }

    /// Size of an element in bytes.
    pub(crate) fn size(self) -> u64 {
        self.size as u64
    }

    /// Whether elements are floats.
    pub(crate) fn is_float(self) -> bool {
        self.kind == Kind::Float
    }

    /// Whether elements are true or false.
    pub(crate) fn is_bool(self) -> bool {
        self.kind == Kind::Bool
    }

    /// Whether elements are bytes from 0 to 255.
    pub(crate) fn is_byte(self) -> bool {
        self.kind == Kind::Unsigned && self.size == 1
    }

    /// Number in `bytes`. Integers of more than 53 bits lose their last bits.
    pub(crate) fn number(self, bytes: &[u8]) -> f64 {
        let bits = self.bits(bytes);
        match (self.kind, self.size) {
            (Kind::Float, 2) => half(bits as u16),
            (Kind::Float, 4) => f32::from_bits(bits as u32).into(),
            (Kind::Float, _) => f64::from_bits(bits),
            (Kind::Bool | Kind::Unsigned, _) => bits as f64,
            (Kind::Signed, _) => self.signed(bits) as f64,
        }
    }

    /// Whole number in `bytes`; `None` for a float with a fraction, and for a number that an `i64` cannot hold.
    pub(crate) fn integer(self, bytes: &[u8]) -> Option<i64> {
        let bits = self.bits(bytes);
        match self.kind {
            Kind::Bool | Kind::Unsigned => i64::try_from(bits).ok(),
            Kind::Signed => Some(self.signed(bits)),
            Kind::Float => {
                let number = self.number(bytes);
                // Up to here every whole number is a float of its own.
                (number.trunc() == number && number.abs() <= (1_u64 << 53) as f64).then_some(number as i64)
            }
        }
    }

    fn bits(self, bytes: &[u8]) -> u64 {
        let push = |bits: u64, byte: &u8| bits << 8 | u64::from(*byte);
        if self.big { bytes.iter().fold(0, push) } else { bytes.iter().rev().fold(0, push) }
    }

    fn signed(self, bits: u64) -> i64 {
        let unused = 64 - 8 * self.size as u32;
        (bits << unused).cast_signed() >> unused
    }
}

/// Value of a float of 16 bits: a sign, 5 bits of exponent, 10 bits of fraction.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2_f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_in_every_type_that_can_hold_it() {
        let table: &[(&str, &[u8], f64)] = &[
            ("|u1", &[200], 200.0),
            ("|i1", &[200], -56.0),
            ("|b1", &[1], 1.0),
            ("<i2", &[0xfe, 0xff], -2.0),
            (">i2", &[0xff, 0xfe], -2.0),
            (">u2", &[1, 2], 258.0),
            ("<u4", &[1, 2, 0, 0], 513.0),
            (">i8", &[0, 0, 0, 0, 0, 0, 1, 0], 256.0),
            ("<f4", &1.5_f32.to_le_bytes(), 1.5),
            (">f4", &1.5_f32.to_be_bytes(), 1.5),
            (">f8", &(-3_f64).to_be_bytes(), -3.0),
            // Python: struct.pack("<e", 1 / 3).hex() == "5535"; 0.333251953125 is 1365 / 4096.
            ("<f2", &[0x55, 0x35], 1365.0 / 4096.0),
            ("<f2", &[0x01, 0x80], -1.0 / 16_777_216.0),
            (">f2", &[0x7c, 0x00], f64::INFINITY),
        ];
        for (descr, bytes, number) in table {
            let element = Element::parse(descr).unwrap_or_else(|| panic!("{descr}"));
            assert_eq!((element.size(), element.number(bytes)), (bytes.len() as u64, *number), "{descr}");
        }
        for descr in ["", "|O", "<U5", "<c8", "<f16", "|V3", "<i3", "|i4", "u1", "<M8[ns]"] {
            assert_eq!(Element::parse(descr), None, "{descr}");
        }
    }

    #[test]
    fn a_float_is_an_integer_where_it_is_whole_and_exact() {
        let of = |number: f64| Element::parse("<f8").and_then(|element| element.integer(&number.to_le_bytes()));
        assert_eq!([of(3.0), of(-1.0), of(2.5), of(f64::NAN), of(1e300)], [Some(3), Some(-1), None, None, None]);
        let large = Element::parse("<u8").and_then(|element| element.integer(&[0xff; 8]));
        assert_eq!(large, None);
    }
}
