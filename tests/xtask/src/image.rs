//! A board's image, the ELF file: how much flash it takes, and which panics are linked in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use object::read::elf::{ElfFile32, ProgramHeader};
use object::{Endianness, Object, ObjectSection, ObjectSymbol, SectionFlags, SymbolKind, elf};

use crate::process::within;

/// Without it nothing tells the processor where to start: the linker script was not used.
const VECTOR_TABLE: &str = ".vector_table";

/// Refuses an image that no linker script laid out; such a build succeeds, and is of no use.
pub(crate) fn require_vector_table(path: &Path) -> Result<()> {
    let octets = fs::read(path).with_context(|| path.display().to_string())?;
    let file = object::File::parse(&*octets)?;
    let size = file
        .section_by_name(VECTOR_TABLE)
        .map_or(0, |section| section.size());
    if size == 0 {
        bail!(
            "{}: no {VECTOR_TABLE}, so it was linked without its script",
            path.display()
        );
    }
    Ok(())
}

/// The octets of flash an image takes: code, constants, and the initial values of variables.
pub(crate) fn flash(path: &Path) -> Result<u64> {
    let octets = fs::read(path).with_context(|| path.display().to_string())?;
    let file = object::File::parse(&*octets)?;
    Ok(file
        .sections()
        .filter(|section| {
            let SectionFlags::Elf { sh_flags, sh_type } = section.flags() else {
                return false;
            };
            sh_flags.contains(elf::SHF_ALLOC) && sh_type != elf::SHT_NOBITS
        })
        .map(|section| section.size())
        .sum())
}

/// The octets of RAM that variables take; a stack comes besides.
pub(crate) fn ram(path: &Path) -> Result<u64> {
    let octets = fs::read(path).with_context(|| path.display().to_string())?;
    let file = object::File::parse(&*octets)?;
    Ok(file
        .sections()
        .filter(|section| {
            let SectionFlags::Elf { sh_flags, .. } = section.flags() else {
                return false;
            };
            sh_flags.contains(elf::SHF_ALLOC) && sh_flags.contains(elf::SHF_WRITE)
        })
        .map(|section| section.size())
        .sum())
}

/// What is flashed, and at which address: all segments as one, gaps as if erased.
pub(crate) fn flashed(path: &Path) -> Result<(u32, Vec<u8>)> {
    // More is no gap between two sections, but an address that is wrong.
    const GAP: usize = 4096;
    let octets = fs::read(path).with_context(|| path.display().to_string())?;
    let file = ElfFile32::<Endianness>::parse(&*octets)?;
    let endian = file.endian();
    let mut segments: Vec<(u32, &[u8])> = Vec::new();
    for header in file.elf_program_headers() {
        let data = header.data(endian, &*octets);
        let data = data.ok().context("a segment is not in the file")?;
        if header.p_type(endian) == elf::PT_LOAD && !data.is_empty() {
            segments.push((header.p_paddr(endian), data));
        }
    }
    segments.sort_by_key(|(address, _)| *address);
    let begin = segments
        .first()
        .map(|(address, _)| *address)
        .with_context(|| format!("{}: nothing to flash", path.display()))?;
    let mut image: Vec<u8> = Vec::new();
    for (address, data) in segments {
        let offset = (address - begin) as usize;
        if offset < image.len() || offset - image.len() > GAP {
            bail!("{}: no segment belongs at {address:#x}", path.display());
        }
        image.resize(offset, 0xFF);
        image.extend_from_slice(data);
    }
    Ok((begin, image))
}

/// A panic that is linked, and a function that calls it.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug, Clone)]
pub(crate) struct Panic {
    pub(crate) symbol: String,
    /// The caller's name, and where its source is known, that.
    pub(crate) caller: String,
}

