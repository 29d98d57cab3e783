//! `[[device]]`: what is behind the tokens.

use std::collections::HashSet;

use smallgate_core::jwt::ScopeForm;
use smallgate_core::profile::Profile;
use smallgate_core::scope::ScopeNames;
use smallgate_firmware::devices::{Device, Kind, MAX_DEVICES, Pin};
use toml::Spanned;

use super::fault::Fault;
use super::file::{DeviceTable, File};
use crate::region::Region;

/// The scopes where a device says none.
const READ: &str = "read";
const WRITE: &str = "write";

/// The highest number of a pin.
pub(crate) const LAST_PIN: u8 = 31;

/// All devices.
pub(super) fn devices<'r>(
    region: &'r Region,
    file: &File,
    profile: &Profile,
    scopes: &ScopeNames<'_>,
) -> Result<&'r [Device<'r>], Fault> {
    let mut names = HashSet::new();
    let mut devices = Vec::new();
    for table in &file.device {
        let table = table.get_ref();
        if devices.len() == MAX_DEVICES {
            let message = format!("there are more than {MAX_DEVICES} devices");
            return Err(Fault::new(&table.name, message).remedy("take some out"));
        }
        if !names.insert(table.name.get_ref()) {
            return Err(Fault::new(&table.name, "an earlier device has this name")
                .remedy("give each [[device]] a name of its own"));
        }
        devices.push(device(region, table, profile, scopes)?);
    }
    Ok(region.list(&devices))
}

fn device<'r>(
    region: &'r Region,
    table: &DeviceTable,
    profile: &Profile,
    scopes: &ScopeNames<'_>,
) -> Result<Device<'r>, Fault> {
    let kind = kind(table)?;
    let rule = |value: &Option<Spanned<String>>, otherwise| {
        rule(value.as_ref(), otherwise, table, profile, scopes).map(|text| region.text(text))
    };
    let device = Device {
        name: region.text(table.name.get_ref()),
        kind,
        read: rule(&table.read, READ)?,
        write: match kind {
            Kind::Output(_) => rule(&table.write, WRITE)?,
            Kind::Input(_) | Kind::Emc1413 { .. } => {
                absent(&table.write, "this device is not written to")?;
                ""
            }
        },
    };
    match device.is_possible() {
        true => Ok(device),
        false => Err(Fault::new(&table.name, "this is no name for a device")
            .remedy("use 1 to 32 of a-z 0-9 - _")),
    }
}

fn kind(table: &DeviceTable) -> Result<Kind, Fault> {
    match table.kind.get_ref().as_str() {
        "emc1413" => {
            absent(&table.pin, "a sensor on the I2C bus has no pin")?;
            absent(&table.active_low, "a sensor is neither on nor off")?;
            let remedy = "write address = 0x4c, or what its data sheet says, from 0x08 to 0x77";
            let address = there(&table.address, table, "an EMC1413 has an address", remedy)?;
            match u8::try_from(*address.get_ref()) {
                Ok(address @ 0x08..=0x77) => Ok(Kind::Emc1413 { address }),
                _ => Err(Fault::new(address, "this is no address of 7 bits").remedy(remedy)),
            }
        }
        "output" => pin(table).map(Kind::Output),
        "input" => pin(table).map(Kind::Input),
        other => {
            let message = format!("there is no kind of device `{other}`");
            Err(Fault::new(&table.kind, message)
                .remedy("use \"emc1413\" (a temperature sensor), \"output\" or \"input\""))
        }
    }
}

fn pin(table: &DeviceTable) -> Result<Pin, Fault> {
    absent(&table.address, "a pin has no address")?;
    let remedy = format!("write the number that the board gives it, from 0 to {LAST_PIN}");
    let number = there(&table.pin, table, "an output or input has a pin", &remedy)?;
    match u8::try_from(*number.get_ref()) {
        Ok(pin @ 0..=LAST_PIN) => Ok(Pin {
            number: pin,
            active_low: table.active_low.as_ref().is_some_and(|low| *low.get_ref()),
        }),
        _ => Err(Fault::new(number, "no board has such a pin").remedy(remedy)),
    }
}

/// Scopes that a method takes.
fn rule<'t>(
    value: Option<&'t Spanned<String>>,
    otherwise: &'static str,
    table: &DeviceTable,
    profile: &Profile,
    scopes: &ScopeNames<'_>,
) -> Result<&'t str, Fault> {
    let text = value.map_or(otherwise, |value| value.get_ref().trim());
    let fault = |message: String| match value {
        Some(value) => Fault::new(value, message),
        None => Fault::new(&table.name, message),
    };
    if text.is_empty() {
        return Ok("");
    }
    if profile.access_token.scope == ScopeForm::Absent {
        let message = format!("tokens of profile `{}` name no scopes", profile.name);
        return Err(fault(message)
            .remedy("write read = \"\", and for an output write = \"\": any good token will do"));
    }
    match scopes.parse(text) {
        Ok(_) => Ok(text),
        Err((_, name)) => Err(fault(format!("there is no scope `{name}`")).remedy(
            "write read = \"…\" and write = \"…\" with names of the `scopes` at the top of the file, separated by single spaces",
        )),
    }
}

fn there<'t, T>(
    value: &'t Option<Spanned<T>>,
    table: &DeviceTable,
    message: &str,
    remedy: &str,
) -> Result<&'t Spanned<T>, Fault> {
    let missing = || Fault::new(&table.kind, message).remedy(remedy);
    value.as_ref().ok_or_else(missing)
}

fn absent<T>(value: &Option<Spanned<T>>, message: &str) -> Result<(), Fault> {
    match value {
        None => Ok(()),
        Some(value) => Err(Fault::new(value, message).remedy("take the line out")),
    }
}
