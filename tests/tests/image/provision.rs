//! `smallgate provision`.

use std::net::SocketAddrV4;
use std::path::Path;

use smallgate_core::oauth::{Limits, Slot, ThrottlePolicy};
use smallgate_core::profile;
use smallgate_core::time::{Seconds, UnixTime};
use smallgate_firmware::image::{HandleSecrets, Image, Network, ReadyKey, Software, Timeouts};
use smallgate_tests::command::{Folder, refused, said};
use smallgate_tests::simulator::{Process, Temporary};
use smallgate_tests::suite::session::post;
use smallgate_tests::wire::Wire;

use crate::support::{NETWORK, repacked};

#[test]
fn every_demonstration_goes_into_an_image_and_out_again() {
    let folder = Folder::new("demo");
    for profile in profile::ALL {
        let path = folder.file(profile.name);
        let report = said(&["provision", "--demo", profile.name, "-o", &path]);
        assert!(report.contains("were made for this image"), "{report}");
        let octets = std::fs::read(&path).unwrap();
        let image = Image::open(&octets).unwrap();
        assert_eq!(image.profile().name, profile.name);
        assert_eq!(image.profile().lifetimes, profile.lifetimes);
        assert_eq!(image.users().count(), 1);
        assert!(image.is_demonstration() && image.network().is_none());
        let key: ReadyKey<Software> = image.signing_key().ready().unwrap();
        assert_eq!(key.verifier().algorithm(), profile.algorithm);
        let secrets = HandleSecrets {
            current: current_handle_key(&octets),
            slot: Slot::A,
            previous: None,
        };
        assert_eq!(repacked(&image, &secrets), octets);
        let mut served = Process::serve(&["--image", &path]);
        let demo = Process::serve(&["--profile", profile.name]);
        let [ours, theirs] = [&served, &demo].map(|process| {
            let request = post(profile.token_path, None, "grant_type=x");
            Wire::open(process.address).ask(&request).outcome()
        });
        assert_eq!(ours, theirs);
        // Its end waits for the log's.
        served.kill();
        assert!(!first_client(&image).is_empty());
        assert!(served.log().contains("demo = true"), "{}", served.log());
    }
}

/// The octets after the throttle's policy and the slot, found by the fields
/// before them.
fn current_handle_key(octets: &[u8]) -> [u8; 32] {
    let mut at = 16 + 1 + 8;
    let text = |at: usize| at + 2 + usize::from(u16::from_le_bytes([octets[at], octets[at + 1]]));
    at = text(at) + 1 + 20 + 7;
    at = text(text(at)) + 8 + 4 + 5 + 1;
    octets[at..at + 32].try_into().unwrap()
}

/// The printed example with every line switched on, and its keys.
fn example() -> String {
    let quoted = |kind| said(&["key", "new", kind]).trim().to_owned();
    let handle = |line: String| line.split('"').nth(1).expect("a value").to_owned();
    let retired = said(&["key", "public", &quoted("es256")]);
    said(&["config", "example"])
        .lines()
        .map(|line| line.strip_prefix("#: ").unwrap_or(line).to_owned() + "\n")
        .collect::<String>()
        .replace("NEW HANDLE KEY", &handle(quoted("handle")))
        .replace("OLD HANDLE KEY", &handle(quoted("handle")))
        .replace("file:signing.jwk", &quoted("es256"))
        .replace("file:retired.jwk", retired.trim())
}

/// What of the example is the desktop's alone.
const DESKTOPS: [&str; 10] = [
    "replicas = ",
    "grants = 500000",
    "listen = ",
    "stop_timeout = ",
    "connections = ",
    "connections_per_source = ",
    "[server.tls]",
    "[metrics]",
    "certificate = ",
    "key = ",
];

