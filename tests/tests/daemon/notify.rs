//! What systemd is told.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use smallgate_tests::command::Folder;

use super::gateway::{Gateway, client};

/// The next message, as its lines.
pub(crate) fn heard(socket: &UnixDatagram) -> Vec<String> {
    let mut room = [0; 1024];
    let length = socket.recv(&mut room).expect("a message in time");
    let text = std::str::from_utf8(&room[..length]).expect("text");
    text.lines().map(str::to_owned).collect()
}

/// Microseconds since the computer started.
fn uptime() -> u64 {
    let text = std::fs::read_to_string("/proc/uptime").expect("Linux");
    let seconds: f64 = text
        .split_whitespace()
        .next()
        .and_then(|seconds| seconds.parse().ok())
        .expect("seconds");
    Duration::from_secs_f64(seconds)
        .as_micros()
        .try_into()
        .expect("years")
}

#[cfg(target_os = "linux")]
#[test]
fn systemd_is_told_when_it_serves_reloads_and_stops() {
    let folder = Folder::new("notify");
    let path = folder.file("socket");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    let patience = Some(Duration::from_secs(20));
    socket.set_read_timeout(patience).expect("a deadline");
    let mut gateway = Gateway::start_with("notified", &client("app"), &[], |command| {
        command.env("NOTIFY_SOCKET", &path);
    });
    assert_eq!(heard(&socket), ["READY=1", "STATUS=serving"]);

    for (config, status) in [
        (client("new"), "STATUS=serving"),
        (
            "faulty".to_owned(),
            "STATUS=serving; the last reload was refused: see the log",
        ),
        (client("new"), "STATUS=serving"),
    ] {
        gateway.configure(&config);
        let before = uptime();
        gateway.reload();
        let [reloading, since] = &heard(&socket)[..] else {
            panic!("two lines");
        };
        assert_eq!(reloading, "RELOADING=1");
        let since = since.strip_prefix("MONOTONIC_USEC=").expect("when");
        let since: u64 = since.parse().expect("a number");
        // The uptime has two digits after its point.
        assert!(
            (before - 20_000..=uptime() + 20_000).contains(&since),
            "{since}"
        );
        assert_eq!(heard(&socket), ["READY=1", status]);
    }
    gateway.signal("-TERM");
    assert_eq!(heard(&socket), ["STOPPING=1"]);
    assert_eq!(gateway.process.wait(), Some(0));
}
