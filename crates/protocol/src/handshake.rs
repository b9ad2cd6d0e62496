//! Handshake, by which scheduler and worker prove to each other that they know the secret. The secret never goes over the line.
//!
//! Any user of a machine can call a port, or wait at one whose scheduler was killed. Each side sends a number that nobody can
//! foresee, and gets a digest of it that only who knows the secret can make (HMAC, RFC 2104, with SHA-256). The port is in
//! it: who stands between both, at a port of its own, can hand nothing on.

use std::fs::File;
use std::io::{self, Read};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Side of the connection that proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The scheduler, which listens.
    Scheduler,
    /// The worker, which calls.
    Worker,
}

/// Facts of a connection that both sides know.
#[derive(Clone, Copy, Debug)]
pub struct Greeting<'a> {
    /// Random number of the scheduler.
    pub scheduler: &'a str,
    /// Random number of the worker.
    pub worker: &'a str,
    /// Port at which the scheduler listens.
    pub port: u16,
}

/// Makes a random number that nobody can foresee: 64 hexadecimal digits.
pub fn secret() -> io::Result<String> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(hex::encode(bytes))
}

impl Greeting<'_> {
    /// Proof that `side` knows `token`.
    pub fn proof(&self, side: Side, token: &str) -> String {
        hex::encode(self.digest(side, token).finalize().into_bytes())
    }

    /// Whether `proof` is that of `side`. The time of the comparison does not tell where a proof is wrong.
    pub fn proves(&self, proof: &str, side: Side, token: &str) -> bool {
        hex::decode(proof).is_ok_and(|proof| self.digest(side, token).verify_slice(&proof).is_ok())
    }

    fn digest(&self, side: Side, token: &str) -> Hmac<Sha256> {
        // A token has 64 digits, as many bytes as HMAC takes of a key; a shorter one is filled up with zeros, as it says.
        let mut key = [0; 64];
        let digits = token.as_bytes();
        let length = digits.len().min(key.len());
        key[..length].copy_from_slice(&digits[..length]);
        let mut digest = Hmac::<Sha256>::new(&key.into());
        let name = match side {
            Side::Scheduler => "scheduler",
            Side::Worker => "worker",
        };
        // Lengths in front: no two greetings are spelled alike.
        for part in [name, self.scheduler, self.worker] {
            digest.update(&(part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        digest.update(&self.port.to_be_bytes());
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREETING: Greeting<'static> = Greeting { scheduler: "ab", worker: "cd", port: 7 };

    #[test]
    fn a_proof_is_good_for_its_side_line_and_secret_only() {
        let proof = GREETING.proof(Side::Worker, "secret");
        assert!(GREETING.proves(&proof, Side::Worker, "secret"));
        let others = [
            Greeting { scheduler: "xy", ..GREETING },
            Greeting { worker: "xy", ..GREETING },
            Greeting { port: 8, ..GREETING },
            Greeting { scheduler: "abc", worker: "d", ..GREETING },
        ];
        assert!(others.iter().all(|other| !other.proves(&proof, Side::Worker, "secret")));
        assert!(!GREETING.proves(&proof, Side::Scheduler, "secret"));
        assert!(!GREETING.proves(&proof, Side::Worker, "secret2"));
        assert!(!GREETING.proves(&proof[2..], Side::Worker, "secret"));
        assert!(!GREETING.proves("no digits", Side::Worker, "secret"));
        assert_ne!(secret().unwrap(), secret().unwrap());
    }

    /// `hmac.new(b"secret", struct.pack(">Q6sQ2sQ2sH", 6, b"worker", 2, b"ab", 2, b"cd", 7), "sha256")` of Python.
    #[test]
    fn a_proof_is_what_any_other_hmac_gives() {
        assert_eq!(
            GREETING.proof(Side::Worker, "secret"),
            "7dbb5c3013387705b50828d41151929d87b9146804c836e4ac84b56d1f9d8dbf"
        );
    }
}
