//! An OAuth 2.0 authorization server and JWT validator without a heap: no
//! `std`, no `alloc`, no `unsafe`, no panic, no I/O of its own.
//!
//! # The way of a request
//!
//! Every request is one exchange: at most one record read, a pure decision, at
//! most one compare-and-swap, one response.
//!
//! ```text
//! octets → Request → TokenRequest → AuthenticatedClient → Grant → Claims → SignedToken → octets
//!                           load(id)?  ↑                       ↓  commit(id, seen, new)?
//! ```
//!
//! The modules in that order:
//!
//! * [`http`]: a request and a response as values. The host does the framing.
//! * [`codec`]: octets to fields and back, in place, bounded and strict.
//! * [`oauth`]: who asks, for what, and what the stored grant says to it; an
//!   exchange in typed steps.
//! * [`profile`]: what sets one service's endpoint apart from another's, as data.
//! * [`jwt`] and [`jose`]: claims, signatures and keys.
//! * [`bearer`]: what a resource does with the token that comes back.
//! * [`store`]: where grants are kept.
//! * [`sha256`]: the hash under all of it, and HMAC.
//! * [`time`], [`scope`], [`secret`]: small values.
//!
//! Time and entropy are arguments. Clients, users, scopes and keys are slices
//! that the caller owns.
//!
//! # To check tokens on a device
//!
//! ```
//! use smallgate_core::bearer::{BearerError, ResourceServer};
//! use smallgate_core::http::Header;
//! use smallgate_core::jose::{Jwk, Keys, Verifier};
//! use smallgate_core::jwt::{TokenFormat, Validation};
//! use smallgate_core::time::UnixTime;
//! # use smallgate_core::{jose::Es256SigningKey, jwt::{self, Audience, Claims, ScopeClaim}};
//!
//! // One of the `keys` that the authorization server publishes at `/jwks.json`.
//! let key = Jwk::parse(br#"{"kty":"EC","crv":"P-256","kid":"k1",
//!     "x":"HhhTL9R1TALzBB2cdc6zO4P_2BrHzk_ogsyxyYvFiW4",
//!     "y":"pGwxHE4v9A3ZajZT5uRURdMt_khuztdcepDGoYiBwKM"}"#)?
//!     .es256_verifying_key()?;
//! let verifiers: [&dyn Verifier; 1] = [&key];
//! let resource = ResourceServer {
//!     keys: Keys::new(&verifiers),
//!     validation: Validation {
//!         issuer: Some("https://as.example"),
//!         audience: Some("https://gateway.example"),
//!         ..Validation::new(TokenFormat::ACCESS_TOKEN)
//!     },
//!     token_header: None,
//! };
//! # let issued = Claims {
//! #     issuer: Some("https://as.example"),
//! #     subject: Some("94173"),
//! #     audience: Some(Audience::One("https://gateway.example")),
//! #     client_id: Some("demo"),
//! #     scope: Some(ScopeClaim::Text("read")),
//! #     issued_at: Some(UnixTime(1_800_000_000)),
//! #     expires_at: Some(UnixTime(1_800_003_600)),
//! #     not_before: None,
//! #     jwt_id: Some("1"),
//! # };
//! # let mut out = [0; 1024];
//! # let signer = Es256SigningKey::new(&[7; 32], Some("k1"))?;
//! # let token = jwt::issue(&signer, &TokenFormat::ACCESS_TOKEN, &issued, &mut out)?;
//! # let value = ["Bearer ", token.as_str()].concat();
//! # let value = value.as_bytes();
//!
//! // `value` is what came as `Authorization`: "Bearer eyJ…".
//! let headers = [Header { name: "Authorization", value }];
//! let mut scratch = [0; 1024];
//! let now = Some(UnixTime(1_800_000_001));
//! let token = resource.authenticate(&headers, None, now, &mut scratch)?;
//! assert_eq!(token.claims().subject, Some("94173"));
//! resource.require(&token, "read")?;
//!
//! // Whoever may only read must not write: 403.
//! let refused = resource.require(&token, "write").unwrap_err();
//! assert_eq!((refused, refused.status()), (BearerError::InsufficientScope, 403));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # To issue tokens of one's own
//!
//! ```
//! use smallgate_core::jose::Hs256Key;
//! use smallgate_core::jwt::{self, Claim, Claims, ScopeForm, TokenFormat};
//! use smallgate_core::time::UnixTime;
//!
//! const TICKET: TokenFormat = TokenFormat {
//!     typ: None,
//!     claims: &[Claim::Subject, Claim::ExpiresAt],
//!     scope: ScopeForm::Absent,
//! };
//! let key = Hs256Key::new(b"thirty-two octets, known to both", None).unwrap();
//! let claims = Claims {
//!     subject: Some("valve-7"),
//!     expires_at: Some(UnixTime(1_800_000_060)),
//!     ..Claims::default()
//! };
//! let mut out = [0; 512];
//! let token = jwt::issue(&key, &TICKET, &claims, &mut out).unwrap();
//! assert!(token.as_str().starts_with("eyJ"));
//! ```
//!
//! # To serve a token endpoint
//!
//! ```
//! use smallgate_core::http::{Body, Header, Request, Source};
//! use smallgate_core::jose::{Hs256Key, Verifier};
//! use smallgate_core::oauth::{
//!     AuthorizationServer, Client, Clock, Configuration, HandleKeys, Limits, MasterKey, Slot,
//!     Throttle, ThrottlePolicy, ThrottleSlot, drive,
//! };
//! use smallgate_core::profile::{self, GrantType, GrantTypes};
//! use smallgate_core::scope::{ScopeNames, ScopeSet};
//! use smallgate_core::secret::{Entropy, SecretHash};
//! use smallgate_core::store::MemoryStore;
//! use smallgate_core::time::{Seconds, UnixTime};
//!
//! // Configuration: slices that the caller owns.
//! let scopes = ScopeNames::new(&["read", "write"])?;
//! let read = scopes.parse("read").unwrap();
//! let clients = [Client {
//!     id: "demo",
//!     secret: Some(SecretHash::of(b"demo-secret-demo-secret-demo-secret")),
//!     grant_types: GrantTypes::of(&[GrantType::ClientCredentials]),
//!     scopes: read,
//!     default_scopes: read,
//!     redirect_uris: &[],
//!     grants_not_before: UnixTime(0),
//! }];
//! let key = Hs256Key::new(&[7; 32], Some("k1"))?;
//! let verifiers: [&dyn Verifier; 1] = [&key];
//! let server = AuthorizationServer::new(Configuration {
//!     profile: profile::STANDARD,
//!     issuer: "https://as.example",
//!     audience: "https://gateway.example",
//!     clients: &clients,
//!     users: &[],
//!     scopes,
//!     signer: &key,
//!     verifiers: &verifiers,
//!     handle_keys: HandleKeys {
//!         current: MasterKey::new([9; 32]),
//!         slot: Slot::A,
//!         previous: None,
//!     },
//!     api_key: None,
//!     grants_not_before: UnixTime(0),
//!     skew: Seconds(0),
//!     limits: Limits::DEFAULT,
//! })?;
//!
//! // State: in memory that the caller owns, too.
//! let mut store = MemoryStore::<16>::new();
//! let slots = [const { ThrottleSlot::new() }; 16];
//! let throttle = Throttle::new(&slots, ThrottlePolicy::DEFAULT, [5; 16]);
//!
//! // One exchange.
//! let mut body = *b"grant_type=client_credentials";
//! let mut out = [0; AuthorizationServer::ROOM];
//! let step = server.begin(
//!     Request {
//!         method: "POST",
//!         target: "/oauth/token",
//!         headers: &[
//!             Header {
//!                 name: "Authorization",
//!                 value: b"Basic ZGVtbzpkZW1vLXNlY3JldC1kZW1vLXNlY3JldC1kZW1vLXNlY3JldA==",
//!             },
//!             Header { name: "Content-Type", value: b"application/x-www-form-urlencoded" },
//!         ],
//!         body: Body::Whole(&mut body),
//!         source: Source::v4([127, 0, 0, 1]),
//!     },
//!     Clock::at(UnixTime(1_800_000_000)),
//!     Entropy::new([3; Entropy::SIZE]), // from a generator, each time new
//!     &throttle,
//!     &mut out,
//! );
//! let answer = drive(step, &mut store);
//! assert_eq!(answer.response().status(), 200);
//! assert!(answer.response().body().starts_with(br#"{"access_token":"ey"#));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
#![no_std]

pub mod bearer;
pub mod codec;
pub mod http;
pub mod jose;
pub mod jwt;
pub mod oauth;
pub mod profile;
pub mod scope;
pub mod secret;
pub mod sha256;
pub mod store;
pub mod time;
