//! Forms, as borrowed as each lets them be.

use std::borrow::Cow;
use std::hint::black_box;

use serde::Deserialize;
use smallgate_turns::samples::{FORM, VALUES};
use smallgate_turns::turns::Case;

#[derive(Default, Deserialize)]
struct TokenRequest<'f> {
    #[serde(borrow)]
    grant_type: Cow<'f, str>,
    #[serde(borrow)]
    client_id: Cow<'f, str>,
    #[serde(borrow)]
    code: Cow<'f, str>,
    #[serde(borrow)]
    redirect_uri: Cow<'f, str>,
    #[serde(borrow)]
    code_verifier: Cow<'f, str>,
    #[serde(borrow)]
    scope: Cow<'f, str>,
}

impl TokenRequest<'_> {
    fn len(&self) -> usize {
        self.grant_type.len()
            + self.client_id.len()
            + self.code.len()
            + self.redirect_uri.len()
            + self.code_verifier.len()
            + self.scope.len()
    }
}

pub(crate) fn cases() -> [Case<'static>; 3] {
    let case = |peer, parse: fn(&[u8]) -> TokenRequest<'_>| {
        assert_eq!(parse(FORM.as_bytes()).len(), VALUES);
        let work = move || {
            let request = parse(black_box(FORM.as_bytes()));
            black_box(&request);
            request.len()
        };
        Case::new(format!("form parse, {peer}"), work)
    };
    [
        case("form_urlencoded", |body| {
            let mut request = TokenRequest::default();
            for (name, value) in form_urlencoded::parse(body) {
                match &*name {
                    "grant_type" => request.grant_type = value,
                    "client_id" => request.client_id = value,
                    "code" => request.code = value,
                    "redirect_uri" => request.redirect_uri = value,
                    "code_verifier" => request.code_verifier = value,
                    "scope" => request.scope = value,
                    _ => {}
                }
            }
            request
        }),
        case("serde_urlencoded", |body| {
            serde_urlencoded::from_bytes(body).expect("a form")
        }),
        case("serde_html_form", |body| {
            serde_html_form::from_bytes(body).expect("a form")
        }),
    ]
}
