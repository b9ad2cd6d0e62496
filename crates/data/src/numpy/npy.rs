//! Header of an .npy array.
//!
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>

use std::io::Read;

/// Longest header that is accepted, in bytes. NumPy has the same limit for files that it does not trust.
const MAX_HEADER: usize = 10_000;

/// Content of the header of an .npy array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Type of the elements in NumPy's notation (`|u1`).
    pub(crate) descr: String,
    /// Sizes of the dimensions.
    pub(crate) shape: Vec<u64>,
    /// Whether the first index is the fastest in the file (Fortran order), and not the last.
    pub(crate) fortran: bool,
    /// Size of the header in bytes, preamble included.
    pub(crate) length: u64,
}

impl Header {
    /// Reads a header. The error is one sentence.
    pub(crate) fn read(reader: &mut impl Read) -> Result<Self, String> {
        let mut preamble = [0; 8];
        reader.read_exact(&mut preamble).map_err(|_| "cut off before its .npy header".to_owned())?;
        let [0x93, b'N', b'U', b'M', b'P', b'Y', major, _] = preamble else {
            return Err("does not start as a .npy array does".to_owned());
        };
        let mut size = [0; 4];
        let width = if major == 1 { 2 } else { 4 };
        reader.read_exact(&mut size[..width]).map_err(|_| "cut off in its header".to_owned())?;
        let size = u32::from_le_bytes(size) as usize;
        if size > MAX_HEADER {
            return Err(format!("its header claims {size} bytes, at most {MAX_HEADER} are accepted"));
        }
        let mut text = vec![0; size];
        reader.read_exact(&mut text).map_err(|_| "cut off in its header".to_owned())?;
        let text = String::from_utf8_lossy(&text);
        let fortran = match value(&text, "fortran_order")? {
            "True" => true,
            "False" => false,
            other => return Err(format!("its header has a `fortran_order` of {other}")),
        };
        let descr = value(&text, "descr")?.trim_matches('\'').to_owned();
        let shape = shape(value(&text, "shape")?)?;
        // Of one dimension that is more than 1, both orders are the same.
        let fortran = fortran && shape.iter().filter(|size| **size != 1).count() > 1;
        Ok(Self { descr, shape, fortran, length: (8 + width + size) as u64 })
    }

    /// Number of elements; `None` if the number does not fit into 64 bits.
    pub(crate) fn elements(&self) -> Option<u64> {
        self.shape.iter().try_fold(1_u64, |product, size| product.checked_mul(*size))
    }
}

/// Text of the value of `key` in the Python dictionary that a header is.
fn value<'a>(header: &'a str, key: &str) -> Result<&'a str, String> {
    let (_, rest) = header.split_once(&format!("'{key}':")).ok_or_else(|| format!("its header has no `{key}`"))?;
    let rest = rest.trim_start();
    let end = if rest.starts_with('(') { rest.find(')').map(|at| at + 1) } else { rest.find([',', '}']) };
    end.map(|end| rest[..end].trim()).ok_or_else(|| format!("its header is cut off after `{key}`"))
}

fn shape(tuple: &str) -> Result<Vec<u64>, String> {
    let inner = tuple.trim_start_matches('(').trim_end_matches(')');
    let sizes = inner.split(',').map(str::trim).filter(|size| !size.is_empty());
    sizes.map(|size| size.parse().map_err(|_| format!("its header has a shape `{tuple}`"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(dictionary: &str) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((dictionary.len() as u16).to_le_bytes());
        bytes.extend(dictionary.as_bytes());
        bytes
    }

    #[test]
    fn a_header_as_numpy_writes_it_is_read() {
        let raw = bytes("{'descr': '|u1', 'fortran_order': False, 'shape': (7000, 28, 28, 3), }          \n");
        let header = Header::read(&mut raw.as_slice());
        let expected =
            Header { descr: "|u1".into(), shape: vec![7000, 28, 28, 3], fortran: false, length: raw.len() as u64 };
        assert_eq!(header, Ok(expected));
        for (shape, fortran) in [("(7000, 2)", true), ("(7000, 1)", false), ("(7000,)", false)] {
            let raw = bytes(&format!("{{'descr': '<f8', 'fortran_order': True, 'shape': {shape}, }}"));
            assert_eq!(Header::read(&mut raw.as_slice()).map(|header| header.fortran), Ok(fortran), "{shape}");
        }
    }

    #[test]
    fn each_broken_header_is_refused_with_its_reason() {
        let table = [
            (b"\x93NUMPY".to_vec(), "cut off before its .npy header"),
            (b"PK\x03\x04aaaaaaaa".to_vec(), "does not start as"),
            (bytes("{'descr': '|u1', 'fortran_order': None, 'shape': (1,), }"), "`fortran_order` of None"),
            (bytes("{'descr': '|u1', 'fortran_order': False, 'shape': (1, x), }"), "shape `(1, x)`"),
            (bytes("{'descr': '|u1'"), "no `fortran_order`"),
            (b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), "claims 4294967295 bytes"),
        ];
        for (raw, reason) in table {
            let error = Header::read(&mut raw.as_slice()).err().unwrap_or_default();
            assert!(error.contains(reason), "{error}");
        }
    }
}
