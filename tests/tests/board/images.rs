//! Provisioning images that are no good: the board says what is wrong, and
//! nobody is answered.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use smallgate_firmware::image::{LAYOUT, MAGIC};
use smallgate_tests::board::{self, LISTENING, image, machine, says};
use smallgate_tests::host::START;
use smallgate_tests::suite::setups::standard;
use smallgate_tests::wire::uninterrupted;

/// How long the firmware may take to see it.
const PATIENCE: Duration = Duration::from_secs(20);

fn good() -> Vec<u8> {
    image(&standard().whole())
}

/// A good image with other octets at `at`, its checksum right.
fn with(at: usize, octets: &[u8]) -> Vec<u8> {
    board::with(good(), at, octets)
}

/// Starts a board with `image`: it names `cause`, and does not answer.
fn assert_refused(image: Vec<u8>, cause: &str) {
    let mut machine = machine(image, Some(START));
    let complains = machine.wait_for(PATIENCE, |lines| {
        lines.iter().any(|line| line.level == "ERROR")
    });
    let lines = machine.log().expect("a log");
    assert_eq!(complains, Ok(true), "{cause}: {lines:?}");
    let complaint = lines
        .iter()
        .find(|line| line.level == "ERROR")
        .map_or("", |line| line.message.as_str());
    assert!(
        complaint.contains("image") && complaint.contains(cause),
        "{cause}: {complaint}"
    );

    // QEMU accepts the connection; the board does not.
    let mut stream = TcpStream::connect(machine.address()).expect("QEMU listens");
    let patience = Some(Duration::from_secs(1));
    stream.set_read_timeout(patience).expect("a deadline");
    let _gone = stream.write_all(b"GET /me/ HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut octet = [0];
    match uninterrupted(|| stream.read(&mut octet)) {
        Ok(0) => {}
        Err(error) => assert!(
            [
                ErrorKind::WouldBlock,
                ErrorKind::TimedOut,
                ErrorKind::ConnectionReset
            ]
            .contains(&error.kind()),
            "{cause}: {error}"
        ),
        Ok(_) => panic!("{cause}: it answers"),
    }
    let lines = machine.log().expect("a log");
    assert!(!says(&lines, LISTENING), "{cause}: {lines:?}");
}

#[test]
fn checksum_of_a_good_image_is_what_it_says() {
    let image = good();
    assert_eq!(board::with(image.clone(), 0, &MAGIC), image);
}

#[test]
fn no_image_is_refused() {
    assert_refused(Vec::new(), "Empty");
    assert_refused(vec![0xFF; 16 * 1024], "Empty");
}

#[test]
fn a_foreign_image_is_refused() {
    assert_refused(with(0, b"\x7fELF\x01\x01\x01\0"), "Magic");
    assert_refused(vec![0xA5; 16 * 1024], "Magic");
}

#[test]
fn an_image_of_another_layout_is_refused() {
    for layout in [LAYOUT - 1, LAYOUT + 1] {
        assert_refused(with(8, &layout.to_le_bytes()), &format!("Layout({layout})"));
    }
}

#[test]
fn a_damaged_image_is_refused() {
    for at in [16, 100, good().len() - 1] {
        let mut image = good();
        image[at] ^= 1;
        assert_refused(image, "Damaged");
    }
}

/// A write that was cut off leaves erased flash behind, or zeros; where the
/// whole region is the beginning of an image, that is seen by its length.
#[test]
fn a_short_image_is_refused() {
    for rest in [0x00, 0xFF] {
        let mut image = good();
        let (half, length) = (image.len() / 2, image.len());
        image.truncate(half);
        image.resize(length, rest);
        assert_refused(image, "Damaged");
    }
    let mut image = good();
    image.truncate(10);
    image.resize(16 * 1024, 0xFF);
    assert_refused(image, "");
    let longest = u32::try_from(good().len() + 16 * 1024).expect("small");
    assert_refused(with(12, &longest.to_le_bytes()), "");
}

#[test]
fn an_impossible_value_is_named() {
    // The profile's name is the first text.
    let name = b"standard";
    let image = good();
    let at = image.windows(name.len()).position(|octets| octets == name);
    assert_refused(with(at.expect("a profile"), b"S"), "Profile");
}

#[test]
fn a_good_image_after_a_bad_one_is_served() {
    let mut image = good();
    image[40] ^= 0x80;
    assert_refused(image, "Damaged");
    let _answers = board::Board::with_image(good());
}
