//! An authorization server: one token request for `client_credentials`, from the octets of its
//! body to those of the answer, in HS256 and in ES256.
//!
//! The framing of HTTP is the host's, and not in it.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::num::NonZeroU32;

use cortex_m_rt::entry;
use smallgate_core::http::{Body, Header, Request, Source};
use smallgate_core::jose::{Signer, Verifier};
use smallgate_core::oauth::{
    AuthorizationServer, Client, Clock, Configuration, HandleKeys, Limits, MasterKey, Slot,
    Throttle, ThrottlePolicy, ThrottleSlot, drive,
};
use smallgate_core::profile::{GrantType, GrantTypes, STANDARD};
use smallgate_core::scope::{ScopeNames, ScopeSet};
use smallgate_core::secret::{Entropy, SecretHash};
use smallgate_core::store::MemoryStore;
use smallgate_core::time::{Seconds, UnixTime};
use smallgate_mps2_an386::Bench;
use smallgate_mps2_an386::tokens::{
    AUDIENCE, CLIENT, ES256, HS256, ISSUER, NOW, SCOPES, es256_signing_key, hs256_key,
};

const HUNDRED: NonZeroU32 = NonZeroU32::new(100).unwrap();
const TEN: NonZeroU32 = NonZeroU32::new(10).unwrap();

const SECRET: &str = "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7";

/// The client and its secret, as HTTP Basic has them (RFC 7617).
const AUTHORIZATION: &str =
    "Basic dGhlcm1vc3RhdC0wMDA3OlpHVm1aMmhwYW10c2JXNXZjSEZ5YzNSMWRuZDRlWHA3";

const BODY: &[u8; 46] = b"grant_type=client_credentials&scope=read+write";

/// The answer around the token (RFC 6749 §5.1).
const BEFORE: &str = r#"{"access_token":""#;
const AFTER: &str = r#"","token_type":"Bearer","expires_in":3600,"scope":"read write"}"#;

#[entry]
fn main() -> ! {
    let mut bench = Bench::start();
    if let (Ok(hs256), Ok(es256)) = (hs256_key(), es256_signing_key()) {
        let es256_public = es256.verifying_key();
        measure(
            &mut bench,
            "token request hs256",
            HUNDRED,
            (&hs256, &hs256),
            HS256,
        );
        measure(
            &mut bench,
            "token request es256",
            TEN,
            (&es256, &es256_public),
            ES256,
        );
    } else {
        bench.check("keys", false);
    }
    bench.end()
}

fn measure(
    bench: &mut Bench,
    name: &str,
    times: NonZeroU32,
    (signer, verifier): (&dyn Signer, &dyn Verifier),
    token: &str,
) {
    let both = ScopeSet::from_bits(0b11);
    let clients = [Client {
        id: CLIENT,
        secret: Some(SecretHash::of(SECRET.as_bytes())),
        grant_types: GrantTypes::of(&[GrantType::ClientCredentials]),
        scopes: both,
        default_scopes: both,
        redirect_uris: &[],
        grants_not_before: UnixTime(0),
    }];
    let verifiers = [verifier];
    let slots = [const { ThrottleSlot::new() }; 16];
    let throttle = Throttle::new(&slots, ThrottlePolicy::DEFAULT, [5; 16]);
    let server = ScopeNames::new(SCOPES).ok().and_then(|scopes| {
        AuthorizationServer::new(Configuration {
            profile: STANDARD,
            issuer: ISSUER,
            audience: AUDIENCE,
            clients: &clients,
            users: &[],
            scopes,
            signer,
            verifiers: &verifiers,
            handle_keys: HandleKeys {
                current: MasterKey::new([9; 32]),
                slot: Slot::A,
                previous: None,
            },
            api_key: None,
            grants_not_before: UnixTime(0),
            skew: Seconds(0),
            limits: Limits::DEFAULT,
        })
        .ok()
    });
    let Some(server) = server else {
        bench.check("configuration", false);
        return;
    };
    let mut store = MemoryStore::<4>::new();

    let answers = answer(
        &server,
        &throttle,
        &mut store,
        AUTHORIZATION,
        |status, body| {
            status == 200
                && body
                    .strip_prefix(BEFORE.as_bytes())
                    .and_then(|rest| rest.strip_suffix(AFTER.as_bytes()))
                    == Some(token.as_bytes())
        },
    );
    bench.check(name, answers);
    let refuses = answer(
        &server,
        &throttle,
        &mut store,
        "Basic dGhlcm1vc3RhdC0wMDA3Og==",
        |status, body| status == 401 && !body.is_empty(),
    );
    bench.check("a missing secret is refused", refuses);

    let mut request = || {
        answer(
            &server,
            &throttle,
            &mut store,
            black_box(AUTHORIZATION),
            |status, body| status == 200 && !black_box(body).is_empty(),
        )
    };
    bench.instructions(name, times, &mut request);
    bench.stack(name, &mut request);
}

/// One exchange, with the same entropy each time, so that the token is known: its `jti` is those
/// octets, the first bit set, since no grant is behind it. What the answer is
/// written to is here, so that the stack measured has it.
fn answer(
    server: &AuthorizationServer<'_>,
    throttle: &Throttle<'_>,
    store: &mut MemoryStore<4>,
    authorization: &str,
    is_right: impl Fn(u16, &[u8]) -> bool,
) -> bool {
    let mut entropy = [0; Entropy::SIZE];
    for (octet, value) in entropy.iter_mut().zip(1..) {
        *octet = value;
    }
    let mut body = *black_box(BODY);
    let mut out = [0; 1024];
    let headers = [
        Header {
            name: "Content-Type",
            value: b"application/x-www-form-urlencoded",
        },
        Header {
            name: "Authorization",
            value: authorization.as_bytes(),
        },
    ];
    let request = Request {
        method: "POST",
        target: STANDARD.token_path,
        headers: &headers,
        body: Body::Whole(&mut body),
        source: Source::v4([10, 0, 2, 2]),
    };
    let step = server.begin(
        request,
        Clock::at(NOW),
        Entropy::new(entropy),
        throttle,
        &mut out,
    );
    let answer = drive(step, store);
    is_right(answer.response().status(), answer.response().body())
}
