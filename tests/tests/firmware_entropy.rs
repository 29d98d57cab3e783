//! The firmware's entropy: known answers of the generator, and sources that
//! fail in every way a source fails in.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use sha2::{Digest, Sha256};
use smallgate_firmware::entropy::{
    EntropyFailed, EntropySource, Generator, HashDrbg, REQUESTS_PER_SEED,
};

/// What a start-up test looks at (SP 800-90B §4.3).
const START_UP: usize = 1024;

// Known answers.

/// From NIST's CAVP (drbgvectors, Hash_DRBG.rsp): `[SHA-256]`, no prediction
/// resistance, 256 bits of entropy, a nonce of 128, 1,024 bits returned, of
/// which the second request's count.
struct Vector {
    name: &'static str,
    entropy: &'static str,
    nonce: &'static str,
    personalization: &'static str,
    reseed: &'static str,
    returned: &'static str,
}

const VECTORS: &[Vector] = &[
    Vector {
        name: "no_reseed, COUNT = 0",
        entropy: "a65ad0f345db4e0effe875c3a2e71f42c7129d620ff5c119a9ef55f05185e0fb",
        nonce: "8581f9317517276e06e9607ddbcbcc2e",
        personalization: "",
        reseed: "",
        returned: "d3e160c35b99f340b2628264d1751060e0045da383ff57a57d73a673d2b8d80d\
                   aaf6a6c35a91bb4579d73fd0c8fed111b0391306828adfed528f018121b3febd\
                   c343e797b87dbb63db1333ded9d1ece177cfa6b71fe8ab1da46624ed6415e51c\
                   cde2c7ca86e283990eeaeb91120415528b2295910281b02dd431f4c9f70427df",
    },
    Vector {
        name: "pr_false, COUNT = 0",
        entropy: "63363377e41e86468deb0ab4a8ed683f6a134e47e014c700454e81e95358a569",
        nonce: "808aa38f2a72a62359915a9f8a04ca68",
        personalization: "",
        reseed: "e62b8a8ee8f141b6980566e3bfe3c04903dad4ac2cdf9f2280010a6739bc83d3",
        returned: "04eec63bb231df2c630a1afbe724949d005a587851e1aa795e477347c8b05662\
                   1c18bddcdd8d99fc5fc2b92053d8cfacfb0bb8831205fad1ddd6c071318a6018\
                   f03b73f5ede4d4d071f9de03fd7aea105d9299b8af99aa075bdb4db9aa28c18d\
                   174b56ee2a014d098896ff2282c955a81969e069fa8ce007a180183a07dfae17",
    },
    Vector {
        name: "no_reseed, personalization, COUNT = 0",
        entropy: "dfeabab904bfe93a37bb5b1ea4a696f881ab5ab4be87ffbf2d4e8cdfaabb37fd",
        nonce: "a2d458b475053a0346b57fc518849ba1",
        personalization: "d15d5d9a4a3a41877b4ea98dbda5079ee393f6ab24105dbd70f5bf145772b15c",
        reseed: "",
        returned: "86d8c63ed4a8a19f3429b4dd57ede5ca573e861712e631400645ceee763c37cf\
                   950bdcc4d9c886ead3f0f1bf46a63bf22bd2eb39b2dac61d2e8c8f29e26045b3\
                   db56b2265adc8152d4f736c09ee90364a1e265eb5e77b0c5988c8fa52717fd33\
                   b6da760e78f2a7c27065227c47ac2134b95b7dadbf96e4ea2dad78ef200e174b",
    },
    Vector {
        name: "pr_false, personalization, COUNT = 0",
        entropy: "b87bb4de5c148d964fc0cb612d69295671780b4270fe32bf389b6f49488efe13",
        nonce: "27eb37a0c695c4ee3c9b70b7f6b33492",
        personalization: "52321406ac8a9c266b1f8d811bb871269e5824b59a0234f01d358193523bbb7c",
        reseed: "7638267f534c4e6ee22cc6ca6ed824fd5d3d387c00b89dd791eb5ac9766385b8",
        returned: "de01c061651bab3cef2fc4ea89a56b6e86e74b2e9fd11ed671c97c813778a06a\
                   2c1f41b41e754a5257750c6bde9601da9d67d8d9564f4a8538b92516a2dacc49\
                   6dee257b85393f2a01ad59aa3257f1b6da9566e3706d2d6d4a26e511b0c64d7d\
                   c223acb24827178afa43ca8d5a66f983d6929dc61564c4c14fc32d85765a23f7",
    },
];

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .collect();
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap())
        .collect()
}

