//! Clients of a server that is killed, and what they hold.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::flow::{
    ASK_S256, PASSWORD, Pairs, REDIRECT, USERNAME, VERIFIER, encode, hidden, query, redemption,
    refreshing,
};
use crate::simulator::{Temporary, binary};

/// Clients that a configuration has.
pub const CLIENTS: usize = 8;
const SECRET: &str = "a-secret-of-enough-length-for-anybody";

/// A folder that goes with what is in it.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// A configuration and a store for a simulator, which go with this.
pub struct Load {
    folder: Folder,
    configuration: Temporary,
    store: String,
}

impl Load {
    /// A configuration with keys, and no store yet.
    ///
    /// # Panics
    ///
    /// There is no room for it.
    #[must_use]
    pub fn new() -> Self {
        Self::with("")
    }

    /// One whose clients are given time longer than a machine stands still: what
    /// they have is good until it is used.
    pub(super) fn patient() -> Self {
        Self::with("[lifetimes]\ncode = 600\ngrace = 300\n")
    }

    fn with(tables: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "smallgate-load-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = Folder(std::env::temp_dir().join(name));
        std::fs::create_dir_all(&folder.0).expect("a folder");
        Load {
            store: format!("file:{}", folder.0.join("grants.flash").display()),
            configuration: Temporary::new(&configuration("", tables)),
            folder,
        }
    }

    /// What a simulator is started with.
    #[must_use]
    pub fn arguments(&self) -> [&str; 4] {
        [
            "--config",
            self.configuration.path(),
            "--store",
            &self.store,
        ]
    }

    /// The file of the store.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.folder.0.join("grants.flash")
    }
}

impl Default for Load {
    fn default() -> Self {
        Self::new()
    }
}

/// A client of [`Load`]'s configuration.
#[derive(Clone, Copy, Debug)]
pub struct Client(usize);

impl Client {
    /// One of eight, each with grants of its own.
    ///
    /// # Panics
    ///
    /// There are no more.
    #[must_use]
    pub fn new(number: usize) -> Self {
        assert!(number < CLIENTS, "{number}");
        Client(number)
    }

    /// A code, which the user gave.
    ///
    /// # Panics
    ///
    /// The server does not give one.
    #[must_use]
    pub fn code(self, address: SocketAddr) -> String {
        // What is 503 elsewhere is a redirection here.
        let is_to_come_back = |answer: &Answer| {
            let location = answer.field("location").unwrap_or_default();
            location.contains("error=temporarily_unavailable")
        };
        let answer = insist(|| self.approved(address).filter(|it| !is_to_come_back(it)));
        let location = answer.field("location");
        let location = query(location.unwrap_or_else(|| panic!("{answer:?}")));
        let code = location.into_iter().find(|(name, _)| name == "code");
        code.unwrap_or_else(|| panic!("{answer:?}")).1
    }

    /// What the user's approval is answered with, or that there is a form to
    /// approve in; nothing if no whole answer comes.
    #[must_use]
    pub fn approved(self, address: SocketAddr) -> Option<Answer> {
        let id = self.id();
        let asked = [ASK_S256, &[("response_type", "code"), ("client_id", &id)]].concat();
        let target = format!("/oauth/authorize?{}", encode(&asked));
        let page = Answer::to(address, &format!("GET {target} HTTP/1.1\r\n{END}"))?;
        if page.status != 200 {
            return Some(page);
        }
        let fields = hidden(&page.body);
        let mut pairs: Vec<_> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        pairs.extend([
            ("username", USERNAME),
            ("password", PASSWORD),
            ("decision", "approve"),
        ]);
        post(address, "/oauth/authorize", &pairs)
    }

    /// What the request for a token of the client's own is answered with; nothing
    /// if no whole answer comes.
    #[must_use]
    pub fn own(self, address: SocketAddr) -> Option<Answer> {
        let pairs = [("grant_type", "client_credentials")];
        self.post(address, "/oauth/token", &pairs)
    }

    /// What a code is answered with; nothing if no whole answer comes.
    #[must_use]
    pub fn redeem(self, address: SocketAddr, code: &str) -> Option<Answer> {
        let pairs = [&redemption(code)[..], &[("code_verifier", VERIFIER)]].concat();
        self.post(address, "/oauth/token", &pairs)
    }

    /// What a refresh token is answered with; nothing if no whole answer comes.
    #[must_use]
    pub fn refresh(self, address: SocketAddr, token: &str) -> Option<Answer> {
        self.post(address, "/oauth/token", &refreshing(token))
    }

    /// The same as octets to be sent.
    #[must_use]
    pub fn refresh_request(self, token: &str) -> String {
        request(
            "/oauth/token",
            &encode(&self.known_by(&refreshing(token), &self.id())),
        )
    }