/// Every panic that something other than a panic calls, or that nobody is seen to call.
///
/// A panic that only other panics call is how they work, and not counted beside them.
pub(crate) fn panics(path: &Path) -> Result<Vec<Panic>> {
    let octets = fs::read(path).with_context(|| path.display().to_string())?;
    let file = object::File::parse(&*octets)?;
    let functions: Vec<(u64, String)> = file
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text)
        .filter_map(|symbol| {
            // The lowest bit says Thumb, and is not part of the address.
            Some((symbol.address() & !1, demangled(symbol.name().ok()?)))
        })
        .collect();
    if functions.is_empty() {
        bail!("{}: no symbols, so no panic could be found", path.display());
    }
    let panicking: BTreeMap<u64, String> = functions
        .into_iter()
        .filter(|(_, name)| is_panic(name))
        .collect();
    if panicking.is_empty() {
        return Ok(Vec::new());
    }
    let listing = within(
        Duration::from_secs(120),
        Command::new("arm-none-eabi-objdump").arg("-d").arg(path),
    )?;
    if !listing.status.success() {
        bail!("arm-none-eabi-objdump: {}", listing.stderr);
    }
    let mut found = BTreeSet::new();
    for (address, symbol) in &panicking {
        let callers: Vec<Reference> = references(&listing.stdout, *address);
        let outside: Vec<&Reference> = callers
            .iter()
            .filter(|from| !is_panic(&demangled(from.function)))
            .collect();
        for from in &outside {
            found.insert(Panic {
                symbol: symbol.clone(),
                caller: source(path, from)?,
            });
        }
        if callers.is_empty() {
            found.insert(Panic {
                symbol: symbol.clone(),
                caller: "?".to_owned(),
            });
        }
    }
    Ok(found.into_iter().collect())
}

/// How many different panics there are.
pub(crate) fn count(panics: &[Panic]) -> u64 {
    panics
        .iter()
        .map(|panic| &panic.symbol)
        .collect::<BTreeSet<_>>()
        .len() as u64
}

/// Whether a function's name, demangled, is of one that panics.
fn is_panic(name: &str) -> bool {
    const MODULES: &[&str] = &[
        "core::panicking::",
        "std::panicking::",
        "alloc::raw_vec::handle_error",
    ];
    const ENDINGS: &[&str] = &[
        "rust_begin_unwind",
        "unwrap_failed",
        "expect_failed",
        "index_fail",
        "error_fail",
        "index_order_fail",
        "index_len_fail",
        "overflow_fail",
        "mismatch_fail",
        "slice_error_fail",
        "slice_error_fail_rt",
        "do_panic::runtime",
        "panic_already_borrowed",
        "panic_already_mutably_borrowed",
    ];
    let name = name
        .trim_end_matches(|c: char| c.is_ascii_digit())
        .trim_end_matches(".llvm.");
    MODULES.iter().any(|module| name.contains(module))
        || ENDINGS.iter().any(|ending| name.ends_with(ending))
        || name
            .rsplit("::")
            .next()
            .is_some_and(|last| last.ends_with("_fail"))
}

fn demangled(symbol: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(symbol))
}

/// An instruction that names an address, or a word of constants that holds it.
#[derive(PartialEq, Eq, Debug)]
struct Reference<'l> {
    function: &'l str,
    at: &'l str,
}

/// Who refers to `address` in what objdump printed.
fn references(listing: &str, address: u64) -> Vec<Reference<'_>> {
    let target = format!("{address:x}");
    // A pointer to a Thumb function has its lowest bit set.
    let pointer = format!("0x{:08x}", address | 1);
    let mut function = "?";
    let mut found = Vec::new();
    for line in listing.lines() {
        // 00000abc <name>:
        if let Some((_, name)) = line
            .strip_suffix(">:")
            .and_then(|rest| rest.split_once(" <"))
        {
            function = name;
            continue;
        }
        //      abc:	f000 f804 	bl	acc <name>
        let mut columns = line.split('\t');
        let Some(at) = columns.next().and_then(|at| at.trim().strip_suffix(':')) else {
            continue;
        };
        let Some((instruction, operands)) = columns.nth(1).zip(columns.next()) else {
            continue;
        };
        let named = if instruction == ".word" {
            operands.trim() == pointer
        } else {
            operands
                .split_once(" <")
                .and_then(|(before, _)| before.split([' ', ',']).next_back())
                .is_some_and(|operand| operand == target)
        };
        if named {
            found.push(Reference { function, at });
        }
    }
    found
}

