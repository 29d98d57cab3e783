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

    /// The address of the function whose whole name without its arguments is
    /// `name`.
    ///
    /// # Errors
    ///
    /// No function or more than one has this name.
    pub fn function(&self, name: &str) -> Result<u32, String> {
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
        u32::try_from(at & !1).map_err(|error| error.to_string())
    }

    /// The address of a constant with these octets.
    ///
    /// # Errors
    ///
    /// None has them, or they are there more than once.
    pub fn constant(&self, octets: &[u8]) -> Result<u32, String> {
        let file = object::File::parse(&*self.octets).map_err(|error| error.to_string())?;
        let mut found = Vec::new();
        for segment in file.segments() {
            let within = segment.data().map_err(|error| error.to_string())?;
            let places = within.windows(octets.len()).enumerate();
            let here = places.filter(|(_, window)| *window == octets);
            found.extend(here.map(|(place, _)| segment.address() + place as u64));
        }
        let [at] = found[..] else {
            return Err(format!("{octets:?} are there {} times", found.len()));
        };
        u32::try_from(at).map_err(|error| error.to_string())
    }

    /// So many octets as the firmware has them at an address.
    ///
    /// # Errors
    ///
    /// They are not in the file.
    pub fn octets(&self, at: u32, length: usize) -> Result<&[u8], String> {
        let place = self.place(at)?;
        let octets = self.octets.get(place..place + length);
        octets.ok_or_else(|| format!("{at:#x} is too near to the end"))
    }

    /// A copy at `path` that has other octets at an address.
    ///
    /// # Errors
    ///
    /// The address is not in the file, or the copy can not be written.
    pub fn patched(&self, path: &Path, at: u32, others: &[u8]) -> Result<Self, String> {
        let place = self.place(at)?;
        let mut octets = self.octets.clone();
        octets
            .get_mut(place..place + others.len())
            .ok_or_else(|| format!("{at:#x} is too near to the end"))?
            .copy_from_slice(others);
        std::fs::write(path, octets).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::read(path)
    }

    /// Where in the file that is which is at an address.
    fn place(&self, at: u32) -> Result<usize, String> {
        let file = object::File::parse(&*self.octets).map_err(|error| error.to_string())?;
        let place = file.segments().find_map(|segment| {
            let (start, length) = segment.file_range();
            let within = u64::from(at).checked_sub(segment.address())?;
            (within < length).then_some(start + within)
        });
        let place = place.and_then(|place| usize::try_from(place).ok());
        place.ok_or_else(|| format!("{at:#x} is not in the file"))
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