#[test]
fn the_printed_example_goes_into_an_image() {
    let folder = Folder::new("example");
    let example: String = example()
        .split_inclusive('\n')
        .filter(|line| !DESKTOPS.iter().any(|name| line.starts_with(name)))
        .collect();
    let (image, config) = (folder.file("image.bin"), Temporary::new(&example));
    let before = now();
    let report = said(&["provision", config.path(), "-o", &image]);
    assert!(report.contains("issuer https://as.example"), "{report}");
    assert!(
        report.contains("note: a log-in of alice takes a board about 60 seconds"),
        "{report}"
    );
    let octets = std::fs::read(&image).unwrap();
    let image = Image::open(&octets).unwrap();
    assert!(!image.is_demonstration());
    assert_eq!(image.audience(), "https://rs.example");
    assert_eq!(
        (first_client(&image), image.retired_keys().count()),
        ("gateway".into(), 1)
    );
    assert_eq!(
        image.network(),
        Some(Network {
            hostname: Some("gateway"),
            sntp: Some(SocketAddrV4::new([192, 0, 2, 1].into(), 123)),
            ..NETWORK
        })
    );
    assert!((before..=now()).contains(&image.made_at()));
    let timeouts = Timeouts {
        head: Some(Seconds(10)),
        body: Some(Seconds(10)),
        idle: Some(Seconds(60)),
    };
    assert_eq!((image.timeouts(), image.skew()), (timeouts, Seconds(0)));
    let proxy = image.trusted_proxies().next().expect("a proxy");
    assert_eq!(
        (proxy.address(), proxy.prefix()),
        ([127, 0, 0, 1].into(), 32)
    );
    assert_eq!(image.throttle(), ThrottlePolicy::DEFAULT);
    assert_eq!(image.handle_keys().slot, Slot::B);
    assert_eq!(image.limits(), Limits::DEFAULT);
    assert_eq!(image.users().next().unwrap().password.iterations, 600_000);
}

#[test]
fn what_a_board_can_not_make_must_be_configured() {
    let folder = Folder::new("missing");
    let image = folder.file("image.bin");
    let key = said(&["key", "new", "hs256"]);
    let signing = format!("signing = '''{}'''\n", key.trim());
    for (text, remedy) in [
        (String::new(), "issuer ="),
        ("issuer = 'https://as.example'\n".into(), "key new es256"),
        (
            format!("issuer = 'https://as.example'\n[keys]\n{signing}"),
            "key new handle",
        ),
    ] {
        let config = Temporary::new(&text);
        let error = refused(&["provision", config.path(), "-o", &image]);
        assert!(
            error.contains("remedy: ") && error.contains(remedy),
            "{error}"
        );
        // All that is missing at once.
        assert!(error.contains("no handle key"), "{error}");
    }
    let users: String = (0..17)
        .map(|at| format!("[[user]]\nusername = 'u{at}'\nsub = 's{at}'\npassword = 'pbkdf2-sha256:10000:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'\n"))
        .collect();
    let handle = said(&["key", "new", "handle"]);
    let config = Temporary::new(&format!(
        "issuer = 'https://as.example'\n[keys]\n{signing}{handle}\n{users}"
    ));
    let error = refused(&["provision", config.path(), "-o", &image]);
    assert!(
        error.contains("the users") && error.contains("16 users"),
        "{error}"
    );
    assert!(!Path::new(&image).exists());
}

#[test]
fn the_example_for_a_board_goes_into_an_image_as_it_is() {
    let folder = Folder::new("example-board");
    let image = folder.file("image.bin");
    let (first, second) = (
        said(&["config", "example", "--board"]),
        said(&["config", "example", "--board"]),
    );
    assert_ne!(first, second, "keys of its own for each");
    let config = Temporary::new(&first);
    assert!(!said(&["config", "check", config.path()]).contains("note:"));
    assert!(!said(&["provision", config.path(), "-o", &image]).contains("note:"));
}

#[test]
fn a_demonstrations_issuer_is_where_it_is_asked_for() {
    let folder = Folder::new("issuer");
    let image = folder.file("image.bin");
    let elsewhere = ["--issuer", "http://127.0.0.1:9000"];
    said(
        &[
            &["provision", "--demo", "standard", "-o", &image],
            &elsewhere[..],
        ]
        .concat(),
    );
    let octets = std::fs::read(&image).unwrap();
    assert_eq!(Image::open(&octets).unwrap().issuer(), elsewhere[1]);
    let config = Temporary::new(&complete("", ""));
    let with_a_file = ["provision", config.path(), "-o", &image, "--force"];
    let error = refused(&[&with_a_file[..], &elsewhere].concat());
    assert!(error.contains("--issuer"), "{error}");
}

