//! SIGHUP.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rustls::version::TLS13;
use smallgate_tests::command::{Folder, said};
use smallgate_tests::simulator::Process;
use smallgate_tests::wire::{Request, Wire};

use super::certificates::Authority;
use super::gateway::{Gateway, SECRET, client, key, token_request};

fn keys(signing: &str, verifying: &str) -> String {
    format!("[keys]\nsigning = '''{signing}'''\nverifying = [{verifying}]\n")
}

#[test]
fn clients_come_and_go_with_their_tokens() {
    let gateway = Gateway::start("clients", &(client("old") + &client("stays")));
    let (old, stays) = (gateway.token("old"), gateway.token("stays"));
    assert_eq!((gateway.me(&old), gateway.me(&stays)), (200, 200));
    assert_eq!(gateway.token("new").status, 401);

    gateway.configure(&(client("stays") + &client("new")));
    // A connection that is open asks by the new configuration.
    let mut wire = Wire::open(gateway.process.address);
    assert_eq!(wire.ask(&token_request("old")).status, 200);
    gateway.reloaded();
    assert_eq!(wire.ask(&token_request("old")).status, 401);
    assert_eq!(
        gateway.token("old").outcome(),
        (401, "invalid_client".into())
    );
    assert_eq!(gateway.me(&old), 401);
    // The key that was made at the start is still the one.
    assert_eq!(
        (gateway.me(&stays), gateway.token("new").status),
        (200, 200)
    );
}

#[test]
fn a_request_that_is_under_way_ends_with_what_it_began_with() {
    let gateway = Gateway::start("underway", &client("old"));
    let octets = token_request("old").octets();
    let (begun, rest) = octets.split_at(octets.len() - 5);
    let mut wire = Wire::open(gateway.process.address);
    wire.send(begun);
    assert!(wire.is_silent_for(Duration::from_millis(200)));
    gateway.configure(&client("new"));
    gateway.reloaded();
    wire.send(rest);
    assert_eq!(wire.receive().status, 200);
    assert_eq!(wire.ask(&token_request("old")).status, 401);
}

#[test]
fn what_is_kept_stays_and_no_key_is_made_for_it() {
    let handle = said(&["key", "new", "handle"]);
    let quotes = format!(
        "[[client]]\nid = 'quotes'\nsecret = '{SECRET}'\n\
         grants = ['client_credentials', 'refresh_token']\n"
    );
    let keys = format!(
        "[keys]\nsigning = '''{}'''\n{handle}",
        said(&["key", "new", "hs256"]).trim()
    );
    let head = "profile = 'teen-quotes'\n".to_owned();
    let folder = Folder::new("keptgrants");
    let store = format!("file:{}", folder.file("grants.bin"));
    let whole = head.clone() + &keys + &quotes;
    let gateway = Gateway::start_with("kept", &whole, &["--store", &store], |_| {});
    let ask = |form: &str| {
        let form = format!("{form}&client_id=quotes&client_secret={SECRET}");
        gateway.ask(&smallgate_tests::suite::session::post(
            "/oauth", None, &form,
        ))
    };
    let first = ask("grant_type=client_credentials");
    assert_eq!(first.status, 200, "{}", first.text());
    gateway.configure(
        &(whole.clone() + &client("more").replace("client_credentials", "refresh_token")),
    );
    gateway.reloaded();
    let refresh = |response: &smallgate_tests::wire::Response| {
        let token = response.member("refresh_token");
        ask(&format!("grant_type=refresh_token&refresh_token={token}"))
    };
    let second = refresh(&first);
    assert_eq!(second.status, 200, "{}", second.text());
    gateway.configure(&(head + &quotes));
    assert!(
        gateway
            .refused()
            .contains("what is kept ends with a key that is made")
    );
    assert_eq!(refresh(&second).status, 200);
}

#[test]
fn a_new_key_signs_and_the_old_one_still_verifies() {
    let (first, second) = (key(), key());
    let gateway = Gateway::start("keys", &(keys(&first, "") + &client("app")));
    let old = gateway.token("app");
    gateway.configure(&(keys(&second, &format!("'''{first}'''")) + &client("app")));
    gateway.reloaded();
    let kids: Vec<_> = gateway.ask(&Request::new("GET", "/jwks.json")).json()["keys"]
        .as_array()
        .expect("keys")
        .iter()
        .map(|key| key["kid"].clone())
        .collect();
    let kid =
        |key: &str| serde_json::from_str::<serde_json::Value>(key).expect("a JWK")["kid"].clone();
    assert_eq!(kids, [kid(&second), kid(&first)]);
    let new = gateway.token("app");
    assert_eq!((gateway.me(&old), gateway.me(&new)), (200, 200));
    let header = said(&["token", "decode", &new.member("access_token")]);
    assert!(
        header.contains(kid(&second).as_str().expect("text")),
        "{header}"
    );

    // Without it, its tokens are nobody's.
    gateway.configure(&(keys(&second, "") + &client("app")));
    gateway.reloaded();
    assert_eq!((gateway.me(&old), gateway.me(&new)), (401, 200));
}