#[test]
fn the_generator_gives_the_answers_of_nist() {
    for vector in VECTORS {
        let mut drbg = HashDrbg::new(
            &hex(vector.entropy),
            &hex(vector.nonce),
            &hex(vector.personalization),
        );
        if !vector.reseed.is_empty() {
            drbg.reseed(&hex(vector.reseed), &[]);
        }
        let mut returned = [0; 128];
        drbg.fill(&mut returned);
        drbg.fill(&mut returned);
        assert_eq!(returned.as_slice(), hex(vector.returned), "{}", vector.name);
    }
}

#[test]
fn a_part_of_a_request_is_a_request_of_its_own() {
    // Backtracking resistance: the value changes after every request, so
    // that two requests of 32 octets are not one of 64.
    let new = || HashDrbg::new(&[1; 32], &[2; 16], b"");
    let (mut whole, mut parts) = ([0; 64], [0; 64]);
    new().fill(&mut whole);
    let mut drbg = new();
    let (first, second) = parts.split_at_mut(32);
    drbg.fill(first);
    drbg.fill(second);
    assert_eq!(whole[..32], parts[..32]);
    assert_ne!(whole[32..], parts[32..]);
}

#[test]
fn more_than_one_request_may_ask_for_is_several_requests() {
    let new = || HashDrbg::new(&[1; 32], &[2; 16], b"");
    let mut whole = vec![0; 65_536 + 40];
    new().fill(&mut whole);
    let mut parts = vec![0; 65_536 + 40];
    let mut drbg = new();
    let (first, second) = parts.split_at_mut(65_536);
    drbg.fill(first);
    drbg.fill(second);
    assert_eq!(whole, parts);
}

#[test]
fn an_additional_input_changes_what_a_reseeding_makes() {
    let reseeded = |additional: &[u8]| {
        let mut drbg = HashDrbg::new(&[1; 32], &[2; 16], b"");
        drbg.reseed(&[3; 32], additional);
        let mut octets = [0; 32];
        drbg.fill(&mut octets);
        octets
    };
    assert_ne!(reseeded(b""), reseeded(b"a"));
    assert_ne!(reseeded(b"a"), reseeded(b"b"));
}

// Sources.

/// Octets of SHA-256 over a counter, replaced by whatever `twist` makes of the
/// octet and its position; the test counts and steers it from outside.
#[derive(Clone)]
struct Source(Rc<RefCell<Inner>>);

struct Inner {
    seed: u64,
    drawn: usize,
    twist: Twist,
}

#[derive(Clone, Copy)]
enum Twist {
    Healthy,
    /// Gives an error.
    Dead,
    /// Gives this one octet.
    Stuck(u8),
    /// Healthy but for a row of so many zeros at this position of each call.
    Row {
        at: usize,
        length: usize,
    },
    /// Zero where the healthy octet is below this.
    Biased(u16),
    /// Goes round: the octet of a position modulo this length.
    Circle(usize),
    /// Gives what the first call gave at every call.
    SameWindow,
}

impl Source {
    fn new(seed: u64, twist: Twist) -> Self {
        Source(Rc::new(RefCell::new(Inner {
            seed,
            drawn: 0,
            twist,
        })))
    }

    fn healthy(seed: u64) -> Self {
        Source::new(seed, Twist::Healthy)
    }

