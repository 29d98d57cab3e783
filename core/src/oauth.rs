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
//! A thief holds one handle, and nothing else that a configuration keeps.
//!
//! | stolen | used by the thief | gets | and the owner |
//! | --- | --- | --- | --- |
//! | a code, of a confidential client | without the client's secret | nothing: 401 before the code is looked at | is not disturbed |
//! | a code bound to a PKCE challenge | without the verifier | nothing: the MAC is wrong, no store is asked | is not disturbed |
//! | a code without PKCE, with the client's secret | before the owner | tokens | comes second: is refused, and that revokes the thief's grant |
//! | the same | after the owner | nothing | loses the grant: replay revokes it, the owner has to log in again |
//! | the same | after it expired | nothing | is not disturbed |
//! | the newest refresh token, of a confidential client | without the client's secret | nothing: 401 | is not disturbed |
//! | the newest refresh token, of a public client | before the owner | tokens | presents the predecessor: within the grace gets the thief's successor too, and whoever of the two rotates second after that revokes the grant; later than the grace revokes it at once |
//! | the predecessor, within the grace | at any time | the same successor as the owner | goes on; the next rotation of either revokes the other's at its next use |
//! | the predecessor, however old, within the grace after the server came back (its start, clock or store) | at any time | the same successor as the owner: grace is counted from there, since nobody could come earlier | as above |
//! | the predecessor, after the grace, or an older one | at any time | nothing | loses the grant: it is revoked |
//! | any handle | after revocation, idle or absolute end | nothing | – |
//! | a refresh token that stays good (`Rotation::Reuse`, confidential clients alone) | with the client's secret | tokens until revocation or the grant's end | does not notice |
//! | an access token | until it expires | the resource, not the token endpoint | may revoke the grant: `/me/`, and resources that ask the grant, refuse from then on |
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
