use super::*;

/// The bytes of `torch.save(torch.zeros(1, 3, 2, 2, dtype=torch.float64), ..)`, torch 2.11.
const OF_TORCH: &[u8] = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nq\x00((X\x07\x00\x00\x00storageq\x01\
    ctorch\nDoubleStorage\nq\x02X\x01\x00\x00\x000q\x03X\x03\x00\x00\x00cpuq\x04K\x0ctq\x05QK\x00\
    (K\x01K\x03K\x02K\x02tq\x06(K\x0cK\x04K\x02K\x01tq\x07\x89ccollections\nOrderedDict\nq\x08)Rq\x09tq\x0aRq\x0b.";

#[test]
fn a_tensor_as_torch_pickles_it_is_understood() {
    let expected = Tensor {
        element: ElementType::Float64,
        storage: "0".into(),
        elements: 12,
        offset: 0,
        shape: vec![1, 3, 2, 2],
        strides: vec![12, 4, 2, 1],
    };
    assert_eq!(tensor(OF_TORCH), Ok(expected));
}

#[test]
fn what_is_written_is_read_back() {
    let read = tensor(&bytes(ElementType::Float32, &[3, 224, 200])).unwrap();
    assert_eq!((read.shape, read.strides), (vec![3, 224, 200], vec![44_800, 200, 1]));
    assert_eq!(
        (read.element, read.elements, read.offset, read.storage.as_str()),
        (ElementType::Float32, 134_400, 0, "0")
    );
}

#[test]
fn a_pickle_cut_off_anywhere_is_an_error() {
    for pickle in [OF_TORCH, &bytes(ElementType::Float32, &[3, 2, 2])] {
        for cut in 0..pickle.len() {
            assert!(tensor(&pickle[..cut]).is_err(), "cut at {cut}");
        }
    }
}

/// Whatever the bytes are, the answer is an answer: every byte of a pickle replaced by every other.
#[test]
fn a_changed_pickle_is_never_a_panic() {
    let mut changed = OF_TORCH.to_vec();
    for at in 0..changed.len() {
        for byte in 0..=255 {
            changed[at] = byte;
            let _ = tensor(&changed);
        }
        changed[at] = OF_TORCH[at];
    }
}

#[test]
fn a_pickle_that_calls_a_function_is_refused_by_the_functions_name() {
    let error = tensor(b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.").unwrap_err();
    assert_eq!(error, "it holds a `posix.system`, expected a plain tensor");
    let error = tensor(b"\x80\x02ctorch._utils\n_rebuild_parameter\n)R.").unwrap_err();
    assert!(error.contains("torch._utils._rebuild_parameter"), "{error}");
}

#[test]
fn other_contents_are_refused_with_what_they_are() {
    let half = OF_TORCH.to_vec();
    let half = String::from_utf8_lossy(&half[2..]).replace("DoubleStorage", "HalfStorage");
    let table = [
        (b"\x80\x02}q\x00.".to_vec(), "pickle opcode 0x7d"),
        (b"\x80\x04.".to_vec(), "protocol 4"),
        (b"\x80\x02K\x01.".to_vec(), "something else than one tensor"),
        (b"\x80\x02.".to_vec(), "something else than one tensor"),
        (b"h\x07.".to_vec(), "broken"),
        (b"t.".to_vec(), "broken"),
        (b"\x8a\x09".to_vec(), "a number of 9 bytes"),
    ];
    for (pickle, reason) in table {
        let error = tensor(&pickle).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
    // The first byte of what is left is no opcode's argument.
    let error = tensor(half.replace('\u{fffd}', "\u{0}").as_bytes()).unwrap_err();
    assert!(error.contains("`torch.HalfStorage`, expected float32 or float64"), "{error}");
}

/// Each doubling takes five bytes: copies instead of shares would need 2^700 objects.
#[test]
fn a_pickle_that_doubles_itself_takes_no_memory() {
    let mut bomb = b"\x80\x02)".to_vec();
    for _ in 0..700 {
        bomb.extend(b"q\x00h\x00\x86");
    }
    bomb.push(b'.');
    assert!(tensor(&bomb).is_err());
}
