//! Where the board has the time from: a real-time clock, a server, both, and
//! such as are not to be believed.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use smallgate_tests::board::{LISTENING, image, machine, says};
use smallgate_tests::host::{START, Setup};
use smallgate_tests::load::token_request;
use smallgate_tests::machine::Machine;
use smallgate_tests::suite::session::{post, refresh_form};
use smallgate_tests::suite::setups::{QUOTES, standard, teen_quotes};
use smallgate_tests::wire::{Response, Wire};

/// How long the board may take to do what it does at once.
const SOON: Duration = Duration::from_secs(20);
/// And after a question that was not answered: 15 to 17 s.
const AFTER_ONE: Duration = Duration::from_secs(30);
/// And with a real-time clock that it looks at every minute.
const AFTER_A_MINUTE: Duration = Duration::from_secs(80);

/// 1970-01-01 in NTP's seconds (RFC 5905, figure 4).
const EPOCH: u64 = 2_208_988_800;
const DAY: u64 = 86_400;

/// A server's answers to the question of this number, from 0, and of this client.
type Answers = dyn Fn(usize, &Question, SocketAddr) -> Vec<Vec<u8>> + Send;

pub(crate) struct Question([u8; 48]);

impl Question {
    /// The right answer at `time`.
    pub(crate) fn answer(&self, time: u64) -> Vec<u8> {
        let mut octets = vec![0; 48];
        octets[0] = 0x24;
        octets[1] = 2;
        octets[24..32].copy_from_slice(&self.0[40..]);
        let seconds = u32::try_from((time + EPOCH) & 0xFFFF_FFFF).expect("32 bits");
        octets[40..44].copy_from_slice(&seconds.to_be_bytes());
        octets
    }

    /// The same with other octets at a place.
    fn with(&self, at: usize, other: &[u8]) -> Vec<u8> {
        let mut octets = self.answer(START);
        octets[at..at + other.len()].copy_from_slice(other);
        octets
    }

    fn kiss(&self, code: &[u8; 4]) -> Vec<u8> {
        let mut octets = self.with(12, code);
        octets[1] = 0;
        octets
    }
}

/// An SNTP server on the loopback.
pub(crate) struct Server {
    port: u16,
    asked: Arc<AtomicUsize>,
    stops: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start(
        answers: impl Fn(usize, &Question) -> Vec<Vec<u8>> + Send + 'static,
    ) -> Self {
        Self::start_with(Box::new(move |number, question, _| {
            answers(number, question)
        }))
    }

