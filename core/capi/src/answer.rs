//! What an exchange came to: a response, or the token that permits something.

use core::ffi::c_int;

use crate::error::Error;
use crate::exchange::{CExchange, State, with};
use crate::guard::guarded;
use crate::object;
use crate::request::CHeader;
use crate::slice::{Apart, placed, put};
use crate::validate::{CToken, Token};

/// `smallgate_response` of the header.
#[repr(C)]
pub struct CResponse {
    pub(crate) status: u32,
    pub(crate) header_count: usize,
    pub(crate) body: *const u8,
    pub(crate) body_length: usize,
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_exchange_response(
    exchange: *const CExchange,
    response: *mut CResponse,
) -> c_int {
    guarded(|| {
        placed(response)?;
        let mut apart = Apart::new();
        apart.writes_one(response)?;
        apart.reads_one(exchange)?;
        let told = |state: &mut State| {
            let answer = state.answer()?.response();
            if state.authorizes && state.token.is_some() {
                return Ok(CResponse {
                    status: 0,
                    header_count: 0,
                    body: core::ptr::null(),
                    body_length: 0,
                });
            }
            apart.reads(state.room.0, state.room.1)?;
            Ok(CResponse {
                status: answer.status().into(),
                header_count: answer.headers().count(),
                body: answer.body().as_ptr(),
                body_length: answer.body().len(),
            })
        };
        // SAFETY: the header asks for such an object.
        let told = unsafe { with(exchange, told) }?;
        // SAFETY: the header asks for such a place.
        unsafe { put(response, told) }?;
        Ok(0)
    })
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_exchange_header(
    exchange: *const CExchange,
    index: usize,
    field: *mut CHeader,
) -> c_int {
    guarded(|| {
        placed(field)?;
        let mut apart = Apart::new();
        apart.writes_one(field)?;
        apart.reads_one(exchange)?;
        let told = |state: &mut State| {
            apart.reads(state.room.0, state.room.1)?;
            let mut headers = state.answer()?.response().headers();
            let (name, value) = headers.nth(index).ok_or(Error::Value)?;
            Ok(CHeader {
                name: name.as_ptr().cast(),
                name_length: name.len(),
                value: value.as_ptr().cast(),
                value_length: value.len(),
            })
        };
        // SAFETY: the header asks for such an object.
        let told = unsafe { with(exchange, told) }?;
        // SAFETY: the header asks for such a place.
        unsafe { put(field, told) }?;
        Ok(0)
    })
}

/// # Safety
///
/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smallgate_exchange_token(
    exchange: *const CExchange,
    token: *mut CToken,
) -> c_int {
    guarded(|| {
        placed(token)?;
        let mut apart = Apart::new();
        apart.writes_one(token)?;
        apart.reads_one(exchange)?;
        let told = |state: &mut State| {
            apart.reads(state.room.0, state.room.1)?;
            state.token.ok_or(Error::State)
        };
        // SAFETY: the header asks for such an object.
        let told = unsafe { with(exchange, told) }?;
        // SAFETY: the header asks for such memory, apart from the exchange and its room.
        unsafe { object::make(token, Token(told)) }?;
        Ok(0)
    })
}
