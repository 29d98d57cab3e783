//! The authorization server: from a request to a response in typed steps.
//!
//! A file holds one step, in this order: `request` reads the parameters,
//! `client_auth` finds out who asks, `token` decides what a first grant gives
//! and `lifecycle` what a code or refresh token still gives, `response` signs
//! and writes. `exchange` ties them together and says what the caller has to
//! do in between.

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
mod lifecycle;
mod login;
mod me;
mod metadata;
mod page;
mod password;
mod pkce;
mod redirect;
mod request;
mod response;
mod server;
mod session;
mod throttle;
mod token;

pub use config::{Client, Configuration, ConfigurationError, Limits, User};
pub use error::{Parameter, Refusal};
pub use event::{Event, JwtId};
pub use exchange::{Answer, Commit, Load, Step, drive};
pub use grant::{Grant, GrantId, Origin, RECORD_SIZE, Reason, Record, RecordError, State, Tag};
pub use handle::{HANDLE_LENGTH, HANDLE_SIZE, HandleKeys, MasterKey, Slot};
pub use login::Work;
pub use password::PasswordHash;
pub use pkce::CodeVerifier;
pub use server::{AuthorizationServer, Clock};
pub use throttle::{Account, Throttle, ThrottlePolicy, ThrottleSlot};