#[test]
fn lifetimes_limits_and_scopes_are_taken() {
    let gateway = Gateway::start("lifetimes", &client("app"));
    assert_eq!(gateway.token("app").json()["expires_in"], 3600);
    gateway.configure(&format!(
        "scopes = ['read', 'write', 'water']\n[lifetimes]\naccess_token = 60\n\
         [limits]\nbody = 100\n[server]\nidle_timeout = 1\n{}",
        client("app")
    ));
    gateway.reloaded();
    let request = |more: &str| {
        let authorization = smallgate_tests::suite::session::basic(("app", SECRET));
        let form = format!("grant_type=client_credentials{more}");
        smallgate_tests::suite::session::post("/oauth/token", Some(&authorization), &form)
    };
    let token = gateway.ask(&request("&scope=water"));
    assert_eq!(
        (token.json()["expires_in"].as_u64(), token.status),
        (Some(60), 200)
    );
    let long = format!("&x={}", "x".repeat(100));
    assert_eq!(gateway.ask(&request(&long)).status, 413);
    let mut wire = Wire::open(gateway.process.address);
    assert_eq!(wire.ask(&request("")).status, 200);
    assert!(wire.ends(), "it is idle for a second and not for a minute");
}

#[test]
fn a_file_with_a_fault_changes_nothing_and_is_told_of_without_secrets() {
    let gateway = Gateway::start("faulty", &client("app"));
    let token = gateway.token("app");
    for (faulty, words) in [
        ("[[client]\nid = 'app'", "gateway.toml:1:"),
        (
            "[[client]]\nid = 'app'\nsecret = 'topsecret'\ngrants = []",
            "gateway.toml:3:",
        ),
        (
            "[server.tls]\ncertificate = 'none.pem'\nkey = 'none.pem'",
            "none.pem can not be read",
        ),
    ] {
        gateway.configure(faulty);
        let line = gateway.refused();
        assert!(line.contains(words) && line.contains("remedy: "), "{line}");
        assert!(!line.contains("topsecret"), "{line}");
        assert_eq!(
            (gateway.me(&token), gateway.token("app").status),
            (200, 200)
        );
    }
    std::fs::remove_file(gateway.folder.file("gateway.toml")).expect("it is there");
    assert!(gateway.refused().contains("can not be read"));
    assert_eq!(gateway.token("app").status, 200);
    // And it goes on from there.
    gateway.configure(&(client("app") + &client("new")));
    gateway.reloaded();
    assert_eq!(gateway.token("new").status, 200);
}

#[test]
fn what_takes_a_restart_is_named_and_nothing_is_taken() {
    let device = "[[device]]\nname = 'relay'\nkind = 'output'\npin = 0\n";
    let gateway = Gateway::start("restart", &(client("app") + device));
    let files = Authority::new();
    files.certify(&gateway.folder);
    let more = client("new");
    for (config, names) in [
        ("profile = 'breakout'\n", "profile"),
        ("issuer = 'https://as.example'\n", "issuer"),
        (
            "[server]\nconnections = 7\n",
            "server.connections, server.connections_per_source",
        ),
        (
            "[server]\nconnections_per_source = 7\n",
            "server.connections_per_source",
        ),
        (
            "[server.tls]\ncertificate = 'chain.pem'\nkey = 'key.pem'\n",
            "server.tls",
        ),
    ] {
        let clients = match names {
            "profile" => String::new(),
            _ => more.clone() + device,
        };
        gateway.configure(&(config.to_owned() + &clients));
        let line = gateway.refused();
        let expected = match names {
            "profile" => "a restart is needed to change profile, device\"".to_owned(),
            _ => format!("a restart is needed to change {names}\""),
        };
        assert!(line.contains(&expected), "{line}");
        assert_eq!(gateway.token("new").status, 401);
    }
    gateway.configure(&more);
    assert!(gateway.refused().contains("to change device\""));
    // `--listen` goes before the file, here as at the start.
    gateway.configure(&format!("[server]\nlisten = '127.0.0.1:1'\n{more}{device}"));
    gateway.reloaded();
    assert_eq!(gateway.token("new").status, 200);
}

#[test]
fn a_certificate_is_renewed_for_connections_that_begin_then() {
    let (first, second) = (Authority::new(), Authority::new());
    let config = format!(
        "[server.tls]\ncertificate = 'chain.pem'\nkey = 'key.pem'\n{}",
        client("app")
    );
    let folder = Folder::new("renewed");
    first.certify(&folder);
    std::fs::write(folder.file("gateway.toml"), &config).expect("room");
    let gateway = Gateway {
        process: Process::serve(&["--config", &folder.file("gateway.toml")]),
        folder,
    };
    let mut open = first.connect(&gateway.process, &[&TLS13]);
    open.send(&token_request("app").octets())
        .expect("it is taken");
    assert!(open.some().starts_with("HTTP/1.1 200 "));
    second.certify(&gateway.folder);
    gateway.reloaded();
    let answer = second
        .connect(&gateway.process, &[&TLS13])
        .ask(&token_request("app"));
    assert!(answer.expect("an answer").starts_with("HTTP/1.1 200 "));
    let other = first
        .connect(&gateway.process, &[&TLS13])
        .ask(&token_request("app"));
    assert!(other.is_err());
    // Who was there before stays.
    let answer = open.ask(&token_request("app")).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // A key that is none of it changes nothing.
    std::fs::write(gateway.folder.file("key.pem"), "").expect("room");
    assert!(gateway.refused().contains("holds no private key"));
    let answer = second
        .connect(&gateway.process, &[&TLS13])
        .ask(&token_request("app"));
    assert!(answer.expect("an answer").starts_with("HTTP/1.1 200 "));
}