    fn turn(&self, twist: Twist) {
        self.0.borrow_mut().twist = twist;
    }

    fn drawn(&self) -> usize {
        self.0.borrow().drawn
    }
}

fn noise(seed: u64, at: usize) -> u8 {
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    hash.update((at / 32).to_be_bytes());
    hash.finalize()[at % 32]
}

impl EntropySource for Source {
    fn fill(&mut self, octets: &mut [u8]) -> Result<(), EntropyFailed> {
        let mut inner = self.0.borrow_mut();
        let (seed, drawn) = (inner.seed, inner.drawn);
        inner.drawn += octets.len();
        for (at, octet) in octets.iter_mut().enumerate() {
            let healthy = noise(seed, drawn + at);
            *octet = match inner.twist {
                Twist::Healthy => healthy,
                Twist::Dead => return Err(EntropyFailed::NoOctets),
                Twist::Stuck(octet) => octet,
                Twist::Row { at: start, length } if (start..start + length).contains(&at) => 0,
                // A neighbour that is zero by chance would lengthen the row.
                Twist::Row { .. } => healthy.max(1),
                Twist::Biased(below) if u16::from(healthy) < below => 0,
                Twist::Biased(_) => healthy,
                Twist::Circle(length) => noise(seed, (drawn + at) % length),
                Twist::SameWindow => noise(seed, at),
            };
        }
        Ok(())
    }
}

fn start(source: &Source) -> Generator<Source> {
    Generator::start(source.clone(), b"")
}

#[test]
fn a_start_up_test_takes_1024_octets() {
    let source = Source::healthy(1);
    let generator = start(&source);
    assert_eq!(generator.health(), Ok(()));
    assert_eq!(source.drawn(), START_UP);
}

#[test]
fn healthy_sources_are_found_healthy() {
    for seed in 0..200 {
        let mut generator = start(&Source::healthy(seed));
        for _ in 0..5 {
            assert_eq!(generator.reseed(&[]), Ok(()), "seed {seed}");
        }
    }
}

#[test]
fn a_source_with_few_bits_an_octet_is_healthy_still() {
    // A quarter of all octets zero: H = 1.97 bits.
    assert_eq!(start(&Source::new(1, Twist::Biased(64))).health(), Ok(()));
}

#[test]
fn a_failing_source_gives_nothing_from_the_start() {
    for (twist, failed) in [
        (Twist::Dead, EntropyFailed::NoOctets),
        (Twist::Stuck(0), EntropyFailed::Stuck),
        (Twist::Stuck(0xFF), EntropyFailed::Stuck),
        (Twist::Stuck(0x5A), EntropyFailed::Stuck),
        // Three of four octets are zero.
        (Twist::Biased(192), EntropyFailed::Biased),
        (Twist::Circle(2), EntropyFailed::Repeats),
        (Twist::Circle(32), EntropyFailed::Repeats),
        (Twist::Circle(100), EntropyFailed::Repeats),
        (Twist::Circle(256), EntropyFailed::Repeats),
        (Twist::Circle(512), EntropyFailed::Repeats),
        (Twist::SameWindow, EntropyFailed::Repeats),
    ] {
        let mut generator = start(&Source::new(7, twist));
        assert_eq!(generator.health(), Err(failed));
        assert_eq!(generator.octets::<48>(), None, "{failed:?}");
        let mut octets = [0xAA; 48];
        assert_eq!(generator.fill(&mut octets), Err(failed));
        assert_eq!(octets, [0; 48], "{failed:?}");
        assert_eq!(generator.reseed(b"more"), Err(failed));
    }
}

/// What is counted is the window's first octet (SP 800-90B §4.4.2), so that one
/// window in four says nothing here. The next ones do.
#[test]
fn a_biased_source_is_found_within_few_windows() {
    for seed in 0..50 {
        let source = Source::healthy(seed);
        let mut generator = start(&source);
        source.turn(Twist::Biased(192));
        let windows = (1..).find(|_| generator.reseed(&[]).is_err());
        assert!(windows.unwrap() <= 16, "seed {seed}: {windows:?}");
    }
}

