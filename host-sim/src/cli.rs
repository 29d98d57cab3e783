//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use smallgate_core::jose::Algorithm;
use smallgate_core::oauth::Client;
use smallgate_core::profile::{self, GrantType, Profile};

use crate::clock::HostClock;
use crate::config::{self, Document};
use crate::generation::Source;
use crate::provision::{Provision, missing, slow_log_in};
use crate::region::Region;
use crate::serve::Plan;
use crate::{credentials, keys, log, serve, store, tokens};

/// Runs what the command line asks for.
pub(crate) fn run() -> Result<(), String> {
    let arguments = Arguments::parse();
    match arguments.command.unwrap_or(Command::Serve(arguments.serve)) {
        Command::Serve(serve) => serve.run(),
        Command::Provision(provision) => provision.run(),
        Command::Key(command) => command.run(),
        Command::Secret(SecretCommand::New) => {
            let (secret, line) = credentials::new_secret()?;
            eprintln!("the secret, for the client; it is shown here alone:");
            println!("{secret}");
            eprintln!("its hash, for the client's table in the configuration:");
            println!("{line}");
            Ok(())
        }
        Command::User(command) => command.run(),
        Command::Token(command) => command.run(),
        Command::Store(StoreCommand::Show(show)) => show.run(),
        Command::Config(ConfigCommand::Check { file }) => check(&file),
        Command::Config(ConfigCommand::Example { board: false }) => {
            print!("{}", config::EXAMPLE);
            Ok(())
        }
        Command::Config(ConfigCommand::Example { board: true }) => example_for_board(),
    }
}

/// A strict OAuth 2.0 server, as it runs on microcontrollers, on a desktop.
///
/// Without a subcommand it serves; without --config it serves a demonstration,
/// and prints curl lines to try it with.
#[derive(Parser)]
#[command(
    name = "smallgate",
    version,
    args_conflicts_with_subcommands = true,
    after_help = EXAMPLES
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

/// What one does first, below the help.
const EXAMPLES: &str = "\
Examples:
  smallgate                                  a demonstration, and curl lines to try it with
  smallgate --profile breakout --listen 127.0.0.1:0
  smallgate --clock 2026-01-01T00:00:00Z     the clock stands until /sim/clock moves it
  smallgate config example > gateway.toml && smallgate config check gateway.toml
  smallgate --config gateway.toml --store file:grants.bin --log json";

#[derive(Subcommand)]
enum Command {
    /// Serve token requests (the default)
    #[command(after_help = EXAMPLES)]
    Serve(Serve),
    /// Pack a configuration into an image that boards read from their flash
    Provision(Provision),
    /// Make keys, and show the public part of one
    #[command(subcommand)]
    Key(KeyCommand),
    /// Make client secrets
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Make users
    #[command(subcommand)]
    User(UserCommand),
    /// Issue, verify and look into tokens without a server
    #[command(subcommand)]
    Token(tokens::TokenCommand),
    /// Look into a store
    #[command(subcommand)]
    Store(StoreCommand),
    /// Check a configuration file, or print one with everything in it
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Args)]
struct Serve {
    /// A configuration, such as `smallgate config example` prints; without one
    /// a demonstration runs
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    /// An image that `smallgate provision` made, instead of a configuration
    #[arg(long, value_name = "FILE.bin", conflicts_with_all = ["config", "profile"])]
    image: Option<PathBuf>,
    /// The service to behave like: standard, drillster, teen-quotes, dressipi
    /// or breakout. It picks the demonstration, and is for a configuration that
    /// names no profile; one that names another is refused [default: standard]
    #[arg(long, value_name = "NAME", value_parser = profile_named)]
    profile: Option<&'static Profile>,
    /// The address to listen on; port 0 picks a free one [default: the
    /// configuration's, or 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Where grants are kept: `memory`, 65,536 of them, gone with the process;
    /// or `file:PATH`, a simulated flash chip, as boards have it, which outlives
    /// the process; or `nats://HOST:PORT,HOST:PORT/BUCKET`, servers with JetStream,
    /// where several gateways keep them together (how: `[store]` of the
    /// configuration). The latter two need configured keys
    #[arg(
        long,
        value_name = "memory|file:PATH|nats://HOST:PORT,…",
        default_value = "memory"
    )]
    store: String,
    #[command(flatten)]
    geometry: store::Geometry,
    /// `real`, or a time such as 2026-01-01T00:00:00Z at which the clock stands
    /// still, or `unset`. A clock that is not real is moved by POST /sim/clock
    /// with {"advance":"1h"}, {"set":"2026-01-01T00:00:00Z"} or {"unset":true}
    #[arg(long, value_name = "real|TIME|unset", default_value = "real")]
    clock: String,
    /// The form of the log on standard error
    #[arg(long, value_enum, default_value_t = log::Format::Text)]
    log: log::Format,
    /// How much is logged
    #[arg(long, value_enum, default_value_t = log::Level::Info)]
    log_level: log::Level,
}

