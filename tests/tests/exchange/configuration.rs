//! What a configuration may not be: each error once, with the entry it names.

use smallgate_core::jose::{Es256SigningKey, Hs256Key, Verifier};
use smallgate_core::oauth::{
    AuthorizationServer, Client, Configuration, ConfigurationError as E, Limits, User,
};
use smallgate_core::profile::{self, GrantType, GrantTypes, Lifetimes, Profile};
use smallgate_core::scope::{ScopeError, ScopeNames, ScopeSet};
use smallgate_core::time::Seconds;
use smallgate_tests::rig::{configuration, keep};

/// Takes a good configuration, makes one change, and says what is wrong.
fn refused(profile: Profile, change: impl FnOnce(&mut Configuration<'static>)) -> Option<E> {
    let mut changed = configuration(profile);
    change(&mut changed);
    AuthorizationServer::new(changed).err()
}

fn standard(change: impl FnOnce(&mut Configuration<'static>)) -> Option<E> {
    refused(profile::STANDARD, change)
}

/// Changes the client at `at`.
fn client(at: usize, change: impl FnOnce(&mut Client<'static>)) -> Option<E> {
    standard(|configuration| {
        let mut clients = configuration.clients.to_vec();
        change(&mut clients[at]);
        configuration.clients = keep(clients);
    })
}

/// Puts a second user beside `94173`.
fn user(change: impl FnOnce(&mut User<'static>)) -> Option<E> {
    standard(|configuration| {
        let mut second = configuration.users[0];
        second.username = "second@example.org";
        second.subject = "2";
        change(&mut second);
        configuration.users = keep([configuration.users[0], second]);
    })
}

fn lifetimes(change: impl FnOnce(&mut Lifetimes)) -> Option<E> {
    standard(|configuration| change(&mut configuration.profile.lifetimes))
}

fn limits(change: impl FnOnce(&mut Limits)) -> Option<E> {
    standard(|configuration| change(&mut configuration.limits))
}

#[test]
fn good_configurations_are_good() {
    for profile in profile::ALL {
        assert_eq!(refused(*profile, |_| ()), None, "{}", profile.name);
    }
    assert_eq!(client(1, |_| ()), None);
    assert_eq!(user(|_| ()), None);
}

#[test]
fn issuer_and_audience_are_there() {
    assert_eq!(standard(|it| it.issuer = ""), Some(E::Issuer));
    assert_eq!(standard(|it| it.audience = ""), Some(E::Issuer));
}

#[test]
fn client_id_is_of_visible_ascii() {
    for id in ["", "a\nb", "caf\u{e9}", "a\u{7f}"] {
        assert_eq!(
            client(1, |client| client.id = id),
            Some(E::ClientId(1)),
            "{id:?}"
        );
    }
    for id in [" ", "~", "a b:c%d+e"] {
        assert_eq!(client(1, |client| client.id = id), None, "{id:?}");
    }
}

#[test]
fn client_id_stands_once() {
    assert_eq!(
        client(1, |client| client.id = "demo"),
        Some(E::ClientRepeated(1))
    );
    assert_eq!(
        client(2, |client| client.id = "other"),
        Some(E::ClientRepeated(2))
    );
}

#[test]
fn client_grant_is_one_of_the_profile() {
    let password = GrantTypes::of(&[GrantType::Password]);
    let error = client(1, |client| client.grant_types = password);
    assert_eq!(error, Some(E::ClientGrant(1)));
}

#[test]
fn default_scopes_are_the_clients_own() {
    let error = client(0, |client| client.scopes = ScopeSet::from_bits(0b010));
    assert_eq!(error, Some(E::ClientDefaultScopes(0)));
}

#[test]
fn public_client_has_no_client_credentials() {
    let grants = GrantTypes::of(&[GrantType::ClientCredentials]);
    assert_eq!(
        client(2, |client| client.grant_types = grants),
        Some(E::PublicClient(2))
    );
    assert_eq!(
        client(1, |client| client.secret = None),
        Some(E::PublicClient(1))
    );
}

#[test]
fn public_client_is_none_where_the_profile_has_none() {
    let error = refused(profile::DRILLSTER, |configuration| {
        let mut clients = configuration.clients.to_vec();
        clients[1].secret = None;
        configuration.clients = keep(clients);
    });
    assert_eq!(error, Some(E::PublicClient(1)));
}

#[test]
fn public_clients_refresh_tokens_rotate() {
    let error = standard(|it| it.profile.rotation = profile::Rotation::Reuse);
    assert_eq!(error, Some(E::PublicClientReuse(2)));
}

#[test]
fn user_has_a_name_and_a_subject() {
    assert_eq!(user(|user| user.username = ""), Some(E::UserName(1)));
    assert_eq!(user(|user| user.subject = ""), Some(E::UserName(1)));
}

#[test]
fn user_stands_once() {
    let name = user(|user| user.username = "admin@break-out.org");
    assert_eq!(name, Some(E::UserRepeated(1)));
    assert_eq!(
        user(|user| user.subject = "94173"),
        Some(E::UserRepeated(1))
    );
}

#[test]
fn r47_subject_is_no_client_id() {
    for id in ["demo", "other", "public"] {
        assert_eq!(
            user(|user| user.subject = id),
            Some(E::SubjectIsClient(1)),
            "{id}"
        );
    }
    // A name to log in with is no subject.
    assert_eq!(user(|user| user.username = "demo"), None);
}

#[test]
fn r39_signer_has_its_verifier() {
    let other = Es256SigningKey::new(&[7; 32], Some("k2"))
        .unwrap()
        .verifying_key();
    let other: &[&dyn Verifier] = keep([keep(other) as &dyn Verifier]);
    assert_eq!(standard(|it| it.verifiers = &[]), Some(E::SignerUnverified));
    assert_eq!(
        standard(|it| it.verifiers = other),
        Some(E::SignerUnverified)
    );
    let symmetric: &dyn Verifier = keep(Hs256Key::new(&[7; 32], Some("k1")).unwrap());
    assert_eq!(
        standard(|it| it.verifiers = keep([symmetric])),
        Some(E::SignerUnverified)
    );
}

#[test]
fn r39_two_keys_have_two_names() {
    let verifier = |name| -> &'static dyn Verifier {
        keep(
            Es256SigningKey::new(&[7; 32], name)
                .unwrap()
                .verifying_key(),
        )
    };
    for second in [Some("k1"), None] {
        let both = keep([verifier(Some("k1")), verifier(second)]);
        assert_eq!(
            standard(|it| it.verifiers = both),
            Some(E::KeyIds),
            "{second:?}"
        );
    }
    let both = keep([verifier(Some("k1")), verifier(Some("k2"))]);
    assert_eq!(standard(|it| it.verifiers = both), None);
    // One needs none.
    let only = Es256SigningKey::new(&[7; 32], None).unwrap();
    let alone = standard(|it| {
        it.verifiers = keep([verifier(None)]);
        it.signer = keep(only);
    });
    assert_eq!(alone, None);
}

#[test]
fn r20_code_lives_for_ten_minutes_at_most() {
    assert_eq!(
        lifetimes(|it| it.code = Seconds(601)),
        Some(E::CodeLifetime)
    );
    assert_eq!(lifetimes(|it| it.code = Seconds(600)), None);
}

#[test]
fn nothing_lives_for_no_time() {
    let zero = [
        lifetimes(|it| it.access_token = Seconds(0)),
        lifetimes(|it| it.code = Seconds(0)),
        lifetimes(|it| it.refresh_idle = Seconds(0)),
        lifetimes(|it| it.refresh_absolute = Seconds(0)),
    ];
    assert_eq!(zero, [Some(E::Lifetimes); 4]);
    assert_eq!(
        lifetimes(|it| it.grace = Seconds(0)),
        None,
        "no grace is a choice"
    );
}

/// RFC 6749 §3.1.2, RFC 3986 §3.1; and no program.
#[test]
fn redirect_uris_are_absolute_and_no_program() {
    let error = |uri: &'static str| client(1, |client| client.redirect_uris = keep([uri]));
    for good in [
        "https://client.example/cb?a=b",
        "com.example.app:/cb",
        "a+b-c.1:x",
    ] {
        assert_eq!(error(good), None, "{good}");
    }
    for bad in [
        "",
        "/cb",
        "client.example/cb",
        ":/cb",
        "1a:/cb",
        "a_b:/cb",
        "https://client.example/cb#part",
        "https://client.example/a b",
        "https://client.example/\u{e9}",
        "https://client.example/\"",
        "https://client.example/<",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
    ] {
        assert_eq!(error(bad), Some(E::RedirectUri(1)), "{bad}");
    }
    let fixed = |uri: &'static str| {
        refused(profile::DRESSIPI, |configuration| {
            let mut clients = configuration.clients.to_vec();
            clients[0].redirect_uris = keep([uri]);
            configuration.clients = keep(clients);
        })
    };
    assert_eq!(fixed("https://client.example/cb"), Some(E::RedirectUri(0)));
}

#[test]
fn an_issuer_is_a_url_of_the_web_without_a_query() {
    let issuer = |text: &'static str| standard(|configuration| configuration.issuer = text);
    for good in ["https://as.example", "http://as.example:8080/a"] {
        assert_eq!(issuer(good), None, "{good}");
    }
    for bad in [
        "",
        "as.example",
        "ftp://as.example",
        "https://as.example?a",
        "https://as.example#a",
        "https://as example",
    ] {
        assert_eq!(issuer(bad), Some(E::Issuer), "{bad}");
    }
}

#[test]
fn r05_limits_are_within_what_can_be_kept() {
    let bad = [
        limits(|it| it.body = 0),
        limits(|it| it.body = smallgate_core::codec::form::MAX_OCTETS + 1),
        limits(|it| it.parameters = 0),
        limits(|it| it.parameters = 25),
        limits(|it| it.basic = 0),
        limits(|it| it.basic = Limits::MAX_BASIC + 1),
        limits(|it| it.token = 0),
    ];
    assert_eq!(bad, [Some(E::Limits); 7]);
    assert_eq!(
        limits(|it| it.body = smallgate_core::codec::form::MAX_OCTETS),
        None
    );
    assert_eq!(limits(|it| it.parameters = 24), None);
    assert_eq!(limits(|it| it.basic = Limits::MAX_BASIC), None);
}

#[test]
fn scope_names_are_scope_tokens_each_once() {
    let names = |names: &'static [&'static str]| ScopeNames::new(names).err();
    assert_eq!(names(&["read", "write"]), None);
    assert_eq!(names(&["read", "read"]), Some(ScopeError::Repeated));
    for name in ["", "a b", "a\"b", "a\\b", "\u{7f}", "\u{e9}"] {
        let names = keep(["read", name]);
        assert_eq!(
            ScopeNames::new(names).err(),
            Some(ScopeError::Malformed),
            "{name:?}"
        );
    }
    let many: &'static Vec<&'static str> = keep(
        (0..65)
            .map(|number| keep(format!("s{number}")).as_str())
            .collect(),
    );
    assert_eq!(ScopeNames::new(many).err(), Some(ScopeError::TooMany));
    assert_eq!(ScopeNames::new(&many[..64]).err(), None);
}

#[test]
fn errors_name_the_entry_as_a_person_counts() {
    assert_eq!(
        E::SubjectIsClient(0).to_string(),
        "user 1 has a client's id as subject"
    );
    let all = [
        E::Issuer,
        E::RedirectUri(1),
        E::ClientId(1),
        E::ClientRepeated(1),
        E::ClientGrant(1),
        E::ClientDefaultScopes(1),
        E::PublicClient(1),
        E::PublicClientReuse(1),
        E::UserName(1),
        E::UserRepeated(1),
        E::SubjectIsClient(1),
        E::SignerUnverified,
        E::KeyIds,
        E::CodeLifetime,
        E::Lifetimes,
        E::Limits,
    ];
    let mut texts = all.map(|error| error.to_string()).to_vec();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), all.len(), "each has its own text");
}
