//! Clients that are gone before they are answered.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use smallgate_tests::powercut::{Client, Load};
use smallgate_tests::simulator::{Process, binary};
use socket2::SockRef;

fn send(client: Client, address: SocketAddr, token: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = client.refresh_request(token);
    stream.write_all(request.as_bytes()).expect("it is sent");
    stream
}

/// Waits until so many refresh tokens were issued, as the log tells.
fn wait_for(process: &Process, issued: usize) {
    let refresh =
        |line: &&str| line.contains(r#""event":"issued""#) && line.contains("refresh_token");
    process.log_with(|log| log.lines().filter(refresh).count() >= issued);
}

fn shown(load: &Load) -> String {
    let shown = Command::new(binary())
        .args(["store", "show"])
        .arg(load.store())
        .output();
    String::from_utf8(shown.expect("smallgate starts").stdout).expect("text")
}

#[test]
fn r30_the_commit_outlives_the_clients_hang_up() {
    let load = Load::new();
    let mut process = Process::serve(&load.arguments());
    let client = Client::new(0);
    let first = client.first_token(process.address);
    let stream = send(client, process.address, &first);
    // Without an end, as a client that lost its power: RST, and no FIN.
    SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .expect("a reset");
    drop(stream);
    wait_for(&process, 1);
    process.kill();
    let text = shown(&load);
    assert!(text.contains("active, generation 2"), "{text}");
    // In grace: the same successor, each time it is asked for.
    let process = Process::serve(&load.arguments());
    let second = client.refresh(process.address, &first);
    let second = second.and_then(|answer| answer.refresh_token());
    let again = client.refresh(process.address, &first);
    assert_eq!(again.and_then(|answer| answer.refresh_token()), second);
    let second = second.unwrap_or_else(|| panic!("{}", process.log()));
    let third = client.refresh(process.address, &second);
    assert_eq!(third.map(|answer| answer.status), Some(200));
}

#[test]
fn r30_the_commit_outlives_a_client_that_never_reads() {
    let load = Load::new();
    let mut process = Process::serve(&load.arguments());
    let client = Client::new(0);
    let first = client.first_token(process.address);
    let silent = send(client, process.address, &first);
    wait_for(&process, 1);
    // Others are answered meanwhile.
    let _token = Client::new(1).first_token(process.address);
    process.kill();
    drop(silent);
    let text = shown(&load);
    assert!(text.contains("active, generation 2"), "{text}");
    let process = Process::serve(&load.arguments());
    let second = client.refresh(process.address, &first);
    assert_eq!(second.map(|answer| answer.status), Some(200));
}
