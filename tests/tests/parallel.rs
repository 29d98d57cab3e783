//! Forty clients, each on a connection of its own, that send the same code or
//! refresh token at the same moment: R18, R26.

use std::sync::Barrier;

use smallgate_tests::host::Host;
use smallgate_tests::simulator::Simulator;
use smallgate_tests::suite::browser::{demo, redemption};
use smallgate_tests::suite::session::{Session, basic, post, refresh_form};
use smallgate_tests::suite::setups::{DEMO, standard};
use smallgate_tests::wire::{Request, Response};

const CLIENTS: usize = 40;
const ROUNDS: usize = 50;

/// Everybody connects and says all but the last octet, waits for the others,
/// and says that one.
fn crowd(session: &Session<Simulator>, request: &Request) -> Vec<Response> {
    session.heard(request);
    let octets = request.octets();
    let (last, said) = octets.split_last().expect("a request");
    let barrier = Barrier::new(CLIENTS);
    let wires: Vec<_> = (0..CLIENTS).map(|_| session.wire()).collect();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let asking: Vec<_> = wires
            .into_iter()
            .map(|mut wire| {
                let barrier = &barrier;
                scope.spawn(move || {
                    wire.send(said);
                    barrier.wait();
                    wire.send(&[*last]);
                    wire.receive()
                })
            })
            .collect();
        let answers = asking.into_iter().map(|asking| asking.join());
        answers.map(|answer| answer.expect("no panic")).collect()
    });
    answers.iter().for_each(|answer| session.said(answer));
    answers
}

/// The distinct refresh tokens that were given.
fn successors(answers: &[Response]) -> Vec<String> {
    let given = answers.iter().filter(|answer| answer.status == 200);
    let mut tokens: Vec<_> = given.map(|answer| answer.member("refresh_token")).collect();
    tokens.sort();
    tokens.dedup();
    tokens
}

fn refusals(answers: &[Response], error: &str) -> usize {
    let refused = answers.iter().filter(|answer| answer.outcome().1 == error);
    refused.count()
}

/// How often the store did not take a commit, by the server's log.
fn commits_refused(session: &Session<Simulator>) -> usize {
    session.host.log().matches("\"commit_refused\"").count()
}

/// At least the rounds that are wanted, and more until a commit was refused:
/// where none ever is, nothing was shown.
fn goes_on(session: &Session<Simulator>, rounds: usize) -> bool {
    if rounds < ROUNDS {
        return true;
    }
    let raced = commits_refused(session) > 0;
    assert!(raced || rounds < 40 * ROUNDS, "nobody ever raced");
    !raced
}

#[test]
fn r18_of_forty_redemptions_one_wins() {
    let session = Session::<Simulator>::start(standard());
    let (mut round, mut winners, mut revoked) = (0, 0, 0);
    while goes_on(&session, round) {
        let form = redemption(&session.code(&demo()));
        let answers = crowd(&session, &post("/oauth/token", Some(&basic(DEMO)), &form));
        let won: Vec<_> = answers
            .iter()
            .filter(|answer| answer.status == 200)
            .collect();
        assert_eq!(won.len(), 1, "round {round}: {answers:?}");
        winners += won.len();
        // Four lost swaps in a row are answered by "come again".
        let replayed = refusals(&answers, "invalid_grant");
        let busy = refusals(&answers, "temporarily_unavailable");
        assert_eq!(replayed + busy, CLIENTS - 1, "round {round}: {answers:?}");
        // R19: the others revoked what the winner got.
        let me = session.token(DEMO, &refresh_form(won[0]));
        revoked += usize::from(me.outcome() == (400, "invalid_grant".to_owned()));
        round += 1;
    }
    println!(
        "codes: {round} rounds of {CLIENTS} connections, {winners} winners, \
         {revoked} grants revoked by the losers, {} commits refused",
        commits_refused(&session)
    );
    assert_eq!(revoked, round);
}

#[test]
fn r26_of_forty_refreshes_one_lineage_comes() {
    let session = Session::<Simulator>::start(standard());
    let mut tokens = session.token(DEMO, &redemption(&session.code(&demo())));
    let (mut rounds, mut winners, mut busy) = (0, 0, 0);
    while goes_on(&session, rounds) {
        let form = refresh_form(&tokens);
        let answers = crowd(&session, &post("/oauth/token", Some(&basic(DEMO)), &form));
        assert_eq!(successors(&answers).len(), 1, "round {rounds}: {answers:?}");
        // All others are in the grace time, or were asked to come again.
        let (mut good, others): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| answer.status == 200);
        let come_again = refusals(&others, "temporarily_unavailable");
        assert_eq!(come_again, others.len(), "round {rounds}: {others:?}");
        busy += come_again;
        winners += good.len();
        tokens = good.swap_remove(0);
        rounds += 1;
    }
    println!(
        "refresh in grace: {rounds} rounds of {CLIENTS} connections, one successor each, \
         {winners} answers with it, {busy} asked to come again, {} commits refused",
        commits_refused(&session)
    );
}

#[test]
fn r26_of_forty_refreshes_without_grace_one_wins() {
    let session = Session::<Simulator>::start(standard().tables("[lifetimes]\ngrace = 0"));
    let (mut rounds, mut winners, mut revoked) = (0, 0, 0);
    while goes_on(&session, rounds) {
        let tokens = session.token(DEMO, &redemption(&session.code(&demo())));
        let form = refresh_form(&tokens);
        let answers = crowd(&session, &post("/oauth/token", Some(&basic(DEMO)), &form));
        winners += successors(&answers).len();
        assert_eq!(winners, rounds + 1, "{answers:?}");
        let won = answers.iter().find(|answer| answer.status == 200);
        // Who came after the swap is late, and revokes; who lost it is not.
        let next = session.token(DEMO, &refresh_form(won.expect("one won")));
        revoked += usize::from(next.status != 200);
        rounds += 1;
    }
    println!(
        "refresh without grace: {rounds} rounds of {CLIENTS} connections, {winners} winners, \
         {revoked} grants revoked by latecomers, {} commits refused",
        commits_refused(&session)
    );
}
