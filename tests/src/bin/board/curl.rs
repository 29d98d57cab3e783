//! Lines for a shell to try a board with.

use smallgate_core::profile::{self, GrantType, Profile};
use smallgate_firmware::image::Image;

/// The lines for a shell that the simulator prints too.
const OF_DEMONSTRATIONS: [(&Profile, &str); 5] = [
    (
        &profile::STANDARD,
        include_str!("../../../../host-sim/demo/standard.curl"),
    ),
    (
        &profile::DRILLSTER,
        include_str!("../../../../host-sim/demo/drillster.curl"),
    ),
    (
        &profile::TEEN_QUOTES,
        include_str!("../../../../host-sim/demo/teen-quotes.curl"),
    ),
    (
        &profile::DRESSIPI,
        include_str!("../../../../host-sim/demo/dressipi.curl"),
    ),
    (
        &profile::BREAKOUT,
        include_str!("../../../../host-sim/demo/breakout.curl"),
    ),
];

/// Takes the access token out of a response without a JSON reader.
const ACCESS: &str = r#"sed 's/.*"access_token":"\([^"]*\)".*/\1/'"#;

/// Those of a built-in demonstration.
pub(crate) fn of_demonstration(demo: &str, url: &str) -> String {
    let found = OF_DEMONSTRATIONS
        .iter()
        .find(|(profile, _)| profile.name == demo);
    found.map_or_else(String::new, |(profile, lines)| {
        lines
            .replace("%TOKEN", &format!("{url}{}", profile.token_path))
            .replace("%ACCESS", ACCESS)
            .replace("%URL", url)
    })
}

/// Those that this image would answer. The secret is its owner's to put in.
pub(crate) fn of_image(image: &Image<'_>, url: &str) -> String {
    let profile = image.profile();
    let mut lines = String::new();
    if profile.metadata {
        lines += &format!("curl -s {url}/.well-known/oauth-authorization-server\n");
    }
    if profile.jwks {
        lines += &format!("curl -s {url}/jwks.json\n");
    }
    let client = image.clients().find(|client| {
        client.secret.is_some() && client.grant_types.contains(GrantType::ClientCredentials)
    });
    if let Some(client) = client {
        let id = client.id;
        let credentials = match profile.client_authentication.basic {
            true => format!("-u '{id}:SECRET'"),
            false => format!("--data-urlencode 'client_id={id}' -d client_secret=SECRET"),
        };
        lines += &format!(
            "# a token for a client itself, with its secret in place of SECRET:\ncurl -s {credentials} -d grant_type=client_credentials {url}{}\n",
            profile.token_path
        );
    }
    lines += &format!(
        "# with an access token in TOKEN:\ncurl -s -H \"Authorization: Bearer $TOKEN\" {url}/me/\n"
    );
    if image.devices().next().is_some() {
        lines += &format!("curl -s -H \"Authorization: Bearer $TOKEN\" {url}/devices\n");
    }
    lines
}
