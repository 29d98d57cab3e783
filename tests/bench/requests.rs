//! From the octets of a form to the octets of a signed response, through the
//! core and its in-memory store; a host's framing is not in it.

use std::hint::black_box;

use smallgate_core::http::{Body, Header, Request, Source};
use smallgate_core::jose::Algorithm;
use smallgate_core::oauth::{Clock, drive};
use smallgate_core::profile::{Profile, STANDARD, TEEN_QUOTES};
use smallgate_core::secret::Entropy;
use smallgate_tests::rig::{Rig, SECRET, START};
use smallgate_turns::turns::Case;

pub(crate) fn cases() -> Vec<Case<'static>> {
    let hs256 = Profile {
        algorithm: Algorithm::Hs256,
        ..STANDARD
    };
    vec![
        Case::new("form to response, HS256", client_credentials(hs256)).frugal(),
        Case::new(
            "form to response, HS256, refresh token",
            client_credentials(TEEN_QUOTES),
        )
        .frugal(),
        Case::new("form to response, ES256", client_credentials(STANDARD)).frugal(),
    ]
}

fn client_credentials(profile: Profile) -> impl FnMut() -> usize {
    let form = format!(
        "grant_type=client_credentials&client_id=demo&client_secret={SECRET}&scope=read%20write"
    );
    let mut rig = Rig::new(profile);
    let headers = [
        ("host", "as.example"),
        ("accept", "*/*"),
        ("content-type", "application/x-www-form-urlencoded"),
    ]
    .map(|(name, value)| Header {
        name,
        value: value.as_bytes(),
    });
    let mut body = [0; 256];
    let mut out = [0; 2048];
    let mut draw = 0_u64;
    move || {
        let body = &mut body[..form.len()];
        body.copy_from_slice(black_box(form.as_bytes()));
        draw += 1;
        let mut entropy = [0; Entropy::SIZE];
        for chunk in entropy.chunks_exact_mut(8) {
            chunk.copy_from_slice(&draw.to_le_bytes());
        }
        let request = Request {
            method: "POST",
            target: profile.token_path,
            headers: &headers,
            body: Body::Whole(body),
            source: Source::v4([127, 0, 0, 1]),
        };
        let entropy = Entropy::new(entropy);
        let clock = Clock::at(START);
        let step = rig
            .server
            .begin(request, clock, entropy, &rig.throttle, &mut out);
        let answer = drive(step, &mut rig.store);
        let response = answer.response();
        assert!(response.status() == 200);
        black_box(response.body());
        response.body().len()
    }
}
