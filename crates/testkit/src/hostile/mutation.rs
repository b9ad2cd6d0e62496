//! Mutations of a file, such as a failing disk, a careless program or an attacker makes.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// Numbers in headers at which parsers fail.
const ODD: [u64; 10] = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, i64::MAX as u64, u64::MAX];

/// A number from 0 to `end`, without `end`; 0 if that is 0.
pub fn below(random: &mut ChaCha8Rng, end: usize) -> usize {
    (random.next_u64() % end.max(1) as u64) as usize
}

/// `bytes` with one to four random changes.
pub fn mutated(bytes: &[u8], random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=below(random, 4) {
        change(&mut bytes, random);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, random: &mut ChaCha8Rng) {
    let length = bytes.len();
    let at = below(random, length);
    let run = 1 + below(random, (length - at).min(64));
    match below(random, 8) {
        _ if length == 0 => bytes.push(random.next_u64() as u8),
        0 => bytes[at] ^= 1 << below(random, 8),
        1 => bytes[at] = random.next_u64() as u8,
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..(at + run).min(length))),
        4 => {
            let copy = bytes[at..(at + run).min(length)].to_vec();
            let to = below(random, length);
            bytes.splice(to..to, copy);
        }
        5 => bytes[at..(at + run).min(length)].fill(0),
        6 => odd_number(bytes, at, random),
        _ => digits(bytes, at),
    }
}

/// An odd number of two, four or eight bytes at `at`, as headers have them.
fn odd_number(bytes: &mut [u8], at: usize, random: &mut ChaCha8Rng) {
    let width = [2, 4, 8][below(random, 3)].min(bytes.len() - at);
    let number = ODD[below(random, ODD.len())].to_le_bytes();
    bytes[at..at + width].copy_from_slice(&number[..width]);
}

/// Replaces the next digits from `at` on by nines: sizes in texts.
fn digits(bytes: &mut [u8], at: usize) {
    let from = bytes[at..].iter().position(u8::is_ascii_digit).map_or(bytes.len(), |offset| at + offset);
    bytes[from..].iter_mut().take_while(|byte| byte.is_ascii_digit()).for_each(|digit| *digit = b'9');
}