fn now() -> UnixTime {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    UnixTime(now.expect("after 1970").as_secs())
}

/// Issuer and keys, so that nothing is missing; `[server]` is the last table.
fn complete(top: &str, more: &str) -> String {
    let key = said(&["key", "new", "hs256"]);
    let handle = said(&["key", "new", "handle"]);
    format!(
        "issuer = 'https://as.example'\n{top}\n[keys]\nsigning = '''{}'''\n{handle}\n{more}\n",
        key.trim()
    )
}

#[test]
fn tls_is_refused_for_a_board_by_its_line() {
    let folder = Folder::new("boardtls");
    let text = complete(
        "",
        "[server.tls]\ncertificate = 'chain.pem'\nkey = 'key.pem'",
    );
    let config = Temporary::new(&text);
    let error = refused(&["provision", config.path(), "-o", &folder.file("image.bin")]);
    let place = format!(".toml:{}:", text.lines().count() - 2);
    assert!(error.contains(&place), "{error}");
    assert!(error.contains("a board has no TLS"), "{error}");
}

#[test]
fn what_a_board_would_ignore_is_refused_by_its_line() {
    let folder = Folder::new("ignored");
    let image = folder.file("image.bin");
    let proxies =
        "trusted_proxies = [\n'10.0.0.1',\n".to_owned() + &"'10.0.0.2',\n".repeat(8) + "]";
    for (line, table, message) in [
        ("listen = '127.0.0.1:80'", "server", "listens on port 80"),
        ("stop_timeout = 5", "server", "does not stop"),
        ("connections = 10", "server", "workers and sockets"),
        (
            "connections_per_source = 10",
            "server",
            "workers and sockets",
        ),
        (&proxies, "server", "8 proxies at most"),
        ("replicas = 3", "store", "a chip of its own"),
        ("body = 1025", "limits", "a body of 1024 octets"),
        ("token = 1025", "limits", "a token of 1024 octets"),
    ] {
        let text = complete("", &format!("[{table}]\n{line}"));
        let config = Temporary::new(&text);
        let error = refused(&["provision", config.path(), "-o", &image]);
        assert!(
            error.contains(message) && error.contains("remedy: "),
            "{error}"
        );
        let place = match line == proxies {
            true => text.lines().count() - 1,
            false => text.lines().count(),
        };
        assert!(
            error.contains(&format!(".toml:{place}:")),
            "{place}: {error}"
        );
        // The desktop takes it, and says so of a board.
        let checked = said(&["config", "check", config.path()]);
        assert!(
            checked.contains("refuses it for a board") && checked.contains(message),
            "{checked}"
        );
    }
    assert!(!Path::new(&image).exists());
}

#[test]
fn what_is_said_of_connections_time_and_skew_is_packed() {
    let folder = Folder::new("packed");
    let image = folder.file("image.bin");
    let server =
        "[server]\nbody_timeout = '2 minutes'\ntrusted_proxies = ['10.0.0.0/8', '2001:db8::/32']";
    let config = Temporary::new(&complete("skew = 4", server));
    let made_at = ["--made-at", "2026-01-01T00:00:00Z"];
    said(&[&["provision", config.path(), "-o", &image], &made_at[..]].concat());
    let octets = std::fs::read(&image).unwrap();
    let opened = Image::open(&octets).unwrap();
    assert_eq!(opened.made_at(), UnixTime(1_767_225_600));
    assert_eq!(opened.skew(), Seconds(4));
    let timeouts = Timeouts {
        body: Some(Seconds(120)),
        ..Timeouts::default()
    };
    assert_eq!(opened.timeouts(), timeouts);
    let proxies: Vec<_> = opened
        .trusted_proxies()
        .map(|subnet| format!("{}/{}", subnet.address(), subnet.prefix()))
        .collect();
    assert_eq!(proxies, ["10.0.0.0/8", "2001:db8::/32"]);
    for (wrong, message) in [("skew = 301", "out of range"), ("skew = -1", "negative")] {
        let config = Temporary::new(&complete(wrong, ""));
        let error = refused(&["provision", config.path(), "-o", &image, "--force"]);
        assert!(error.contains(message), "{error}");
    }
}

fn first_client(image: &Image<'_>) -> String {
    image.clients().next().expect("a client").id.to_owned()
}