impl Serve {
    fn run(self) -> Result<(), String> {
        log::start(self.log, self.log_level);
        let store = store::Place::parse(&self.store, self.geometry)
            .map_err(|error| format!("--store: {error}"))?;
        serve::serve(Plan {
            from: match (self.config, self.image) {
                (_, Some(image)) => Source::Image(image),
                (Some(config), None) => Source::File(config),
                (None, None) => Source::Demonstration,
            },
            profile: self.profile,
            listen: self.listen,
            clock: HostClock::from_argument(&self.clock)
                .map_err(|error| format!("--clock: {error}"))?,
            store,
        })
    }
}

/// Reads a profile's name.
pub(crate) fn profile_named(name: &str) -> Result<&'static Profile, String> {
    profile::named(name).ok_or_else(|| {
        let known: Vec<_> = profile::ALL.iter().map(|known| known.name).collect();
        format!("use one of {}", known.join(", "))
    })
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Make a key and print it: a private JWK, or the line `handle = …`
    New {
        /// es256 and hs256 sign tokens: a JWK, which stands in [keys] between
        /// the quotes of signing = '''…''', or in a file for "file:PATH".
        /// handle is behind codes and refresh tokens: a whole line for [keys]
        #[arg(value_enum)]
        kind: KeyKind,
    },
    /// Print the public part of a key, for who verifies tokens
    Public {
        /// The private JWK, or @FILE
        #[arg(value_name = "JWK|@FILE")]
        key: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum KeyKind {
    Es256,
    Hs256,
    Handle,
}

impl KeyCommand {
    fn run(self) -> Result<(), String> {
        let line = match self {
            KeyCommand::New { kind } => kind.make()?,
            KeyCommand::Public { key } => keys::print_public(&keys::argument(&key, keys::parse)?)?,
        };
        println!("{line}");
        Ok(())
    }
}

impl KeyKind {
    /// Makes one, and says on standard error where it goes: what is on standard
    /// output can be read by a program.
    fn make(self) -> Result<String, String> {
        let algorithm = match self {
            KeyKind::Es256 => Algorithm::Es256,
            KeyKind::Hs256 => Algorithm::Hs256,
            KeyKind::Handle => {
                eprintln!("a line for [keys] of the configuration:");
                let key = credentials::base64url(&credentials::random::<32>()?);
                return Ok(format!("handle = \"{key}\""));
            }
        };
        eprintln!(
            "for [keys] of the configuration: signing = '''JWK''' with this in the place of JWK, or signing = \"file:PATH\" with this in a file:"
        );
        keys::print_private(&keys::make(algorithm)?)
    }
}

#[derive(Subcommand)]
enum SecretCommand {
    /// Print a new secret for a client, and below it the line for its
    /// [[client]] table
    New,
}

#[derive(Subcommand)]
enum UserCommand {
    /// Ask for a password and print a [[user]] table
    New {
        /// The name to log in with
        #[arg(long)]
        username: String,
        /// The `sub` of the user's tokens, which never changes [default: random]
        #[arg(long)]
        sub: Option<String>,
        /// Iterations of PBKDF2. The fewest are 10000, which take a Cortex-M4
        /// at 100 MHz about a second; a board takes more too, and
        /// proportionally longer
        #[arg(long, default_value_t = 600_000, value_parser = clap::value_parser!(u32).range(i64::from(credentials::FEWEST_ITERATIONS)..=100_000_000))]
        iterations: u32,
    },
}

impl UserCommand {
    fn run(self) -> Result<(), String> {
        let UserCommand::New {
            username,
            sub,
            iterations,
        } = self;
        let sub = match sub {
            Some(sub) => sub,
            None => credentials::base64url(&credentials::random::<9>()?),
        };
        let password = credentials::ask_password()?;
        let hash = credentials::hash_password(&password, iterations)?;
        println!("[[user]]");
        println!("username = {}", toml::Value::from(username));
        println!("sub = {}", toml::Value::from(sub));
        println!("password = \"{}\"", credentials::print_password(&hash));
        Ok(())
    }
}

#[derive(Subcommand)]
enum StoreCommand {
    /// Print the grants in it without anything secret, how full it is, and how worn
    Show(store::Show),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Say whether a file is good, and what is wrong with it in which line
    Check {
        /// The file
        #[arg(value_name = "FILE.toml")]
        file: PathBuf,
    },
    /// Print a file with every key there is, explained
    Example {
        /// A short one instead that goes into a board as it is, with keys and a
        /// client made for it; the client's secret is on standard error
        #[arg(long)]
        board: bool,
    },
}

/// Prints a file that needs no further step, and must be kept from others.
fn example_for_board() -> Result<(), String> {
    let signing = keys::print_private(&keys::make(Algorithm::Es256)?)?;
    let handle = credentials::base64url(&credentials::random::<32>()?);
    let (secret, line) = credentials::new_secret()?;
    print!(
        "# For a board. It holds keys: chmod 600 it. `smallgate config example` explains\n\
         # every key there is.\n\
         profile = \"standard\"\n\
         # The URL that clients know the board by.\n\
         issuer = \"http://127.0.0.1:8080\"\n\
         \n\
         [keys]\n\
         signing = '''{signing}'''\n\
         handle = \"{handle}\"\n\
         \n\
         [[client]]\n\
         id = \"gateway\"\n\
         {line}\n\
         grants = [\"client_credentials\"]\n\
         \n\
         # For people: the lines of `smallgate user new --username alice --iterations 10000`,\n\
         # and a client with \"authorization_code\".\n"
    );
    eprintln!("the secret of the client `gateway`, which is shown here alone: {secret}");
    Ok(())
}

/// Whether people get tokens by way of this client.
fn logs_people_in(client: &Client<'_>) -> bool {
    let has = |grant| client.grant_types.contains(grant);
    has(GrantType::Password)
        || has(GrantType::AuthorizationCode) && !client.redirect_uris.is_empty()
}

fn check(file: &std::path::Path) -> Result<(), String> {
    let document = Document::read(file).map_err(|error| error.to_string())?;
    let settings = document
        .server_settings()
        .map_err(|error| error.to_string())?;
    document
        .store_settings()
        .map_err(|error| error.to_string())?;
    let (region, made) = (Region::default(), keys::Made::default());
    let built = document
        .build(&region, &made, None, "http://127.0.0.1:8080")
        .map_err(|error| error.to_string())?;
    let configuration = built.server.configuration();
    println!(
        "{}: good. Profile {}, {} clients, {} users, {}",
        file.display(),
        configuration.profile.name,
        configuration.clients.len(),
        configuration.users.len(),
        configuration.signer.algorithm(),
    );
    let notes = [
        (built.notes.demo, "demo = true: guessable secrets pass"),
        (
            built.notes.signing_key_made,
            "no signing key: each start makes one",
        ),
        (
            built.notes.handle_key_made,
            "no handle key: each start makes one",
        ),
        (
            built.notes.issuer_assumed,
            "no issuer: it will be the address listened on",
        ),
        (
            !configuration.users.is_empty() && !configuration.clients.iter().any(logs_people_in),
            "nobody can log in: no client has the grant authorization_code with redirect_uris, or password",
        ),
    ];
    for (_, note) in notes.iter().filter(|(applies, _)| *applies) {
        println!("note: {note}");
    }
    let tls = settings.tls.as_ref();
    let exposed = tls.and_then(|tls| tls.exposed.as_ref());
    for path in built.notes.exposed_keys.iter().chain(exposed) {
        println!(
            "note: the key file {} is open to others: chmod 600 it",
            path.display()
        );
    }
    // What is missing is noted above.
    if let Err(error) = document.suits_a_board() {
        println!("note: `smallgate provision` refuses it for a board: {error}");
    } else if missing(&built.notes).next().is_some() {
        println!("note: `smallgate provision` refuses it for a board until that is in the file");
    } else {
        for user in configuration.users {
            if let Some(note) = slow_log_in(user) {
                println!("note: on a board: {note}");
            }
        }
    }
    Ok(())
}
