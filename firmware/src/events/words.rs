//! The words for causes, as their `Display` has them.
//!
//! They stand here once more since `Display` would put them into the flash, and
//! `core::fmt` with them. Here a cause takes 12 octets, for the number of its
//! words: all of them 1.3 KB more than defmt's own names of the variants, or 0.5
//! where this crate is built for size (`z`). A test holds these words and those
//! of `Display` together. A cause that carries another, or a number, is put
//! together where it is written.

use smallgate_core::bearer::BearerError;
use smallgate_core::codec::form::FormError;
use smallgate_core::jwt::VerifyError;
use smallgate_core::oauth::Refusal;

macro_rules! words {
    ($(#[$doc:meta])* $table:ident, $interned:ident, $kind:ident {
        $($variant:ident => $words:literal,)+
    }) => {
        $(#[$doc])*
        pub const $table: &[($kind, &str)] = &[$(($kind::$variant, $words)),+];

        #[cfg(feature = "defmt")]
        pub(super) fn $interned(cause: $kind) -> defmt::Str {
            match cause {
                $($kind::$variant => defmt::intern!($words),)+
                _ => defmt::intern!("another cause"),
            }
        }
    };
}

words! {
    /// Why a token request was refused.
    REFUSALS, refusal, Refusal {
        QueryPresent => "parameters in the query",
        ContentType => "not a content type of this endpoint",
        BodyTooLong => "the body is too long",
        QueryTooLong => "the query is too long",
        RepeatedHeader => "a header field came twice",
        TwoMethods => "two authentication methods",
        OtherClientId => "client_id differs from the header's",
        NoClientAuthentication => "no client authentication",
        BasicMalformed => "the Basic credentials can not be read",
        AuthenticationMethod => "this client must not authenticate this way",
        UnknownClient => "unknown client",
        WrongSecret => "wrong client secret",
        Denied => "the user denied the request",
        UnsupportedResponseType => "unsupported response type",
        ForeignOrigin => "the form came from another site",
        FormForged => "the form's token is missing or another request's",
        FormExpired => "the form had been open for too long",
        UnsupportedTokenType => "the token belongs to no stored grant",
        ApiKey => "wrong API key",
        UnsupportedGrantType => "unsupported grant type",
        GrantTypeNotAllowed => "the client is not registered for this grant type",
        Scope => "a scope is unknown or not this client's",
        UnknownUser => "unknown user",
        WrongPassword => "wrong password",
        CodeInvalid => "the code is forged or bound to something else",
        CodeExpired => "the code has expired",
        CodeReplayed => "the code came again",
        RefreshInvalid => "the refresh token is forged or another client's",
        RefreshExpired => "the refresh token has expired",
        RefreshReused => "a replaced refresh token came again",
        RefreshRaced => "another request with this refresh token was faster",
        Busy => "a password is being checked",
        ClockUnset => "the clock is not set",
        ClockWentBack => "the clock went back",
        StoreFull => "the store is full",
        StoreUnavailable => "the store does not answer",
        StoreStale => "the store is behind",
        Contended => "too many others changed the grant",
        RecordDamaged => "a record is damaged",
        Signing => "the key can not sign",
        ResponseTooLong => "the response does not fit",
    }
}

words! {
    /// Why a body can not be read.
    FORM_ERRORS, form_error, FormError {
        TooLong => "the form is too long",
        TooManyParameters => "the form has too many parameters",
        BadEscape => "the form has a bad % escape",
        InvalidUtf8 => "the form is not UTF-8",
        Repeated => "the form repeats a parameter",
    }
}

words! {
    /// Why a resource refused a request.
    BEARER_ERRORS, bearer_error, BearerError {
        NoToken => "no token",
        TokenInQuery => "The token belongs in the Authorization header.",
        SeveralTokens => "The request holds more than one token.",
        Malformed => "The Authorization header can not be read.",
        Revoked => "The token was revoked.",
        InsufficientScope => "The token's scope does not suffice.",
        StoreUnavailable => "The grant can not be read. Try again later.",
        ClockUnset => "The clock is not set. Try again later.",
    }
}

words! {
    /// Why a token is not good.
    VERIFY_ERRORS, verify_error, VerifyError {
        ClockUnset => "the clock is not set",
        LeewayTooLong => "the leeway is more than 60 seconds",
        IssuerMismatch => "the token is another issuer's",
        AudienceMismatch => "the token is for another audience",
        Expired => "the token has expired",
        NotYetValid => "the token is not valid yet",
        IssuedInFuture => "the token was issued in the future",
        ScratchTooSmall => "the scratch is too small for the claims",
    }
}