#[test]
fn failures_are_remembered_over_a_reload() {
    let gateway = Gateway::start("throttle", &client("app"));
    let wrong = || {
        let authorization = smallgate_tests::suite::session::basic(("app", "wrong"));
        let form = "grant_type=client_credentials";
        let request =
            smallgate_tests::suite::session::post("/oauth/token", Some(&authorization), form);
        gateway.ask(&request).status
    };
    let statuses: Vec<_> = (0..11).map(|_| wrong()).collect();
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    gateway.reloaded();
    assert_eq!(wrong(), 429);
}

#[test]
fn no_request_is_lost_when_it_is_reloaded_under_load() {
    let (first, second) = (key(), key());
    let configs = [
        keys(&first, &format!("'''{second}'''")) + &client("app"),
        keys(&second, &format!("'''{first}'''")) + &client("app") + &client("more"),
    ];
    let gateway = Gateway::start("load", &configs[0]);
    let (done, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                let (done, answered) = (&done, &answered);
                let address = gateway.process.address;
                scope.spawn(move || {
                    let mut kept = Wire::open(address);
                    while !done.load(Ordering::Relaxed) {
                        let answer = match worker % 2 {
                            0 => kept.ask(&token_request("app")),
                            _ => Wire::open(address).ask(&token_request("app")),
                        };
                        assert_eq!(answer.status, 200, "{}", answer.text());
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for config in configs.iter().cycle().take(50) {
            gateway.configure(config);
            gateway.reloaded();
            std::thread::sleep(Duration::from_millis(10));
        }
        done.store(true, Ordering::Relaxed);
        for worker in workers {
            worker.join().expect("every answer is good");
        }
    });
    assert!(answered.into_inner() > 50);
}

/// The memory in use, in KiB.
#[cfg(target_os = "linux")]
fn resident(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id()));
    let status = status.expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    number.and_then(|number| number.parse().ok()).expect("KiB")
}

/// Each configuration is 40 clients large, and no two are the same.
#[cfg(target_os = "linux")]
#[test]
fn a_thousand_reloads_take_no_more_memory_than_a_hundred() {
    let signing = key();
    let config = |round: u32| {
        (0..40).fold(keys(&signing, ""), |config, at| {
            config + &client(&format!("a-client-with-a-long-name-{round}-{at}"))
        })
    };
    let gateway = Gateway::start("memory", &config(0));
    let mut early = 0;
    for round in 1..=1000 {
        gateway.configure(&config(round));
        gateway.reloaded();
        if round == 100 {
            early = resident(&gateway.process);
        }
    }
    assert_eq!(
        gateway.token("a-client-with-a-long-name-1000-39").status,
        200
    );
    let late = resident(&gateway.process);
    println!("{early} KiB after 100 reloads, {late} KiB after 1,000");
    // Kept, 900 of them are 4 MiB of clients and as much of keys and texts.
    assert!(late < early + 2048, "{early} KiB, {late} KiB");
}

#[test]
fn an_image_is_read_again_and_a_demonstration_ends_with_its_terminal() {
    let folder = Folder::new("images");
    let (config, image) = (folder.file("board.toml"), folder.file("image.bin"));
    let handle = said(&["key", "new", "handle"]);
    let head = format!(
        "issuer = 'https://as.example'\n[keys]\nsigning = '''{}'''\n{handle}\n",
        key()
    );
    let provision = |clients: &str| {
        std::fs::write(&config, head.clone() + clients).expect("room");
        said(&["provision", &config, "-o", &image, "--force"]);
    };
    provision(&client("old"));
    let gateway = Gateway {
        process: Process::serve(&["--image", &image]),
        folder,
    };
    assert_eq!(gateway.token("old").status, 200);
    provision(&client("new"));
    gateway.reloaded();
    assert_eq!(
        (gateway.token("old").status, gateway.token("new").status),
        (401, 200)
    );
    std::fs::write(&image, b"no image").expect("room");
    assert!(gateway.refused().contains("image.bin"));
    assert_eq!(gateway.token("new").status, 200);

    // Not as these tests are started: `nohup` has a hang-up ignored.
    let mut demonstration = Gateway {
        process: Process::serve_under(&["env", "--default-signal=HUP"], &[]),
        folder: Folder::new("nothing"),
    };
    demonstration.signal("-HUP");
    assert_eq!(demonstration.process.wait(), None, "a signal ended it");
}
