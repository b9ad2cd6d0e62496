//! The pickle of a bare tensor, written.

use crate::torch::element_type::ElementType;

/// The pickle of a contiguous tensor of `shape` in storage `0`, as torch.save writes it but for its memo.
pub fn bytes(element: ElementType, shape: &[u64]) -> Vec<u8> {
    let mut bytes = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((".to_vec();
    push_text(&mut bytes, "storage");
    bytes.extend(format!("ctorch\n{}\n", element.storage()).bytes());
    push_text(&mut bytes, "0");
    push_text(&mut bytes, "cpu");
    push_number(&mut bytes, shape.iter().product());
    bytes.extend(b"tQ");
    push_number(&mut bytes, 0);
    let strides: Vec<u64> = (1..=shape.len()).map(|at| shape[at..].iter().product()).collect();
    push_tuple(&mut bytes, shape);
    push_tuple(&mut bytes, &strides);
    bytes.extend(b"\x89ccollections\nOrderedDict\n)RtR.");
    bytes
}

/// Appends a tuple. One of three numbers has an opcode of its own.
fn push_tuple(bytes: &mut Vec<u8>, numbers: &[u64]) {
    let short = numbers.len() == 3;
    if !short {
        bytes.push(b'(');
    }
    for number in numbers {
        push_number(bytes, *number);
    }
    bytes.push(if short { 0x87 } else { b't' });
}

fn push_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(b'X');
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(text.as_bytes());
}

/// Appends `number` in eight bytes, two's complement.
fn push_number(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend([0x8a, 8]);
    bytes.extend(number.to_le_bytes());
}