    /// What asking for a token's end is answered with (RFC 7009).
    #[must_use]
    pub fn revoke(self, address: SocketAddr, token: &str) -> Option<Answer> {
        self.post(address, "/oauth/revoke", &[("token", token)])
    }

    /// Whether a token is good, as the server says (RFC 7662).
    ///
    /// # Panics
    ///
    /// The server does not say it.
    #[must_use]
    pub fn is_active(self, address: SocketAddr, token: &str) -> bool {
        let pairs = [("token", token)];
        let answer = insist(|| self.post(address, "/oauth/introspect", &pairs));
        match answer.body.as_str() {
            r#"{"active":false}"# => false,
            body if body.starts_with(r#"{"active":true,"#) => true,
            body => panic!("{body}"),
        }
    }

    /// Asks until there is another answer than 503, which says to come back.
    ///
    /// # Panics
    ///
    /// There is none.
    #[must_use]
    pub fn insist(
        self,
        address: SocketAddr,
        ask: impl Fn(Self, SocketAddr) -> Option<Answer>,
    ) -> Answer {
        insist(|| ask(self, address))
    }

    /// A new grant's first refresh token.
    ///
    /// # Panics
    ///
    /// It is not given.
    #[must_use]
    pub fn first_token(self, address: SocketAddr) -> String {
        let code = self.code(address);
        let answer = insist(|| self.redeem(address, &code));
        answer.refresh_token().expect("it is good")
    }

    fn id(self) -> String {
        format!("client-{}", self.0)
    }

    fn known_by<'p>(self, pairs: Pairs<'p>, id: &'p str) -> Vec<(&'p str, &'p str)> {
        [pairs, &[("client_id", id), ("client_secret", SECRET)]].concat()
    }

    fn post(self, address: SocketAddr, path: &str, pairs: Pairs<'_>) -> Option<Answer> {
        post(address, path, &self.known_by(pairs, &self.id()))
    }
}

/// Asks until there is another answer than 503, which says to come back.
///
/// # Panics
///
/// There is none.
pub(super) fn insist(ask: impl Fn() -> Option<Answer>) -> Answer {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match ask() {
            Some(answer) if answer.status != 503 => return answer,
            other => assert!(Instant::now() < deadline, "{other:?}"),
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    head: String,
    /// Its body.
    pub body: String,
}

impl Answer {
    /// On a connection of its own; nothing if no whole answer comes.
    fn to(address: SocketAddr, request: &str) -> Option<Self> {
        let mut stream = TcpStream::connect(address).ok()?;
        let patience = Some(Duration::from_secs(10));
        stream.set_read_timeout(patience).ok()?;
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let answer = Answer {
            status: head.split(' ').nth(1)?.parse().ok()?,
            head: head.to_owned(),
            body: body.to_owned(),
        };
        let length = answer.field("content-length")?.parse();
        (length == Ok(body.len())).then_some(answer)
    }

    /// A field of its head.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The refresh token in it, if there is one.
    #[must_use]
    pub fn refresh_token(&self) -> Option<String> {
        let body: serde_json::Value = serde_json::from_str(&self.body).ok()?;
        body["refresh_token"].as_str().map(str::to_owned)
    }
}

fn post(address: SocketAddr, path: &str, pairs: Pairs<'_>) -> Option<Answer> {
    Answer::to(address, &request(path, &encode(pairs)))
}

/// The last fields of a head without a body.
const END: &str = "Host: localhost\r\nConnection: close\r\n\r\n";

fn request(path: &str, form: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )
}

/// A configuration with keys and [`CLIENTS`] clients, with more lines above its
/// tables, and more tables.
///
/// # Panics
///
/// No keys are made.
#[must_use]
pub fn configuration(head: &str, tables: &str) -> String {
    let made = |kind: &str| {
        let key = Command::new(binary()).args(["key", "new", kind]).output();
        String::from_utf8(key.expect("smallgate makes keys").stdout).expect("text")
    };
    let (signing, handle) = (made("hs256"), made("handle"));
    let clients = (0..CLIENTS).map(|number| {
        format!(
            "[[client]]\nid = \"client-{number}\"\nsecret = \"{SECRET}\"\n\
             grants = [\"authorization_code\", \"refresh_token\", \"client_credentials\"]\n\
             redirect_uris = [\"{REDIRECT}\"]\n"
        )
    });
    format!(
        "profile = \"standard\"\nissuer = \"https://as.example\"\ndemo = true\n\
         scopes = [\"read\", \"write\"]\n{head}\n{tables}[keys]\nsigning = '''{}'''\n{handle}\n{}\
         [[user]]\nusername = \"{USERNAME}\"\nsub = \"94173\"\npassword = \"{PASSWORD}\"\n",
        signing.trim(),
        clients.collect::<String>(),
    )
}
