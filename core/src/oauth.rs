//! The authorization server: from a request to a response in typed steps.
//!
//! A file holds one step, in this order: `request` reads the parameters,
//! `client_auth` finds out who asks, `token` decides what a first grant gives
//! and `lifecycle` what a code or refresh token still gives, `response` signs
//! and writes. `authorize` shows the login form and gives codes, `inspect`
//! revokes and describes tokens. `exchange` ties them together and says what the
//! caller has to do in between.
//!
//! # What a stolen handle is worth
//!
//! A thief holds one handle or access token, and nothing else unless the second
//! column says so. "All it needs" is what the handle is bound to: a client's
//! secret, unless the client is public, and a code's verifier and redirect URI.
//! `tests/tests/lifecycle/stolen.rs` has a test for each row.
//!
//! | | stolen, and how it is used | the thief gets | and the owner |
//! | --- | --- | --- | --- |
//! | 1 | a confidential client's code, without the secret | nothing: 401 before the code is looked at | is not disturbed |
//! | 2 | a code with a PKCE challenge, without the verifier | nothing: the MAC is wrong, no store is asked | is not disturbed |
//! | 3 | a code whose request named its redirect URI, without that URI | nothing, likewise | is not disturbed |
//! | 4 | a code with all it needs, before the owner | tokens | comes second: is refused, and that revokes the thief's grant |
//! | 5 | a code with all it needs, after the owner, while the grant lives | nothing | loses the grant and has to log in again |
//! | 6 | a code that nobody redeemed, after its end | nothing | is not disturbed |
//! | 7 | a code, shown at revocation or introspection | nothing: no code is known there | is not disturbed |
//! | 8 | a confidential client's refresh token, without the secret | nothing: 401 | is not disturbed |
//! | 9 | the newest refresh token with all it needs, before the owner | tokens, and the successor | presents the predecessor now: gets the same successor within the grace, revokes the grant later |
//! | 10 | the predecessor with all it needs, within the grace | the same successor as the owner | has one token with the thief: whoever rotates it second gets the same successor within the grace, and revokes the grant later |
//! | 11 | the predecessor, however old, within the grace after the server came back (its start, clock or store) | as in 10: grace is counted from there, since nobody could come earlier | as in 10 |
//! | 12 | the predecessor after the grace, or an older one, with all it needs | nothing | loses the grant |
//! | 13 | any refresh token, or an access token that has not expired, with all it needs, shown at revocation | nothing | loses the grant: a public client's name is all that it takes |
//! | 14 | any refresh token, shown at introspection with the client's secret; a public client may not ask | whether it is good: the newest and a predecessor within the grace look alike, and nothing that is said moves with a rotation. Of an older one it hears that it comes too late, and nobody is warned | is not disturbed |
//! | 15 | any handle after revocation, idle or absolute end | nothing | – |
//! | 16 | a refresh token that stays good (`Rotation::Reuse`, confidential clients alone), with the secret | tokens until revocation, or until the grant ends | does not notice |
//! | 17 | an access token until it expires | the resource, and at introspection what is in it, with any client's secret; never tokens | may revoke the grant: `/me/`, and resources that ask the grant, refuse from then on |
//!
//! A handle of another client, issuer, kind or key is as good as a random one:
//! it is refused by its MAC. Random ones are a guess at 128 bits.

mod authorization_request;
mod authorize;
mod client_auth;
mod config;
mod error;
mod event;
mod exchange;
mod form_mac;
mod grant;
mod handle;
mod inspect;
mod issue;
mod lifecycle;
mod login;
mod me;
mod metadata;
mod next;
mod page;
mod password;
mod pkce;
mod record;
mod redirect;
mod request;
mod resource;
mod response;
mod server;
mod session;
mod standing;
mod throttle;
mod token;

pub use config::{Client, Configuration, ConfigurationError, Limits, User};
pub use error::{Parameter, Refusal};
pub use event::{Event, JwtId};
pub use exchange::{Answer, Commit, Load, Step, Work, drive};
pub use grant::{Grant, GrantId, Origin, Reason, State, Tag};
pub use handle::{HANDLE_LENGTH, HANDLE_SIZE, HandleKeys, MasterKey, Slot};
pub use page::Shown;
pub use password::PasswordHash;
pub use pkce::CodeVerifier;
pub use record::{RECORD_SIZE, Record, RecordError};
pub use resource::{Permit, ResourceRefusal};
pub use server::{AuthorizationServer, Clock};
pub use throttle::{Account, SOURCE_FACTOR, Throttle, ThrottlePolicy, ThrottleSlot};
