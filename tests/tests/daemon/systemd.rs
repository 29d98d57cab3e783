//! The unit for systemd: what it says is what the binary understands, and is as
//! narrow as it claims.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use smallgate_tests::command::{Folder, refused, said};
use smallgate_tests::simulator::{Process, binary};

use super::gateway::{Gateway, client, key};
use super::notify::heard;

const UNIT: &str = include_str!("../../../host-sim/systemd/smallgate.service");

/// The settings of a section, each with its values in their order.
fn section(name: &str) -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut settings = BTreeMap::<_, Vec<_>>::new();
    let mut inside = false;
    for line in UNIT
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(header) = line.strip_prefix('[') {
            inside = header.trim_end_matches(']') == name;
        } else if inside {
            let (key, value) = line.split_once('=').expect("KEY=VALUE");
            settings.entry(key).or_default().push(value);
        }
    }
    settings
}

/// systemd passes over what it does not know, and a typing error with it.
#[test]
fn every_setting_is_known_and_what_narrows_is_there() {
    const NARROWING: &[(&str, &[&str])] = &[
        ("AmbientCapabilities", &[""]),
        ("CapabilityBoundingSet", &[""]),
        ("DynamicUser", &["yes"]),
        ("LockPersonality", &["yes"]),
        ("MemoryDenyWriteExecute", &["yes"]),
        ("NoNewPrivileges", &["yes"]),
        ("PrivateDevices", &["yes"]),
        ("PrivateTmp", &["yes"]),
        ("PrivateUsers", &["yes"]),
        ("ProcSubset", &["pid"]),
        ("ProtectClock", &["yes"]),
        ("ProtectControlGroups", &["yes"]),
        ("ProtectHome", &["yes"]),
        ("ProtectHostname", &["yes"]),
        ("ProtectKernelLogs", &["yes"]),
        ("ProtectKernelModules", &["yes"]),
        ("ProtectKernelTunables", &["yes"]),
        ("ProtectProc", &["invisible"]),
        ("ProtectSystem", &["strict"]),
        ("RemoveIPC", &["yes"]),
        ("RestrictAddressFamilies", &["AF_INET AF_INET6 AF_UNIX"]),
        ("RestrictNamespaces", &["yes"]),
        ("RestrictRealtime", &["yes"]),
        ("RestrictSUIDSGID", &["yes"]),
        ("StateDirectoryMode", &["0700"]),
        ("SystemCallArchitectures", &["native"]),
        ("SystemCallErrorNumber", &["EPERM"]),
        ("SystemCallFilter", &["@system-service", "~@privileged"]),
        ("UMask", &["0077"]),
    ];
    const OTHERS: &[&str] = &[
        "ExecReload",
        "ExecStart",
        "LimitNOFILE",
        "LoadCredential",
        "NotifyAccess",
        "Restart",
        "RestartSec",
        "StateDirectory",
        "SupplementaryGroups",
        "TimeoutStopSec",
        "Type",
    ];
    let service = section("Service");
    for (name, values) in NARROWING {
        assert_eq!(
            service.get(name).map(Vec::as_slice),
            Some(*values),
            "{name}"
        );
    }
    for name in service.keys() {
        let narrows = NARROWING.iter().any(|(known, _)| known == name);
        assert!(narrows || OTHERS.contains(name), "{name}");
    }
    assert_eq!(service["Type"], ["notify"]);
    assert_eq!(service["ExecReload"], ["/bin/kill -HUP $MAINPID"]);
    let unit: Vec<_> = section("Unit").into_keys().collect();
    assert_eq!(unit, ["After", "Description", "Wants"]);
    assert_eq!(section("Install")["WantedBy"], ["multi-user.target"]);
}

/// The lines of the unit and of its first comment, with other folders.
#[test]
fn what_the_unit_starts_serves_with_its_credentials() {
    let folder = Folder::new("unit");
    let socket = UnixDatagram::bind(folder.file("socket")).expect("a socket");
    let patience = Some(Duration::from_secs(20));
    socket.set_read_timeout(patience).expect("a deadline");
    std::fs::write(folder.file("signing.jwk"), key()).expect("room");
    folder.pasted("smallgate key new handle | cut -d '\"' -f 2 > handle.key");
    // As systemd has it: the mode does not show that nobody else may read it.
    for name in ["signing.jwk", "handle.key"] {
        let mode = std::fs::Permissions::from_mode(0o440);
        std::fs::set_permissions(folder.file(name), mode).expect("it is ours");
    }
    let commented = UNIT.lines().filter_map(|line| line.strip_prefix("#   "));
    let keys: String = commented
        .filter(|line| *line == "[keys]" || line.contains(" = \"file:"))
        .map(|line| line.to_owned() + "\n")
        .collect();
    assert_eq!(keys.lines().count(), 3, "{keys}");
    let here = folder.0.to_str().expect("text");
    let keys = keys.replace("/run/credentials/smallgate.service", here);
    let config = "issuer = 'https://as.example'\n".to_owned() + &keys + &client("app");
    std::fs::write(folder.file("gateway.toml"), config).expect("room");

    let words = section("Service")["ExecStart"][0]
        .replace("/etc/smallgate", here)
        .replace("/var/lib/smallgate", here);
    let mut words = words.split(' ');
    assert_eq!(words.next(), Some("/usr/local/bin/smallgate"));
    let start = |credentials: &str| {
        let mut command = Command::new(binary());
        command
            .args(words.clone())
            .args(["--listen", "127.0.0.1:0"])
            .env("NOTIFY_SOCKET", folder.file("socket"))
            .env("CREDENTIALS_DIRECTORY", credentials);
        Process::listening(&mut command)
    };
    let mut process = start(here);
    assert_eq!(heard(&socket)[0], "READY=1");
    process.kill();
    let log = process.log();
    assert!(
        !log.contains("key_exposed") && !log.contains("no handle key"),
        "{log}"
    );
    // Elsewhere such a mode is told of, for each of both.
    let mut process = start("/elsewhere");
    process.kill();
    let log = process.log();
    assert_eq!(log.matches("key_exposed").count(), 2, "{log}");
}

#[test]
fn a_handle_key_in_a_file_is_read_again_and_refused_by_its_line() {
    let folder = Folder::new("handlefile");
    let keys = format!(
        "[keys]\nsigning = '''{}'''\nhandle = 'file:handle.key'\n",
        key()
    );
    std::fs::write(folder.file("gateway.toml"), &keys).expect("room");
    for (content, words) in [
        (None, "handle.key can not be read"),
        (Some("short"), "a handle key is 32 octets"),
    ] {
        if let Some(content) = content {
            std::fs::write(folder.file("handle.key"), content).expect("room");
        }
        let error = refused(&["config", "check", &folder.file("gateway.toml")]);
        assert!(
            error.contains("gateway.toml:3:10: ") && error.contains(words),
            "{error}"
        );
        assert!(error.contains("remedy: "), "{error}");
    }
    folder.pasted("smallgate key new handle | cut -d '\"' -f 2 > handle.key");
    let checked = said(&["config", "check", &folder.file("gateway.toml")]);
    assert!(
        checked.contains(": good.") && !checked.contains("no handle key"),
        "{checked}"
    );
    let gateway = Gateway {
        process: Process::serve(&["--config", &folder.file("gateway.toml")]),
        folder,
    };
    gateway
        .folder
        .pasted("smallgate key new handle | cut -d '\"' -f 2 > handle.key");
    gateway.reloaded();
    std::fs::write(gateway.folder.file("handle.key"), "short").expect("room");
    assert!(gateway.refused().contains("a handle key is 32 octets"));
}