#[test]
fn the_repetition_count_test_has_the_cutoff_of_sp_800_90b() {
    // 1 + ⌈30 / 1⌉, wherever the row is.
    for at in [0, 1, 200, 512 - 31] {
        let row = |length| {
            let source = Source::healthy(3);
            let mut generator = start(&source);
            source.turn(Twist::Row { at, length });
            generator.reseed(&[])
        };
        assert_eq!(row(30), Ok(()), "30 at {at}");
        assert_eq!(row(31), Err(EntropyFailed::Stuck), "31 at {at}");
    }
}

#[test]
fn a_row_across_two_windows_is_found() {
    let source = Source::healthy(3);
    let mut generator = start(&source);
    source.turn(Twist::Row {
        at: 512 - 20,
        length: 20,
    });
    assert_eq!(generator.reseed(&[]), Ok(()));
    source.turn(Twist::Row { at: 0, length: 11 });
    assert_eq!(generator.reseed(&[]), Err(EntropyFailed::Stuck));
}

/// Gives 512 octets of which exactly so many, and the first, are zero.
struct Proportion(usize, u64);

impl EntropySource for Proportion {
    fn fill(&mut self, octets: &mut [u8]) -> Result<(), EntropyFailed> {
        self.1 += 1;
        let others = octets.len() - self.0;
        for (at, octet) in octets.iter_mut().enumerate() {
            // As evenly as it goes, so that no row comes together.
            let is_other = (at + 1) * others / 512 > at * others / 512;
            *octet = if is_other { noise(self.1, at) | 1 } else { 0 };
        }
        assert_eq!(octets.iter().filter(|octet| **octet == 0).count(), self.0);
        assert_eq!(octets[0], 0);
        Ok(())
    }
}

#[test]
fn the_adaptive_proportion_test_has_the_cutoff_of_sp_800_90b() {
    // 1 + critbinom(512, 1/2, 1 − 2⁻³⁰) = 325.
    let health = |zeros| Generator::start(Proportion(zeros, 0), b"").health();
    assert_eq!(health(324), Ok(()));
    assert_eq!(health(325), Err(EntropyFailed::Biased));
}

#[test]
fn a_source_that_dies_later_is_found_by_the_count_of_requests() {
    for twist in [Twist::Dead, Twist::Stuck(0), Twist::Circle(64)] {
        let source = Source::healthy(4);
        let mut generator = start(&source);
        source.turn(twist);
        let given = (0..).take_while(|_| generator.octets::<48>().is_some());
        assert_eq!(given.count(), usize::from(REQUESTS_PER_SEED));
        assert!(generator.health().is_err());
        // It is latched, whatever the source does.
        source.turn(Twist::Healthy);
        assert_eq!(generator.octets::<48>(), None);
        assert!(generator.reseed(&[]).is_err());
    }
}

#[test]
fn a_source_that_dies_later_is_found_by_a_reseeding() {
    let source = Source::healthy(4);
    let mut generator = start(&source);
    assert!(generator.octets::<48>().is_some());
    source.turn(Twist::Dead);
    assert_eq!(generator.reseed(&[]), Err(EntropyFailed::NoOctets));
    assert_eq!(generator.octets::<48>(), None);
}

#[test]
fn a_source_that_recovers_is_used_after_a_start_up_test() {
    let source = Source::healthy(5);
    let mut generator = start(&source);
    let before = generator.octets::<48>().unwrap();
    source.turn(Twist::Stuck(1));
    assert!(generator.reseed(&[]).is_err());
    assert_eq!(generator.restart(), Err(EntropyFailed::Stuck));
    assert_eq!(generator.octets::<48>(), None);

    source.turn(Twist::Healthy);
    let drawn = source.drawn();
    assert_eq!(generator.restart(), Ok(()));
    assert_eq!(source.drawn(), drawn + START_UP);
    assert_ne!(generator.octets::<48>().unwrap(), before);
}

