//! Why a form is refused.

use core::fmt;

use crate::codec::json::JsonError;

/// Why a body or a component was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FormError {
    /// More octets than the limit, or than the output holds.
    TooLong,
    /// More parameters than the limit.
    TooManyParameters,
    /// A `%` that two hexadecimal digits do not follow.
    BadEscape,
    /// A name or a value is not UTF-8.
    InvalidUtf8,
    /// Two parameters have the same name.
    Repeated,
    /// The body is not the JSON object it should be.
    Json(JsonError),
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FormError::TooLong => "the form is too long",
            FormError::TooManyParameters => "the form has too many parameters",
            FormError::BadEscape => "the form has a bad % escape",
            FormError::InvalidUtf8 => "the form is not UTF-8",
            FormError::Repeated => "the form repeats a parameter",
            FormError::Json(error) => return error.fmt(f),
        })
    }
}

impl core::error::Error for FormError {}

/// The parameter is there, but it is a JSON value other than a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NotText;

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the parameter is not a JSON string")
    }
}

impl core::error::Error for NotText {}
