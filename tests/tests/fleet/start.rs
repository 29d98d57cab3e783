//! Gateways that start, or say why they do not.

use smallgate_tests::command::refused;
use smallgate_tests::fleet::{Fleet, Plan, Servers};
use smallgate_tests::powercut::{Client, configuration};
use smallgate_tests::simulator::{Process, Temporary};

const ONE: Plan<'_> = Plan {
    gateways: 1,
    servers: 1,
    head: "",
    tables: "",
    clocks: &[],
};

fn says(arguments: &[&str], parts: &[&str]) {
    let error = refused(&[&["--listen", "127.0.0.1:0"], arguments].concat());
    for part in parts {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(!error.contains("hush"), "{error}");
}

#[test]
fn a_gateway_of_another_issuer_or_of_other_keys_does_not_start() {
    let fleet = Fleet::start(&ONE);
    let store = fleet.store();
    let text = std::fs::read_to_string(fleet.configuration.path()).expect("it is there");
    let tried = |text: &str, differs: &str| {
        let other = Temporary::new(text);
        let said = format!("its gateways have another {differs}\n  remedy: ");
        says(&["--config", other.path(), "--store", &store], &[&said]);
    };
    tried(&text.replace("//as.example", "//other.example"), "issuer");
    let drillster = text.replace("\"standard\"", "\"drillster\"");
    // Which has no grant of a client's own.
    tried(
        &drillster.replace(", \"client_credentials\"", ""),
        "profile",
    );
    let other = configuration("", "");
    let line = |text: &str, start: &str| {
        let line = text.lines().find(|line| line.starts_with(start));
        line.expect("it is there").to_owned()
    };
    let swapped = |start: &str| text.replace(&line(&text, start), &line(&other, start));
    tried(&swapped("handle"), "handle-keys");
    tried(&swapped("signing"), "signing-key, verifying-keys");
    // The same once more is welcome, and so is another bucket.
    let same = fleet.configuration.path();
    let another = Process::serve(&["--config", same, "--store", &store]);
    let token = Client::new(0).first_token(another.address);
    let refreshed = Client::new(0).refresh(fleet.gateways[0].address, &token);
    assert_eq!(refreshed.map(|answer| answer.status), Some(200));
    let other = Temporary::new(&other.replace("[keys]", "[store]\nreplicas = 1\n[keys]"));
    let elsewhere = format!("{store}/elsewhere");
    Process::serve(&["--config", other.path(), "--store", &elsewhere]);
}

#[test]
fn what_can_not_be_kept_is_said_at_the_start() {
    let servers = Servers::start(1);
    let store = format!("nats://{}", servers.addresses()[0]);
    says(
        &["--store", &store],
        &["configure keys.signing and keys.handle"],
    );
    let three = Temporary::new(&configuration("", ""));
    let alone = ["a server by itself keeps no 3 copies", "replicas = 1"];
    says(&["--config", three.path(), "--store", &store], &alone);
    drop(servers);
    let nobody = [
        "no server lets this gateway in",
        "remedy: start nats-server",
    ];
    says(&["--config", three.path(), "--store", &store], &nobody);
    says(&["--store", "nats://gateway:hush@a"], &["[store]"]);
    says(&["--store", "nuts://a"], &["nats://HOST:PORT"]);
}

#[test]
fn a_password_is_asked_for_and_not_printed() {
    let lock = "authorization { user: gateway, password: hush }\n";
    let servers = Servers::start_with(1, &|_, _| lock.to_owned());
    let store = format!("nats://{}", servers.addresses()[0]);
    let key = Temporary::new("hush\n");
    let with = |password: &str| {
        let tables =
            format!("[store]\nreplicas = 1\nuser = \"gateway\"\npassword = \"{password}\"\n");
        Temporary::new(&configuration("", &tables))
    };
    let file = format!("file:{}", key.path());
    // Each configuration has keys of its own, and so a bucket.
    for (bucket, password) in [("one", "hush"), ("other", &file)] {
        let (table, store) = (with(password), format!("{store}/{bucket}"));
        let mut process = Process::serve(&["--config", table.path(), "--store", &store]);
        let _token = Client::new(0).first_token(process.address);
        process.kill();
        assert!(!process.log().contains("hush"), "{}", process.log());
    }
    let wrong = with("wrong");
    let refused = ["no server lets this gateway in"];
    says(&["--config", wrong.path(), "--store", &store], &refused);
}

#[test]
fn a_full_bucket_refuses_new_grants_and_goes_on_with_those_it_has() {
    let servers = Servers::start(1);
    let store = format!("nats://{}", servers.addresses()[0]);
    let table = Temporary::new(&configuration("", "[store]\nreplicas = 1\ngrants = 2\n"));
    let process = Process::serve(&["--config", table.path(), "--store", &store]);
    let (client, address) = (Client::new(0), process.address);
    let first = client.first_token(address);
    let _other = client.first_token(address);
    let full = client.approved(address).expect("an answer");
    assert_eq!(full.status, 503, "{full:?}");
    let next = client
        .refresh(address, &first)
        .and_then(|answer| answer.refresh_token());
    let revoked = client.revoke(address, &next.expect("it rotates"));
    assert_eq!(revoked.map(|answer| answer.status), Some(200));
    process.log_with(|log| log.contains("the store is full"));
}
