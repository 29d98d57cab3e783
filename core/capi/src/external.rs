//! Keys behind callbacks: in a secure element, an accelerator.

use core::ffi::{c_char, c_int, c_void};

use smallgate_core::jose::{
    Algorithm, KeyId, MAX_SIGNATURE, SignError, SignatureError, Signer, Verifier,
};
use smallgate_firmware::image::Es256;

use crate::backend::{self, Backend};
use crate::error::Error;
use crate::header;
use crate::slice::{Apart, array, ended};

type Sign = unsafe extern "C" fn(*mut c_void, *const u8, usize, *mut u8) -> c_int;
type Verify = unsafe extern "C" fn(*mut c_void, *const u8, usize, *const u8, usize) -> c_int;

/// `smallgate_backend` of the header.
#[repr(C)]
pub struct CBackend {
    pub(crate) algorithm: u32,
    pub(crate) key_id: *const c_char,
    pub(crate) point: *const u8,
    pub(crate) context: *mut c_void,
    pub(crate) sign: Option<Sign>,
    pub(crate) verify: Option<Verify>,
}

/// A key that answers through callbacks.
pub(crate) struct External {
    algorithm: Algorithm,
    key_id: Option<KeyId>,
    point: Option<([u8; 32], [u8; 32])>,
    /// Verifies in place of a callback.
    own: Option<<Backend as Es256>::Verifying>,
    context: *mut c_void,
    sign: Option<Sign>,
    verify: Option<Verify>,
}

// SAFETY: the context is only handed to the callbacks, which the header says may be called on any
// thread that uses the key.
unsafe impl Sync for External {}

// SAFETY: as above; nothing here knows on which thread it was made.
unsafe impl Send for External {}

impl External {
    /// # Safety
    ///
    /// The texts and the point are there; the callbacks keep to the header.
    pub(crate) unsafe fn new(from: &CBackend, apart: &Apart) -> Result<Self, Error> {
        let algorithm = match from.algorithm {
            header::HS256 => Algorithm::Hs256,
            header::ES256 => Algorithm::Es256,
            _ => return Err(Error::Value),
        };
        // SAFETY: passed on.
        let name = unsafe { ended(from.key_id, apart) }?;
        let point = if from.point.is_null() {
            None
        } else {
            // SAFETY: passed on.
            let octets = unsafe { array::<64>(from.point) }?;
            apart.reads_one(octets)?;
            let (x, y) = octets.split_first_chunk::<32>().ok_or(Error::Internal)?;
            Some((*x, *y.first_chunk::<32>().ok_or(Error::Internal)?))
        };
        if point.is_some() && algorithm != Algorithm::Es256 {
            return Err(Error::Value);
        }
        let own = match (&point, from.verify) {
            (Some((x, y)), None) if backend::PRESENT => Some(Backend::point(x, y, name)?),
            _ => None,
        };
        if from.sign.is_none() && from.verify.is_none() && own.is_none() {
            return Err(Error::Null);
        }
        Ok(External {
            algorithm,
            key_id: name
                .map(|name| KeyId::try_from(name).map_err(|_| Error::KeyId))
                .transpose()?,
            point,
            own,
            context: from.context,
            sign: from.sign,
            verify: from.verify,
        })
    }

    pub(crate) fn signs(&self) -> bool {
        self.sign.is_some()
    }

    pub(crate) fn verifies(&self) -> bool {
        self.verify.is_some() || self.own.is_some()
    }
}

impl Signer for External {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    fn sign(&self, input: &[u8], signature: &mut [u8; MAX_SIGNATURE]) -> Result<usize, SignError> {
        let sign = self.sign.ok_or(SignError::Backend)?;
        // SAFETY: the callback is the caller's, called as the header says: with octets to read and
        // room for 64.
        let wrote = unsafe {
            sign(
                self.context,
                input.as_ptr(),
                input.len(),
                signature.as_mut_ptr(),
            )
        };
        usize::try_from(wrote)
            .ok()
            .filter(|wrote| *wrote == self.algorithm.signature_len())
            .ok_or(SignError::Backend)
    }
}

impl Verifier for External {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    fn verify(&self, input: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        if signature.len() != self.algorithm.signature_len() {
            return Err(SignatureError::Length);
        }
        let Some(verify) = self.verify else {
            let own = self.own.as_ref().ok_or(SignatureError::Backend)?;
            return own.verify(input, signature);
        };
        // SAFETY: the callback is the caller's, called as the header says: with octets to read.
        let said = unsafe {
            verify(
                self.context,
                input.as_ptr(),
                input.len(),
                signature.as_ptr(),
                signature.len(),
            )
        };
        match said {
            0 => Ok(()),
            1 => Err(SignatureError::Mismatch),
            _ => Err(SignatureError::Backend),
        }
    }

    fn public_point(&self) -> Option<([u8; 32], [u8; 32])> {
        self.point
    }
}
