//! An image as a file for a board's drive.

use std::path::Path;

use smallgate_firmware::image::Image;
use smallgate_tests::command::{Folder, refused, said};

/// Where the RP2350 board looks for its image.
const ADDRESS: u32 = 0x1010_0000;

fn word(block: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(block[at..at + 4].try_into().unwrap())
}

/// The octets of a UF2 file, by its specification (microsoft/uf2), with their address.
fn read(file: &[u8]) -> (u32, Vec<u8>) {
    let blocks: Vec<&[u8]> = file.chunks(512).collect();
    let mut octets = Vec::new();
    for (number, block) in blocks.iter().enumerate() {
        assert_eq!(block.len(), 512);
        assert_eq!(word(block, 0), 0x0A32_4655);
        assert_eq!(word(block, 4), 0x9E5D_5157);
        assert_eq!(word(block, 8), 0x2000, "a family id, and nothing else");
        assert_eq!(word(block, 12), ADDRESS + 256 * number as u32);
        assert_eq!(word(block, 16), 256);
        assert_eq!(word(block, 20), number as u32);
        assert_eq!(word(block, 24), blocks.len() as u32);
        assert_eq!(word(block, 28), 0xE48B_FF57, "for just this address");
        assert_eq!(word(block, 508), 0x0AB1_6F30);
        octets.extend_from_slice(&block[32..288]);
    }
    (word(blocks[0], 12), octets)
}

#[test]
fn provision_writes_a_file_for_a_drive_that_holds_the_same_image() {
    let folder = Folder::new("uf2");
    let path = folder.file("standard.uf2");
    let report = said(&[
        "provision",
        "--demo",
        "standard",
        "-o",
        &path,
        "--uf2",
        "0x10100000",
    ]);
    let (address, octets) = read(&std::fs::read(&path).unwrap());
    assert_eq!(address, ADDRESS);
    let image = Image::open(&octets).unwrap();
    assert_eq!(image.profile().name, "standard");
    // What is told is the image's size, and what comes after it is as if erased.
    let told: usize = report
        .split(": ")
        .nth(1)
        .and_then(|text| text.split(' ').next())
        .and_then(|text| text.parse().ok())
        .expect(&report);
    assert!(octets.len() - told < 256);
    assert!(octets[told..].iter().all(|octet| *octet == 0xFF));
    assert!(Image::open(&octets[..told]).is_ok());
    assert!(Image::open(&octets[..told - 1]).is_err());
}

#[test]
fn an_address_that_would_erase_what_is_before_it_is_refused() {
    let folder = Folder::new("uf2-address");
    let path = folder.file("standard.uf2");
    let arguments = |address| {
        [
            "provision",
            "--demo",
            "standard",
            "-o",
            &path,
            "--uf2",
            address,
        ]
    };
    for (address, complaint) in [
        ("0x10100100", "a multiple of 0x1000"),
        ("10100000", "is written as 0x10100000"),
        ("0x110100000", "is written as 0x10100000"),
    ] {
        let complaints = refused(&arguments(address));
        assert!(complaints.contains(complaint), "{complaints}");
    }
    assert!(!Path::new(&path).exists());
}

#[test]
fn the_address_in_the_help_is_where_the_board_looks() {
    let help = said(&["provision", "--help"]);
    let board =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware/boards/w5500-evb-pico2/memory.x");
    let memory = std::fs::read_to_string(board).unwrap();
    let region = memory
        .lines()
        .find(|line| line.trim_start().starts_with("PROVISION"))
        .unwrap();
    let address = format!("{ADDRESS:#010x}");
    assert!(region.contains(&address), "{region}");
    assert!(help.contains(&address), "{help}");
}
