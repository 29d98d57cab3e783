//! Smallgate's side: a form.

use std::hint::black_box;

use smallgate_core::codec::form::{Limits, Parameters};
use smallgate_turns::samples::{FORM, PARAMETERS, VALUES};
use smallgate_turns::turns::Case;

/// It is decoded where it lies, so it is laid there each time.
pub(crate) fn case() -> Case<'static> {
    let limits = Limits::default();
    let mut room = [0; FORM.len()];
    let mut parse = move || {
        room.copy_from_slice(black_box(FORM.as_bytes()));
        let parameters = Parameters::from_form(&mut room, &limits).expect("a form");
        black_box(&parameters);
        let values = PARAMETERS.map(|(name, _)| parameters.value(name));
        let values = values.map(|value| value.expect("text").map_or(0, str::len));
        values.iter().sum::<usize>()
    };
    assert_eq!(parse(), VALUES);
    Case::new("form parse", parse).frugal()
}
