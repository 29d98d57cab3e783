//! The board, killed under load, and what its clients hold against it.

use std::net::SocketAddr;
use std::time::Duration;

use smallgate_firmware::store::FlashStore;

use super::flash::Model;
use super::kill::Kills;
use crate::board::Board;
use crate::host::Host;
use crate::suite::browser::{asking, code_in, demo, filled_in, redemption, with};
use crate::suite::session::{basic, post};
use crate::suite::setups::{DEMO, USER, standard};
use crate::wire::{Response, Wire};

/// The client whose grants are many: the owner's oldest give way.
const REDEEMER: (&str, &str) = ("redeemer", "redeemer-secret-redeemer-secret-redeemer");

/// That client in the configuration.
const TABLE: &str = r#"
[[client]]
id = "redeemer"
secret = "redeemer-secret-redeemer-secret-redeemer"
grants = ["authorization_code", "refresh_token"]
redirect_uris = ["https://client.example/cb"]
scopes = ["read", "write"]
default_scopes = ["read"]
"#;

/// A client that refreshes, and all the refresh tokens that it was given.
struct Refreshing(Vec<String>);

/// A client that redeems codes, and those that it got tokens for.
struct Redeeming(Vec<String>);

/// What a client does again and again: the status, or nothing if no whole answer
/// came.
trait Client: Send {
    fn go_on(&mut self, address: SocketAddr) -> Option<u16>;
}

impl Client for Refreshing {
    fn go_on(&mut self, address: SocketAddr) -> Option<u16> {
        let answer = refresh(address, self.0.last()?)?;
        if answer.status == 200 {
            self.0.push(answer.member("refresh_token"));
        }
        Some(answer.status)
    }
}

impl Client for Redeeming {
    fn go_on(&mut self, address: SocketAddr) -> Option<u16> {
        let code = match log_in(address, REDEEMER.0)? {
            Ok(code) => code,
            Err(status) => return Some(status),
        };
        let answer = redeem(address, REDEEMER, &code)?;
        if answer.status == 200 {
            self.0.push(code);
        }
        Some(answer.status)
    }
}

/// Kills a board `rounds` times while clients refresh and redeem, and lets each
/// of them go on with what it has.
///
/// # Panics
///
/// The board does not start.
#[must_use]
pub fn kill(rounds: u64) -> Kills {
    let mut board = Board::start(&standard().tables(TABLE).whole());
    let mut kills = Kills::default();
    let mut refreshing: Vec<Refreshing> = (0..2).map(|_| first(board.address())).collect();
    let mut redeeming = [Redeeming(Vec::new()), Redeeming(Vec::new())];
    // One more, whose end was answered.
    let ended = first(board.address()).0.remove(0);
    let form = format!("token={ended}");
    let revoked = Wire::attempt(
        board.address(),
        &post("/oauth/revoke", Some(&basic(DEMO)), &form),
    );
    assert_eq!(revoked.map(|answer| answer.status), Some(200));

    for round in 0..rounds {
        let address = board.address();
        let (answers, stranded) = std::thread::scope(|scope| {
            let refreshing = refreshing.iter_mut().map(|one| one as &mut dyn Client);
            let redeeming = redeeming.iter_mut().map(|one| one as &mut dyn Client);
            let threads: Vec<_> = refreshing
                .chain(redeeming)
                .map(|client| scope.spawn(move || until_it_is_gone(client, address)))
                .collect();
            std::thread::sleep(Duration::from_millis(400 + round * 137 % 600));
            drop(board.kill());
            let done = threads
                .into_iter()
                .map(|thread| thread.join().expect("no panic"));
            done.fold((0, 0), |(a, b), (c, d)| (a + c, b + d))
        });
        kills.answers += answers;
        kills.stranded += stranded;
        kills.rounds += 1;
        board.restart();
        for client in &mut refreshing {
            kills.stranded += u64::from(client.go_on(board.address()) != Some(200));
        }
        // What was redeemed is, and what was revoked is.
        for code in redeeming.iter_mut().flat_map(|client| client.0.drain(..)) {
            let again = redeem(board.address(), REDEEMER, &code);
            kills.doubled += u64::from(!is_over(&board, "redeemed", again));
        }
        let again = refresh(board.address(), &ended);
        kills.lost += u64::from(!is_over(&board, "revoked", again));
    }
    // All but the newest two, of which one is in grace, are a theft.
    for mut client in refreshing {
        client.0.dedup();
        let newest = client.0.len().saturating_sub(2);
        for old in &client.0[..newest] {
            let answer = refresh(board.address(), old);
            kills.doubled += u64::from(!is_over(&board, "replaced", answer));
        }
    }
    let mut store = FlashStore::<_, 256>::new(Model::<4, 4096>::holding(board.kill()));
    kills.lost += u64::from(store.open().is_err());
    kills
}

/// Whether what was presented again is refused; the log tells why not.
fn is_over(board: &Board, what: &str, answer: Option<Response>) -> bool {
    let status = answer.map(|answer| answer.status);
    if status != Some(400) {
        let log = board.log();
        let last: Vec<&str> = log.lines().rev().take(8).collect();
        eprintln!("{what}, and then {status:?}: {last:#?}");
    }
    status == Some(400)
}

/// Answers with a 200, and how often something else came than an answer to come
/// back after.
fn until_it_is_gone(client: &mut dyn Client, address: SocketAddr) -> (u64, u64) {
    let mut answers = 0;
    while let Some(status) = client.go_on(address) {
        match status {
            200 => answers += 1,
            503 => {}
            _ => return (answers, 1),
        }
    }
    (answers, 0)
}

/// A client with its first refresh token.
fn first(address: SocketAddr) -> Refreshing {
    let code = log_in(address, DEMO.0)
        .expect("it answers")
        .expect("a code");
    let answer = redeem(address, DEMO, &code).expect("it answers");
    assert_eq!(answer.status, 200, "{}", answer.pretty());
    Refreshing(vec![answer.member("refresh_token")])
}

/// A code, or the status that came in its place: 503 while another password is
/// hashed.
fn log_in(address: SocketAddr, client: &str) -> Option<Result<String, u16>> {
    let page = Wire::attempt(address, &asking(&with(&demo(), "client_id", Some(client))))?;
    if page.status != 200 {
        return Some(Err(page.status));
    }
    let approved = Wire::attempt(address, &filled_in(&page, "approve", USER))?;
    Some(code_in(&approved).ok_or(approved.status))
}

fn redeem(address: SocketAddr, client: (&str, &str), code: &str) -> Option<Response> {
    let form = redemption(code);
    Wire::attempt(address, &post("/oauth/token", Some(&basic(client)), &form))
}

fn refresh(address: SocketAddr, token: &str) -> Option<Response> {
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    Wire::attempt(address, &post("/oauth/token", Some(&basic(DEMO)), &form))
}
