//! An image on a disk, and `smallgate serve --image`.

use std::time::{Duration, Instant};

use smallgate_tests::command::{Folder, refused, said};
use smallgate_tests::simulator::{Process, Temporary};
use smallgate_tests::suite::session::{basic, post};
use smallgate_tests::wire::{Response, Wire};

#[test]
fn r48_an_image_is_its_owners_and_is_not_overwritten_unasked() {
    let folder = Folder::new("force");
    let image = folder.file("image.bin");
    let pack = ["provision", "--demo", "standard", "-o", &image];
    said(&pack);
    let first = std::fs::read(&image).unwrap();
    assert!(refused(&pack).contains("--force"));
    assert_eq!(std::fs::read(&image).unwrap(), first);
    #[cfg(unix)]
    let mode = {
        use std::os::unix::fs::PermissionsExt;
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(&image, open).unwrap();
        let mut served = Process::serve(&["--image", &image]);
        served.kill();
        assert!(served.log().contains("chmod 600"), "{}", served.log());
        || std::fs::metadata(&image).unwrap().permissions().mode() & 0o777
    };
    said(&[&pack[..], &["--force"]].concat());
    assert_ne!(std::fs::read(&image).unwrap(), first);
    #[cfg(unix)]
    assert_eq!(mode(), 0o600);
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 1);
}

#[test]
fn an_image_goes_with_no_configuration_and_a_bad_one_is_named() {
    let folder = Folder::new("bad");
    let image = folder.file("image.bin");
    for other in [["--config", "x.toml"], ["--profile", "standard"]] {
        let error = refused(&[&["serve", "--image", &image], &other[..]].concat());
        assert!(error.contains("cannot be used with"), "{error}");
    }
    std::fs::write(&image, [0xFF; 64]).unwrap();
    let error = refused(&["serve", "--image", &image]);
    assert!(error.contains("the region is empty"), "{error}");
}

/// The members of an answer whose values are not live.
fn shape(response: &Response) -> (u16, Vec<(String, String)>) {
    let serde_json::Value::Object(members) = response.json() else {
        panic!("{}", response.text());
    };
    let live = ["access_token", "refresh_token"];
    let members = members
        .into_iter()
        .map(|(name, value)| match live.contains(&&*name) {
            true => (name, value.as_str().map_or(0, str::len).to_string()),
            false => (name, value.to_string()),
        });
    (response.status, members.collect())
}

#[test]
fn the_simulator_answers_alike_from_an_image_and_from_its_file() {
    const SECRET: &str = "0123456789abcdefghijkl";
    let folder = Folder::new("alike");
    for kind in ["es256", "hs256"] {
        let signing = said(&["key", "new", kind]);
        let handle = said(&["key", "new", "handle"]);
        let config = Temporary::new(&format!(
            "issuer = 'https://as.example'\n[keys]\nsigning = '''{}'''\n{handle}\n[[client]]\nid = 'c'\nsecret = '{SECRET}'\ngrants = ['client_credentials']\n",
            signing.trim()
        ));
        let image = folder.file(kind);
        said(&["provision", config.path(), "-o", &image]);
        let clock = ["--clock", "2026-01-01T00:00:00Z"];
        let from_file = Process::serve(&[&["--config", config.path()], &clock[..]].concat());
        let from_image = Process::serve(&[&["--image", &image], &clock[..]].concat());
        let ask = |process: &Process, path: &str, form: &str| {
            let request = post(path, Some(&basic(("c", SECRET))), form);
            Wire::open(process.address).ask(&request)
        };
        let token = |process| ask(process, "/oauth/token", "grant_type=client_credentials");
        let (one, other) = (token(&from_file), token(&from_image));
        assert_eq!(one.status, 200, "{}", one.text());
        assert_eq!(shape(&one), shape(&other));
        for (response, elsewhere) in [(one, &from_image), (other, &from_file)] {
            let form = format!("token={}", response.member("access_token"));
            let seen = ask(elsewhere, "/oauth/introspect", &form);
            assert_eq!(seen.json()["active"], true, "{kind}: {}", seen.text());
            assert_eq!(seen.member("client_id"), "c");
        }
    }
}

#[test]
fn an_image_says_how_connections_are_served() {
    const SECRET: &str = "0123456789abcdefghijkl";
    let folder = Folder::new("connections");
    let key = said(&["key", "new", "hs256"]);
    let handle = said(&["key", "new", "handle"]);
    let config = Temporary::new(&format!(
        "issuer = 'https://as.example'\n[keys]\nsigning = '''{}'''\n{handle}\n\
         [server]\nidle_timeout = 1\ntrusted_proxies = ['127.0.0.1']\n[throttle]\nfailures = 1\n\
         [[client]]\nid = 'c'\nsecret = '{SECRET}'\ngrants = ['client_credentials']\n",
        key.trim()
    ));
    let image = folder.file("image.bin");
    said(&["provision", config.path(), "-o", &image]);
    let served = Process::serve(&["--image", &image]);
    let mut wire = Wire::open(served.address);
    let mut from = |address: &str, secret: &str| {
        let form = "grant_type=client_credentials";
        let request = post("/oauth/token", Some(&basic(("c", secret))), form);
        wire.ask(&request.header("X-Forwarded-For", address)).status
    };
    assert_eq!(from("192.0.2.1", "wrong"), 401);
    assert_eq!(from("192.0.2.1", SECRET), 429);
    assert_eq!(from("192.0.2.2", SECRET), 200);
    let begin = Instant::now();
    assert!(wire.ends());
    let idle = Duration::from_millis(900)..Duration::from_secs(5);
    assert!(idle.contains(&begin.elapsed()), "{:?}", begin.elapsed());
}
