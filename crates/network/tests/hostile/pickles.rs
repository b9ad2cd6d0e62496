//! Checkpoints whose pickles were mutated, or unfold.

use crate::{METER, MOST, archive};
use network::{Weights, models};
use tch::{Device, Kind};
use testkit::hostile::{below, mutated, survive};
use zip::CompressionMethod;

/// Most bytes that the reader of checkpoints copies of its memo before it refuses to go on.
const UNFOLDED: usize = 128 << 20;

/// The pickle of `{'net': {'w': float32 [2, 3]}}` as torch.save writes it, but for its memo.
fn state_dict() -> Vec<u8> {
    let text = |text: &str| [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let tensor = [
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text("0"),
        text("cpu"),
        b"K\x06tQK\x00K\x02K\x03\x86K\x03K\x01\x86\x89ccollections\nOrderedDict\n)RtR".to_vec(),
    ];
    [b"\x80\x02}(".to_vec(), text("net"), b"}(".to_vec(), text("w"), tensor.concat(), b"uu.".to_vec()].concat()
}

/// The pickle of `(x, {'w': array})` as torch.save writes it, where `x` is the dictionary of above: protocol 2 spells the
/// bytes of an array as a text.
fn pair() -> Vec<u8> {
    let text = |text: &str| [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let bytes = |values: &str| [b"c_codecs\nencode\n", &text(values)[..], &text("latin1"), b"\x86R"].concat();
    let array = [
        b"cnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85".to_vec(),
        bytes("b"),
        b"\x87R(K\x01K\x01K\x02\x86cnumpy\ndtype\n".to_vec(),
        text("f4"),
        b"\x89\x88\x87R(K\x03".to_vec(),
        text("<"),
        b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89".to_vec(),
        bytes("\u{0}\u{0}\u{80}?\u{0}\u{0}\u{0}\u{c0}"),
        b"tb".to_vec(),
    ];
    let state = state_dict();
    let state = &state[2..state.len() - 1];
    [b"\x80\x02", state, b"}(", &text("w"), &array.concat(), b"u\x86."].concat()
}

#[test]
fn mutated_checkpoints_are_refused_or_read_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.pth");
    std::fs::write(&file, archive(&state_dict(), CompressionMethod::Stored)).unwrap();
    Weights::open(&file).unwrap();
    std::fs::write(&file, archive(&pair(), CompressionMethod::Stored)).unwrap();
    Weights::open(&file).unwrap();
    survive(&METER, MOST, |random| {
        let method = [CompressionMethod::Stored, CompressionMethod::Deflated][below(random, 2)];
        let pickle = if below(random, 2) == 0 { state_dict() } else { pair() };
        let bytes = match below(random, 3) {
            0 => mutated(&archive(&pickle, method), random),
            // The bare pickle, as before PyTorch 1.6.
            1 => mutated(&pickle, random),
            _ => archive(&mutated(&pickle, random), method),
        };
        std::fs::write(&file, bytes).unwrap();
        let _ = models::open("lenet", &file, (Device::Cpu, Kind::Float));
    });
}

/// A pickle of a hundred bytes whose lists hold each other twice over: 2^40 items for whoever unfolds them.
#[test]
fn a_pickle_that_doubles_itself_is_not_unfolded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.pth");
    let mut pickle = b"\x80\x02]q\x00".to_vec();
    for memo in 1..=40_u8 {
        // A list of the last list, twice.
        pickle.extend([b']', b'(', b'h', memo - 1, b'h', memo - 1, b'e', b'q', memo]);
    }
    pickle.push(b'.');
    std::fs::write(&file, archive(&pickle, CompressionMethod::Stored)).unwrap();
    let mut refused = None;
    survive(&METER, UNFOLDED, |_| {
        refused.get_or_insert_with(|| Weights::open(&file).is_err());
    });
    assert_eq!(refused, Some(true));
}

/// Two hundred kilobytes in which a list of 8000 pairs is made a dictionary 4000 times: gigabytes for whoever copies it each time.
#[test]
fn a_pickle_whose_calls_look_at_the_same_list_again_and_again_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.pth");
    let pair = [b"X\x01\x00\x00\x00aN\x86", &b"X\x01\x00\x00\x00bN\x86"[..]].concat();
    let list = [b"](".to_vec(), pair.repeat(4000), b"eq\x00".to_vec()].concat();
    let calls = b"ccollections\nOrderedDict\nh\x00\x85R".repeat(4000);
    let pickle = [b"\x80\x02(", &list[..], &calls, b"t."].concat();
    std::fs::write(&file, archive(&pickle, CompressionMethod::Stored)).unwrap();
    let mut refused = None;
    survive(&METER, UNFOLDED, |_| {
        refused.get_or_insert_with(|| Weights::open(&file).is_err());
    });
    assert_eq!(refused, Some(true));
}
