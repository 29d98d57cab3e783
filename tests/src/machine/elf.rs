//! A firmware as its ELF file tells of it: sizes, symbols, the words of its
//! log.

use std::fmt;
use std::path::{Path, PathBuf};

use defmt_decoder::Table;
use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol, SectionFlags, SymbolKind, elf};

/// A firmware, read.
pub struct Elf {
    path: PathBuf,
    octets: Vec<u8>,
    table: Option<Table>,
}

/// A function or a constant, and how much of the flash it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its name, demangled.
    pub name: String,
    /// In octets.
    pub size: u64,
}

impl Elf {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// There is none, it is no ELF file, or its log has another version.
    pub fn read(path: &Path) -> Result<Self, String> {
        let named = |error: &dyn fmt::Display| format!("{}: {error}", path.display());
        let octets = std::fs::read(path).map_err(|error| named(&error))?;
        object::File::parse(&*octets).map_err(|error| named(&error))?;
        let table = Table::parse(&octets).map_err(|error| named(&error))?;
        Ok(Elf {
            path: path.to_owned(),
            octets,
            table,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn table(&self) -> Option<&Table> {
        self.table.as_ref()
    }

    /// The address of a symbol.
    pub fn symbol(&self, name: &str) -> Option<u32> {
        let file = object::File::parse(&*self.octets).ok()?;
        let symbol = file.symbols().find(|symbol| symbol.name() == Ok(name))?;
        u32::try_from(symbol.address()).ok()
    }

    /// A copy at `path` in which functions begin with other instructions: the
    /// one whose whole name without its arguments is `name`.
    ///
    /// # Errors
    ///
    /// No function or more than one has this name, it is not in the file, or the
    /// copy can not be written.
    pub fn patched(&self, path: &Path, name: &str, instructions: &[u8]) -> Result<Self, String> {
        let file = object::File::parse(&*self.octets).map_err(|error| error.to_string())?;
        let named: Vec<u64> = file
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Text)
            .filter(|symbol| {
                let mangled = symbol.name().unwrap_or_default();
                format!("{:#}", rustc_demangle::demangle(mangled)) == name
            })
            .map(|symbol| symbol.address())
            .collect();
        let [at] = named[..] else {
            return Err(format!("{} functions are called {name}", named.len()));
        };
        // Code for Thumb has odd addresses.
        let at = at & !1;
        let place = file.segments().find_map(|segment| {
            let (start, length) = segment.file_range();
            let within = at.checked_sub(segment.address())?;
            (within < length).then_some(start + within)
        });
        let place = place.and_then(|place| usize::try_from(place).ok());
        let mut octets = self.octets.clone();
        place
            .and_then(|place| octets.get_mut(place..)?.get_mut(..instructions.len()))
            .ok_or_else(|| format!("{name} is not in the file"))?
            .copy_from_slice(instructions);
        std::fs::write(path, octets).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::read(path)
    }

    /// The octets of flash: code, constants, initial values.
    pub fn flash(&self) -> u64 {
        self.total(|kind, _| kind != elf::SHT_NOBITS)
    }

    /// The octets of RAM that hold variables from the start on.
    pub fn variables(&self) -> u64 {
        self.total(|_, flags| flags.contains(elf::SHF_WRITE))
    }

    fn total(&self, counts: impl Fn(elf::SectionType, elf::SectionFlags) -> bool) -> u64 {
        let Ok(file) = object::File::parse(&*self.octets) else {
            return 0;
        };
        file.sections()
            .filter(|section| match section.flags() {
                SectionFlags::Elf { sh_flags, sh_type } => {
                    sh_flags.contains(elf::SHF_ALLOC) && counts(sh_type, sh_flags)
                }
                _ => false,
            })
            .map(|section| section.size())
            .sum()
    }

    /// Every function and constant that has a name, the largest first.
    pub fn pieces(&self) -> Vec<Piece> {
        let Ok(file) = object::File::parse(&*self.octets) else {
            return Vec::new();
        };
        // RAM is where variables are, and every one of them is above the code.
        let in_flash = |at: u64| at < 0x2000_0000;
        let mut pieces: Vec<Piece> = file
            .symbols()
            .filter(|symbol| matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data))
            .filter(|symbol| symbol.size() > 0 && in_flash(symbol.address()))
            .filter_map(|symbol| {
                Some(Piece {
                    name: format!("{:#}", rustc_demangle::demangle(symbol.name().ok()?)),
                    size: symbol.size(),
                })
            })
            .collect();
        pieces.sort_by(|one, other| other.size.cmp(&one.size).then(one.name.cmp(&other.name)));
        pieces
    }
}

impl fmt::Debug for Elf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Elf").field(&self.path).finish()
    }
}
