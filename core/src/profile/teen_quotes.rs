use super::{
    ClientAuthentication, ErrorAnswer, Errors, GrantType, GrantTypes, JsonBody, Lifetimes, Profile,
    ResponseMember, STANDARD,
};
use crate::jose::Algorithm;
use crate::time::Seconds;

/// Teen Quotes: `client_credentials` with a refresh token, JSON bodies that may
/// end in a comma, and messages of its own.
pub const TEEN_QUOTES: Profile = Profile {
    name: "teen-quotes",
    token_path: "/oauth",
    authorization_path: None,
    revocation: false,
    introspection: false,
    metadata: false,
    jwks: false,
    json_body: Some(JsonBody {
        trailing_comma: true,
    }),
    client_authentication: ClientAuthentication {
        basic: false,
        post: true,
        none: false,
    },
    grant_types: GrantTypes::of(&[GrantType::ClientCredentials, GrantType::RefreshToken]),
    client_credentials_refresh: true,
    algorithm: Algorithm::Hs256,
    token_type: "bearer",
    response: &[
        ResponseMember::AccessToken,
        ResponseMember::TokenType,
        ResponseMember::Expires,
        ResponseMember::ExpiresIn,
        ResponseMember::RefreshToken,
    ],
    errors: ERRORS,
    lifetimes: Lifetimes {
        access_token: Seconds::days(7),
        ..Lifetimes::DEFAULT
    },
    ..STANDARD
};

const fn answer(status: u16, error: &'static str, description: &'static str) -> ErrorAnswer {
    ErrorAnswer {
        status,
        error,
        description,
    }
}

/// The service's messages to the letter. Two of them end without a full stop,
/// and wrong user credentials and refresh tokens are an `invalid_request` with
/// a text of their own.
const ERRORS: Errors = Errors {
    invalid_request: answer(
        400,
        "invalid_request",
        "The request is missing a required parameter, includes an invalid parameter value, includes a parameter more than once, or is otherwise malformed. Check the \"%s\" parameter.",
    ),
    invalid_client: answer(401, "invalid_client", "Client authentication failed"),
    invalid_grant: answer(
        400,
        "invalid_grant",
        "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client. Check the \"%s\" parameter.",
    ),
    unauthorized_client: answer(
        400,
        "unauthorized_client",
        "The client is not authorized to request an access token using this method.",
    ),
    unsupported_grant_type: answer(
        501,
        "unsupported_grant_type",
        "The authorization grant type \"%s\" is not supported by the authorization server",
    ),
    invalid_scope: answer(
        400,
        "invalid_scope",
        "The requested scope is invalid, unknown, or malformed. Check the \"%s\" scope.",
    ),
    access_denied: answer(
        401,
        "access_denied",
        "The resource owner or authorization server denied the request.",
    ),
    unsupported_response_type: answer(
        400,
        "unsupported_response_type",
        "The authorization server does not support obtaining an access token using this method.",
    ),
    server_error: answer(
        500,
        "server_error",
        "The authorization server encountered an unexpected condition which prevented it from fulfilling the request.",
    ),
    temporarily_unavailable: answer(
        400,
        "temporarily_unavailable",
        "The authorization server is currently unable to handle the request due to a temporary overloading or maintenance of the server.",
    ),
    bad_user: answer(
        400,
        "invalid_request",
        "The user credentials were incorrect.",
    ),
    bad_refresh_token: answer(400, "invalid_request", "The refresh token is invalid."),
};

#[cfg(test)]
mod tests {
    use super::ERRORS;

    /// What the document says of each key: its HTTP code and its message, to the
    /// octet. Two keys are of the document's list alone: its closing example has
    /// their messages under `invalid_request`.
    #[test]
    #[rustfmt::skip] // A message is a line.
    fn messages_are_the_documents_to_the_octet() {
        let documented = [
            (ERRORS.invalid_request, 400, "invalid_request", "The request is missing a required parameter, includes an invalid parameter value, includes a parameter more than once, or is otherwise malformed. Check the \"%s\" parameter."),
            (ERRORS.unauthorized_client, 400, "unauthorized_client", "The client is not authorized to request an access token using this method."),
            (ERRORS.access_denied, 401, "access_denied", "The resource owner or authorization server denied the request."),
            (ERRORS.unsupported_response_type, 400, "unsupported_response_type", "The authorization server does not support obtaining an access token using this method."),
            (ERRORS.invalid_scope, 400, "invalid_scope", "The requested scope is invalid, unknown, or malformed. Check the \"%s\" scope."),
            (ERRORS.server_error, 500, "server_error", "The authorization server encountered an unexpected condition which prevented it from fulfilling the request."),
            (ERRORS.temporarily_unavailable, 400, "temporarily_unavailable", "The authorization server is currently unable to handle the request due to a temporary overloading or maintenance of the server."),
            (ERRORS.unsupported_grant_type, 501, "unsupported_grant_type", "The authorization grant type \"%s\" is not supported by the authorization server"),
            (ERRORS.invalid_client, 401, "invalid_client", "Client authentication failed"),
            (ERRORS.invalid_grant, 400, "invalid_grant", "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client. Check the \"%s\" parameter."),
            // `invalid_credentials` and `invalid_refresh` in the list.
            (ERRORS.bad_user, 400, "invalid_request", "The user credentials were incorrect."),
            (ERRORS.bad_refresh_token, 400, "invalid_request", "The refresh token is invalid."),
        ];
        for (answer, status, error, description) in documented {
            assert_eq!(
                (answer.status, answer.error, answer.description),
                (status, error, description)
            );
        }
    }
}
