//! Boards that nothing here can run: built, weighed, and made into files to flash.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use smallgate_uf2::SECTOR;

use crate::board::{BOARDS, Board};
use crate::gateway::{FLASHED, GATEWAY};
use crate::image;
use crate::measure::{Measurement, grouped};
use crate::process::{root, succeed, target};
use crate::toolchain::{Road, Toolchain};
use crate::tools::{Need, ensure};

#[derive(Args)]
pub(crate) struct BuildOptions {
    /// For which board: its folder's name in firmware/boards
    #[arg(value_name = "BOARD", value_parser = named)]
    board: &'static Board,
    /// Which Rust compiles the image; without it, rustup's where it has the target
    #[arg(long, value_enum)]
    toolchain: Option<Road>,
}

fn named(name: &str) -> Result<&'static Board, String> {
    let found = BOARDS.iter().find(|board| board.name == name);
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = BOARDS.iter().map(|board| board.name).collect();
        format!("the boards are {}", names.join(", "))
    })
}

/// What is weighed of such a board.
pub(crate) const FLASH: &str = "flash";
pub(crate) const RAM: &str = "ram static";

/// Where the boot ROM looks for what an image is (RP2350 datasheet, 5.9.5: "within the first 4kB").
const LOOKED_THROUGH: usize = 4096;

/// How such a block begins and ends (RP2350 datasheet, 5.9.1).
const BLOCK_BEGINS: [u8; 4] = 0xFFFF_DED3_u32.to_le_bytes();
const BLOCK_ENDS: [u8; 4] = 0xAB12_3579_u32.to_le_bytes();

/// Builds a board's gateway, makes the file to drop on its drive, and says how large all is.
pub(crate) fn run(options: &BuildOptions) -> Result<()> {
    ensure(&[Need::Host, Need::Image])?;
    let board = options.board;
    let toolchain = Toolchain::choose(options.toolchain, board.target)?;
    let elf = build(&toolchain, board)?;
    let file = uf2(board, &elf)?;
    let below = root();
    let shown = |path: &Path| {
        path.strip_prefix(&below)
            .unwrap_or(path)
            .display()
            .to_string()
    };
    println!("{} with {toolchain}", board.name);
    println!("{}: for a debugger", shown(&elf));
    if let Some(file) = file {
        println!("{}: for the board's drive", shown(&file));
    }
    for measured in weigh(board, &elf)? {
        println!(
            "{}: {} {}",
            measured.name,
            grouped(measured.value),
            measured.unit
        );
    }
    Ok(())
}

/// Builds it, with the file for its drive, and takes its measures.
pub(crate) fn measure(road: Option<Road>, board: &Board) -> Result<Vec<Measurement>> {
    let toolchain = Toolchain::choose(road, board.target)?;
    let elf = build(&toolchain, board)?;
    uf2(board, &elf)?;
    weigh(board, &elf)
}

/// The ELF file of the board's gateway, in the build that is flashed.
fn build(toolchain: &Toolchain, board: &Board) -> Result<PathBuf> {
    eprintln!(
        "xtask: building {GATEWAY} for {} with {toolchain}",
        board.name
    );
    let target_dir = target().join("board").join(toolchain.road.name());
    let mut command = toolchain.cargo("build", &board.path(), &target_dir);
    command.args(["--quiet", "--profile", FLASHED.profile(), "--bin", GATEWAY]);
    command.args(["--no-default-features", "--features", FLASHED.feature()]);
    succeed(&mut command)?;
    let elf = image_of(board);
    if let Some(images) = elf.parent() {
        fs::create_dir_all(images)?;
    }
    let built = target_dir
        .join(board.target)
        .join(FLASHED.profile())
        .join(GATEWAY);
    fs::copy(&built, &elf).with_context(|| built.display().to_string())?;
    image::require_vector_table(&elf)?;
    Ok(elf)
}

fn weigh(board: &Board, elf: &Path) -> Result<Vec<Measurement>> {
    Ok(vec![
        row(board, FLASH, image::flash(elf)?),
        row(board, RAM, image::ram(elf)?),
    ])
}