    fn start_with(answers: Box<Answers>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let patience = Some(Duration::from_millis(100));
        socket.set_read_timeout(patience).expect("a deadline");
        let server = Server {
            port: socket.local_addr().expect("an address").port(),
            asked: Arc::default(),
            stops: Arc::default(),
        };
        let (asked, stops) = (Arc::clone(&server.asked), Arc::clone(&server.stops));
        std::thread::spawn(move || {
            let mut octets = [0; 100];
            while !stops.load(Ordering::SeqCst) {
                let Ok((length, from)) = socket.recv_from(&mut octets) else {
                    continue;
                };
                let question = octets[..length].try_into().expect("48 octets");
                let number = asked.fetch_add(1, Ordering::SeqCst);
                for answer in answers(number, &Question(question), from) {
                    let _gone = socket.send_to(&answer, from);
                    // The board keeps two of them until it looks.
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        });
        server
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// The image of a board that asks it.
    pub(crate) fn image(&self, setup: Setup) -> Vec<u8> {
        let table = format!("[network]\nsntp = \"10.0.2.2:{}\"", self.port);
        image(&setup.tables(&table).whole())
    }

    /// A board that asks it, with a clock of its own or without.
    fn board(&self, clock: Option<u64>) -> Watched {
        Watched::start(self.image(standard()), clock)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stops.store(true, Ordering::SeqCst);
    }
}

/// A board whose log is read.
struct Watched(Machine);

impl Watched {
    fn start(image: Vec<u8>, clock: Option<u64>) -> Self {
        let mut board = Watched(machine(image, clock));
        board.wait_for(SOON, LISTENING);
        board
    }

    fn wait_for(&mut self, limit: Duration, line: &str) {
        let found = self.0.wait_for(limit, |lines| says(lines, line));
        assert_eq!(found, Ok(true), "no {line}: {}", self.log());
    }

    fn log(&self) -> String {
        let lines = self.0.log().expect("a log");
        let lines = lines.iter();
        lines.map(|line| line.message.clone() + "\n").collect()
    }

    fn address(&self) -> SocketAddr {
        self.0.address()
    }

    fn token(&self) -> Response {
        Wire::open(self.address()).ask(&token_request())
    }

    fn refuses(&self) {
        let response = self.token();
        assert_eq!(
            response.outcome(),
            (503, "temporarily_unavailable".to_owned()),
            "{}",
            self.log()
        );
        assert!(response.header("retry-after").is_some());
        assert_eq!(response.header("date"), None);
    }

    /// Tokens are issued, and say this time, or up to a minute later.
    fn issues_at(&self, time: u64) {
        let response = self.token();
        assert_eq!(response.status, 200, "{}{}", response.pretty(), self.log());
        let token = response.member("access_token");
        let payload = token.split('.').nth(1).expect("three parts");
        let payload = <base64ct::Base64UrlUnpadded as base64ct::Encoding>::decode_vec(payload);
        let claims: serde_json::Value =
            serde_json::from_slice(&payload.expect("base64url")).expect("JSON");
        let issued = claims["iat"].as_u64().expect("a time");
        assert!((time..time + 60).contains(&issued), "{issued} at {time}");
        assert!(response.header("date").is_some());
    }
}

#[test]
fn r40_a_board_without_a_clock_issues_nothing_until_a_server_tells_the_time() {
    let open = Arc::new(AtomicBool::new(false));
    let opened = Arc::clone(&open);
    let server = Server::start(move |_, question| match opened.load(Ordering::SeqCst) {
        true => vec![question.answer(START + 1000)],
        false => vec![],
    });
    let mut board = server.board(None);
    board.wait_for(SOON, "sntp_failed");
    board.refuses();
    open.store(true, Ordering::SeqCst);
    board.wait_for(AFTER_ONE, "clock_set");
    board.issues_at(START + 1000);
    assert_eq!(server.asked(), 2);
    let log = board.log();
    assert!(log.contains("rtc_failed"), "{log}");
    assert!(log.contains("sntp_failed\" cause=Silent"), "{log}");
}

/// Each is told to the log and changes nothing; the next answer, which is right,
/// sets the clock.
#[test]
fn r40_answers_that_are_not_to_be_believed() {
    type First = fn(&Question) -> Vec<Vec<u8>>;
    let cases: &[(&str, First)] = &[
        ("time_refused\" cause=TooLate time=4070908800", |question| {
            vec![question.answer(4_070_908_800)]
        }),
        ("time_refused\" cause=TooEarly time=0", |question| {
            vec![question.answer(0)]
        }),
        ("sntp_failed\" cause=Foreign", |question| {
            vec![question.with(24, &[0; 8])]
        }),
        ("sntp_failed\" cause=Foreign", |question| {
            vec![question.answer(START)[..47].to_vec()]
        }),
        ("sntp_failed\" cause=Unsynchronised", |question| {
            vec![question.with(0, &[0xE4])]
        }),
        ("sntp_failed\" cause=Unsynchronised", |question| {
            vec![question.with(1, &[16])]
        }),
        ("sntp_failed\" cause=Unsynchronised", |question| {
            vec![question.kiss(b"STEP")]
        }),
    ];
    std::thread::scope(|scope| {
        for (line, first) in cases {
            scope.spawn(|| {
                let first = *first;
                let server = Server::start(move |number, question| match number {
                    0 => first(question),
                    _ => vec![question.answer(START + 5000)],
                });
                let mut board = server.board(None);
                board.wait_for(SOON, line);
                board.refuses();
                board.wait_for(AFTER_ONE, "clock_set");
                board.issues_at(START + 5000);
            });
        }
    });
}

/// It has all octets of the question: somebody on the way, who does not send it
/// from the server's port.
#[test]
fn an_answer_from_another_port_is_none() {
    let elsewhere = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let server = Server::start_with(Box::new(move |number, question, from| {
        let answer = question.answer(START + 7 + number as u64);
        match number {
            0 => {
                let _gone = elsewhere.send_to(&answer, from);
                vec![]
            }
            _ => vec![answer],
        }
    }));
    let mut board = server.board(None);
    board.wait_for(SOON, "sntp_failed\" cause=Foreign");
    board.refuses();
    board.wait_for(AFTER_ONE, "clock_set");
    board.issues_at(START + 8);
}

/// Whoever does not see the question can not keep its answer out.
#[test]
fn a_forged_answer_before_the_servers_is_passed_over() {
    let server = Server::start(|_, question| {
        let forged = question.with(24, &[0xFF; 8]);
        vec![
            forged.clone(),
            question.kiss(b"DENY")[..40].to_vec(),
            forged,
            question.answer(START + 7),
        ]
    });
    let mut board = server.board(None);
    board.wait_for(SOON, "clock_set");
    board.issues_at(START + 7);
    assert_eq!(server.asked(), 1);
}

#[test]
fn a_server_that_denies_is_not_asked_again() {
    let server = Server::start(|_, question| vec![question.kiss(b"DENY")]);
    let mut board = server.board(None);
    board.wait_for(SOON, "sntp_failed\" cause=Denied");
    std::thread::sleep(AFTER_ONE);
    assert_eq!(server.asked(), 1);
    board.refuses();
}

/// The real-time clock has no battery's time; a server's is put there.
#[test]
fn a_real_time_clock_that_is_wrong_is_set() {
    let server = Server::start(|_, question| vec![question.answer(START + 7200)]);
    let mut board = server.board(Some(START + 3600));
    board.wait_for(SOON, "clock_forward\" seconds=3");
    board.issues_at(START + 7200);
    board.wait_for(AFTER_A_MINUTE, "rtc_set");
    let log = board.log();
    assert!(!log.contains("clock_back"), "{log}");
    assert!(!log.contains("time_refused"), "{log}");
}

/// One spoofed answer does not end a device that has the time: neither from 2099
/// nor from 1970.
#[test]
fn r40_a_board_with_a_clock_is_moved_by_no_more_than_a_day() {
    std::thread::scope(|scope| {
        for (time, cause) in [
            (START + 3 * DAY, "Jump"),
            (4_070_908_800, "TooLate"),
            (0, "TooEarly"),
        ] {
            scope.spawn(move || {
                let server = Server::start(move |_, question| vec![question.answer(time)]);
                let mut board = server.board(Some(START));
                board.wait_for(SOON, &format!("time_refused\" cause={cause} time={time}"));
                board.issues_at(START);
            });
        }
    });
}

/// The server is silent at first, so the board goes by its real-time clock, which
/// is fast. What is granted then is ahead of the time that the server tells.
#[test]
fn r40_a_clock_that_goes_back_issues_nothing_until_the_time_has_come() {
    const FAST: u64 = 50;
    let begun = Instant::now();
    let right = move || START + begun.elapsed().as_secs();
    let server = Server::start(move |number, question| match number {
        0 => vec![],
        _ => vec![question.answer(right())],
    });
    let image = server.image(teen_quotes());
    let mut board = Watched::start(image, Some(START + FAST));
    board.wait_for(SOON, "sntp_failed");
    let (id, secret) = QUOTES;
    let ask = |board: &Watched, form: &str| {
        let form = format!("client_id={id}&client_secret={secret}&{form}");
        Wire::open(board.address()).ask(&post("/oauth", None, &form))
    };
    let granted = ask(&board, "grant_type=client_credentials");
    assert_eq!(granted.status, 200, "{}", granted.pretty());
    board.wait_for(AFTER_ONE, "clock_back\" seconds=");
    let form = refresh_form(&granted);
    for form in ["grant_type=client_credentials", &form] {
        let refused = ask(&board, form);
        // Teen Quotes' only status for errors.
        let expected = (400, "temporarily_unavailable".to_owned());
        assert_eq!(refused.outcome(), expected, "{}", board.log());
        assert!(refused.header("retry-after").is_some());
    }
    board.wait_for(SOON, "the clock went back");
    // It catches up with what was granted, and nothing was revoked.
    let deadline = Instant::now() + Duration::from_secs(FAST + 10);
    let refreshed = loop {
        let response = ask(&board, &form);
        if response.status == 200 {
            break response;
        }
        assert!(Instant::now() < deadline, "{}", response.pretty());
        std::thread::sleep(Duration::from_secs(1));
    };
    assert_ne!(
        refreshed.member("refresh_token"),
        granted.member("refresh_token")
    );
    assert!(!board.log().contains("revoked"), "{}", board.log());
}

/// A restart trusts its real-time clock anew: within the life of its image.
#[test]
fn r40_a_real_time_clock_across_a_restart() {
    let image = image(&standard().whole());
    let start = |clock| Watched::start(image.clone(), Some(clock));
    start(START + 100 * DAY).issues_at(START + 100 * DAY);
    start(START + 400 * DAY).issues_at(START + 400 * DAY);
    // Earlier than before, and later than the image.
    start(START + 2 * DAY).issues_at(START + 2 * DAY);
    for (clock, cause) in [
        (START - 2 * DAY, "TooEarly"),
        (START + 4000 * DAY, "TooLate"),
    ] {
        let mut board = start(clock);
        board.wait_for(SOON, &format!("time_refused\" cause={cause}"));
        board.refuses();
    }
}
