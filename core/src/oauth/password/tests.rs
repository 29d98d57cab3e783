//! RFC 7914 §11: "The test vectors below can be used to verify the
//! PBKDF2-HMAC-SHA-256 function."

use super::{HmacKey, PasswordWork};

struct Vector {
    password: &'static [u8],
    salt: &'static [u8],
    iterations: u32,
    /// The first of the two blocks that the RFC prints.
    hash: [u8; 32],
}

const VECTORS: [Vector; 2] = [
    Vector {
        password: b"passwd",
        salt: b"salt",
        iterations: 1,
        hash: [
            0x55, 0xac, 0x04, 0x6e, 0x56, 0xe3, 0x08, 0x9f, 0xec, 0x16, 0x91, 0xc2, 0x25, 0x44,
            0xb6, 0x05, 0xf9, 0x41, 0x85, 0x21, 0x6d, 0xde, 0x04, 0x65, 0xe6, 0x8b, 0x9d, 0x57,
            0xc2, 0x0d, 0xac, 0xbc,
        ],
    },
    Vector {
        password: b"Password",
        salt: b"NaCl",
        iterations: 80_000,
        hash: [
            0x4d, 0xdc, 0xd8, 0xf6, 0x0b, 0x98, 0xbe, 0x21, 0x83, 0x0c, 0xee, 0x5e, 0xf2, 0x27,
            0x01, 0xf9, 0x64, 0x1a, 0x44, 0x18, 0xd0, 0x4c, 0x04, 0x14, 0xae, 0xff, 0x08, 0x87,
            0x6b, 0x34, 0xab, 0x56,
        ],
    },
];

#[test]
fn rfc7914_section_11() {
    for vector in &VECTORS {
        let mut work = PasswordWork::new(vector.password, vector.salt, vector.iterations);
        assert!(work.advance(u32::MAX));
        assert!(work.matches(&vector.hash));
    }
}

#[test]
fn unfinished_work_matches_nothing() {
    for vector in &VECTORS {
        let mut work = PasswordWork::new(vector.password, vector.salt, vector.iterations);
        let mut last = false;
        while !last {
            assert_eq!(work.matches(&vector.hash), work.left == 0);
            last = work.advance(777);
        }
        assert!(work.matches(&vector.hash));
    }
}

#[test]
fn keys_of_every_length_are_hmac_keys() {
    // RFC 4231 §4.7: a key of 131 octets, longer than the block.
    let mac =
        HmacKey::new(&[0xaa; 131]).tag(b"Test Using Larger Than Block-Size Key - Hash Key First");
    let expected = [
        0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f, 0x0d, 0x8a, 0x26, 0xaa, 0xcb, 0xf5, 0xb7,
        0x7f, 0x8e, 0x0b, 0xc6, 0x21, 0x37, 0x28, 0xc5, 0x14, 0x05, 0x46, 0x04, 0x0f, 0x0e, 0xe3,
        0x7f, 0x54,
    ];
    assert_eq!(mac, expected);
}

#[test]
fn everybody_takes_as_long_as_the_slowest() {
    for vector in &VECTORS {
        let most = vector.iterations + 1000;
        let mut work =
            PasswordWork::new_among(vector.password, vector.salt, vector.iterations, most);
        assert!(!work.advance(most - 2));
        assert!(work.advance(1));
        assert!(work.matches(&vector.hash), "and the hash is the user's own");
    }
}