#[test]
fn a_source_that_fails_in_the_second_half_of_the_test_fails_it() {
    struct Late(usize);
    impl EntropySource for Late {
        fn fill(&mut self, octets: &mut [u8]) -> Result<(), EntropyFailed> {
            self.0 += 1;
            match self.0 % 2 {
                1 => Source::healthy(self.0 as u64).fill(octets),
                _ => Err(EntropyFailed::NoOctets),
            }
        }
    }
    let mut generator = Generator::start(Late(0), b"");
    assert_eq!(generator.octets::<48>(), None);
    assert_eq!(generator.restart(), Err(EntropyFailed::NoOctets));
    assert_eq!(generator.octets::<48>(), None);
}

#[test]
fn a_restart_of_a_healthy_generator_can_fail_it() {
    let source = Source::healthy(5);
    let mut generator = start(&source);
    source.turn(Twist::Dead);
    assert!(generator.restart().is_err());
    assert_eq!(generator.octets::<48>(), None);
}

#[test]
fn what_was_in_stays_in_over_a_restart() {
    // Two devices whose sources become equal after a failure: what they had
    // before keeps them apart.
    let after = |seed| {
        let source = Source::healthy(seed);
        let mut generator = start(&source);
        source.turn(Twist::Dead);
        assert!(generator.reseed(&[]).is_err());
        *source.0.borrow_mut() = Inner {
            seed: 99,
            drawn: 0,
            twist: Twist::Healthy,
        };
        generator.restart().unwrap();
        generator.octets::<48>().unwrap()
    };
    assert_ne!(after(1), after(2));
}

#[test]
fn a_reseeding_changes_the_stream() {
    let stream = |reseed: Option<&[u8]>| {
        let mut generator = start(&Source::healthy(6));
        generator.octets::<48>().unwrap();
        if let Some(additional) = reseed {
            generator.reseed(additional).unwrap();
        }
        generator.octets::<48>().unwrap()
    };
    let plain = stream(None);
    assert_eq!(plain, stream(None), "the generator itself is deterministic");
    assert_ne!(plain, stream(Some(b"")));
    assert_ne!(stream(Some(b"")), stream(Some(b"12:00:00.123")));
}

#[test]
fn the_generator_reseeds_itself() {
    let source = Source::healthy(6);
    let mut generator = start(&source);
    for _ in 0..REQUESTS_PER_SEED {
        generator.octets::<48>().unwrap();
    }
    assert_eq!(source.drawn(), START_UP);
    generator.octets::<48>().unwrap();
    assert_eq!(source.drawn(), START_UP + 512);
}

#[test]
fn two_devices_differ() {
    let first = |seed, name: &[u8]| {
        Generator::start(Source::healthy(seed), name)
            .octets::<48>()
            .unwrap()
    };
    assert_ne!(first(1, b"one"), first(2, b"one"));
    // By their names alone, if their sources are the same.
    assert_ne!(first(1, b"one"), first(1, b"two"));
}

#[test]
fn no_output_repeats() {
    let mut seen = HashSet::new();
    for name in [&b"one"[..], b"two"] {
        let mut generator = Generator::start(Source::healthy(8), name);
        for _ in 0..20_000 {
            let octets = generator.octets::<48>().unwrap();
            let (grant, rest) = octets.split_first_chunk::<12>().unwrap();
            assert!(seen.insert(*grant), "a grant's id came twice");
            assert!(seen.insert(*rest.first_chunk().unwrap()));
        }
    }
}

#[test]
fn r08_nothing_of_the_state_is_printed() {
    let generator = start(&Source::healthy(1));
    assert_eq!(format!("{generator:?}"), "Generator { state: Ok(()), .. }");
    assert_eq!(
        format!("{:?}", HashDrbg::new(&[1], &[2], &[3])),
        "HashDrbg(..)"
    );
}
