//! What a program tells valgrind's memcheck about its memory (`memcheck.h`).
#![expect(
    unsafe_code,
    reason = "valgrind is asked by an instruction sequence that does nothing on the machine itself"
)]

/// `VG_USERREQ__RUNNING_ON_VALGRIND`
const RUNNING: usize = 0x1001;
/// `VG_USERREQ__CHANGE_ERR_DISABLEMENT`
const SILENCE: usize = 0x1801;
/// `VG_USERREQ__MAKE_MEM_UNDEFINED`, of the tool `MC`
const UNDEFINED: usize = 0x4D43_0001;
/// `VG_USERREQ__MAKE_MEM_DEFINED`
const DEFINED: usize = 0x4D43_0002;

/// Whether valgrind runs this.
pub(crate) fn is_running() -> bool {
    request(RUNNING, 0, 0) != 0
}

/// From here on, these octets are secret, and so is all that is computed from them:
/// whatever branches on them or takes them for an address is reported.
pub(crate) fn secret(octets: &mut [u8]) {
    request(
        UNDEFINED,
        octets.as_mut_ptr().expose_provenance(),
        octets.len(),
    );
}

/// From here on, these octets are known to everybody.
pub(crate) fn public(octets: &mut [u8]) {
    request(
        DEFINED,
        octets.as_mut_ptr().expose_provenance(),
        octets.len(),
    );
}

/// Does something of which nothing is reported. What it computes from secrets stays secret.
pub(crate) fn unreported<T>(act: impl FnOnce() -> T) -> T {
    request(SILENCE, 1, 0);
    let done = act();
    request(SILENCE, usize::MAX, 0); // one less
    done
}

/// `VALGRIND_DO_CLIENT_REQUEST_EXPR`, with 0 where nobody answers.
#[cfg(target_arch = "x86_64")]
fn request(what: usize, first: usize, second: usize) -> usize {
    let arguments = [what, first, second, 0, 0, 0];
    let answer;
    // SAFETY: rdi has turned once around in the end, and rbx was exchanged with itself: without
    // valgrind nothing happens. With it, `arguments` are read, the octets that they point to were
    // lent, and nothing but what is known of them is written.
    unsafe {
        core::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") arguments.as_ptr(),
            inout("rdx") 0_usize => answer,
            options(nostack),
        );
    }
    answer
}

/// Other machines have other sequences: there [`is_running`] says no.
#[cfg(not(target_arch = "x86_64"))]
fn request(_what: usize, _first: usize, _second: usize) -> usize {
    0
}