fn row(board: &Board, name: &str, value: u64) -> Measurement {
    let mut limits = board.at_most.iter();
    Measurement {
        name: format!("{name} {}", board.name),
        build: FLASHED.name(),
        value,
        unit: "octets",
        limit: limits
            .find(|(limited, _)| *limited == name)
            .map(|&(_, limit)| limit),
    }
}

/// Writes the file for the board's drive, if it has one, beside `elf`.
fn uf2(board: &Board, elf: &Path) -> Result<Option<PathBuf>> {
    let Some(family) = board.drive else {
        return Ok(None);
    };
    let (address, octets) = image::flashed(elf)?;
    if !address.is_multiple_of(SECTOR) {
        bail!("{}: begins within a sector, at {address:#x}", elf.display());
    }
    require_block(&octets).with_context(|| elf.display().to_string())?;
    let file: Vec<u8> = smallgate_uf2::blocks(family, address, &octets)
        .flatten()
        .collect();
    let path = elf.with_extension("uf2");
    fs::write(&path, file).with_context(|| path.display().to_string())?;
    Ok(Some(path))
}

/// What is wrong with the file for the board's drive: it puts something else in the flash than
/// binutils take from the ELF file.
pub(crate) fn difference(board: &Board) -> Result<Option<String>> {
    let elf = image_of(board);
    let raw = elf.with_extension("bin");
    succeed(
        Command::new("arm-none-eabi-objcopy")
            .args(["-O", "binary", "--gap-fill", "0xff"])
            .args([&elf, &raw]),
    )?;
    let raw = fs::read(raw)?;
    let file = fs::read(elf.with_extension("uf2"))?;
    let flashed: Vec<u8> = file
        .chunks(smallgate_uf2::BLOCK)
        .flat_map(|block| {
            block
                .get(32..32 + smallgate_uf2::PAYLOAD)
                .unwrap_or_default()
        })
        .copied()
        .collect();
    let same = flashed.strip_prefix(&*raw).is_some_and(|rest| {
        rest.len() < smallgate_uf2::PAYLOAD && rest.iter().all(|octet| *octet == 0xFF)
    });
    let lengths = format!("{} octets instead of {}", flashed.len(), raw.len());
    Ok((!same).then_some(lengths))
}

/// Where its ELF file goes, and beside it what is made of that.
fn image_of(board: &Board) -> PathBuf {
    // Each board has a folder of its own.
    let images = target().join(board.name);
    images.join(GATEWAY).with_extension("elf")
}

/// Refuses an image that the boot ROM would not start; such a build succeeds, and is of no use.
fn require_block(octets: &[u8]) -> Result<()> {
    let looked_through = octets.get(..LOOKED_THROUGH).unwrap_or(octets);
    let mut words = looked_through.chunks_exact(4);
    if !(words.any(|word| word == BLOCK_BEGINS) && words.any(|word| word == BLOCK_ENDS)) {
        bail!("no block within the first {LOOKED_THROUGH} octets says what the image is");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::not_run;

    #[test]
    fn every_board_that_is_only_weighed_is_held_to_its_limits() {
        for board in not_run() {
            for name in [FLASH, RAM] {
                assert!(row(board, name, 0).holds(), "{} {name}", board.name);
                assert!(!row(board, name, 1 << 20).holds(), "{} {name}", board.name);
            }
        }
    }

    #[test]
    fn an_image_without_a_block_where_the_boot_rom_looks_is_refused() {
        let block = [BLOCK_BEGINS, [1, 2, 3, 4], BLOCK_ENDS].concat();
        let image = |before: usize| [vec![0; before], block.clone(), vec![0; 8192]].concat();
        assert!(require_block(&image(272)).is_ok());
        assert!(require_block(&image(LOOKED_THROUGH - 12)).is_ok());
        assert!(require_block(&image(LOOKED_THROUGH - 8)).is_err());
        assert!(require_block(&image(LOOKED_THROUGH)).is_err());
        assert!(require_block(&[]).is_err());
    }
}