/// The caller's name, with the innermost function and line that were inlined into it.
fn source(image: &Path, from: &Reference<'_>) -> Result<String> {
    let function = demangled(from.function);
    let end = within(
        Duration::from_secs(30),
        Command::new("arm-none-eabi-addr2line")
            .args(["-f", "-i", "-e"])
            .arg(image)
            .arg(from.at),
    )?;
    let frames: Vec<&str> = end.stdout.lines().collect();
    let mut said = function.clone();
    // Pairs of lines, a function and a place, from the innermost outwards.
    for frame in frames.chunks_exact(2) {
        let [name, place] = frame else { continue };
        let name = without_arguments(&demangled(name)).to_owned();
        let place = place.split(" (").next().unwrap_or(place);
        if !place.contains("/library/core/") && !place.starts_with('?') {
            let file = place.rsplit('/').take(3).collect::<Vec<_>>();
            let file = file.into_iter().rev().collect::<Vec<_>>().join("/");
            said = if name == function {
                format!("{function} ({file})")
            } else {
                format!("{name} ({file}), inlined in {function}")
            };
            break;
        }
    }
    Ok(said)
}

/// The `from_iter` of `from_iter<&str, usize, 4>`; a name that begins with its type stays.
fn without_arguments(name: &str) -> &str {
    name.split('<')
        .next()
        .filter(|name| !name.is_empty())
        .unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "
00000400 <main>:
     400:\tb580      \tpush\t{r7, lr}
     402:\tf000 f804 \tbl\t40e <_ZN4core9panicking9panic_fmt17h0123456789abcdefE>
     406:\td001      \tbeq.n\t40e <_ZN4core9panicking9panic_fmt17h0123456789abcdefE>
     408:\td001      \tbeq.n\t40c <main+0xc>
     40a:\t0000040f \t.word\t0x0000040f
     40c:\tb108      \tcbz\tr0, 40e <_ZN4core9panicking9panic_fmt17h0123456789abcdefE>

0000040e <_ZN4core9panicking9panic_fmt17h0123456789abcdefE>:
     40e:\te7fe      \tb.n\t40e <_ZN4core9panicking9panic_fmt17h0123456789abcdefE>
";

    #[test]
    fn calls_branches_and_pointers_to_a_function_are_seen() {
        let found = references(LISTING, 0x40e);
        let places: Vec<&str> = found.iter().map(|from| from.at).collect();
        assert_eq!(places, ["402", "406", "40a", "40c", "40e"]);
        assert_eq!(found.first().map(|from| from.function), Some("main"));
        assert!(references(LISTING, 0x400).is_empty());
    }

    #[test]
    fn a_panic_is_known_by_its_name() {
        for name in [
            "core::panicking::panic_fmt",
            "core::panicking::panic_bounds_check",
            "core::panicking::panic_const::panic_const_div_by_zero",
            "core::slice::index::slice_end_index_len_fail",
            "core::slice::index::slice_index_fail",
            "core::slice::copy_from_slice_impl::len_mismatch_fail",
            "core::str::slice_error_fail",
            "core::result::unwrap_failed",
            "core::option::expect_failed",
            "core::cell::panic_already_borrowed",
            "__rustc::rust_begin_unwind",
        ] {
            assert!(is_panic(name), "{name}");
        }
        for name in [
            "main",
            "smallgate_core::jwt::verify",
            "smallgate_mps2_an386::bench::fail",
            "Reset",
        ] {
            assert!(!is_panic(name), "{name}");
        }
    }

    #[test]
    fn the_arguments_of_a_generic_function_are_left_out() {
        assert_eq!(without_arguments("from_iter<&str, usize, 4>"), "from_iter");
        assert_eq!(without_arguments("<T as Trait>::f"), "<T as Trait>::f");
        assert_eq!(without_arguments("core::jwt::verify"), "core::jwt::verify");
    }

    #[test]
    fn a_panic_called_from_two_places_is_one_panic() {
        let panic = |caller: &str| Panic {
            symbol: "p".to_owned(),
            caller: caller.to_owned(),
        };
        assert_eq!(count(&[panic("a"), panic("b")]), 1);
        assert_eq!(count(&[]), 0);
    }
}
