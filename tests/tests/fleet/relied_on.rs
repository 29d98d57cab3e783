//! What the store relies on, of the server that is installed.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;
use async_nats::jetstream::context::{Context, PublishErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RawMessageErrorKind, Stream};
use async_nats::{HeaderMap, HeaderValue, ServerAddr};
use smallgate_tests::fleet::Servers;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Compare-and-swap of a key; the new revision, or why not.
async fn swap(context: &Context, key: &str, seen: u64) -> Result<u64, PublishErrorKind> {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, HeaderValue::from(seen));
    let subject = format!("$KV.test.{key}");
    let sent = context.publish_with_headers(subject, headers, "value".into());
    match sent.await.expect("it is sent").await {
        Ok(done) => Ok(done.sequence),
        Err(error) => Err(error.kind()),
    }
}

fn config(replicas: usize, keys: i64) -> Config {
    Config {
        name: "KV_test".to_owned(),
        subjects: vec!["$KV.test.>".to_owned()],
        max_messages: keys,
        max_messages_per_subject: 1,
        discard: DiscardPolicy::New,
        num_replicas: replicas,
        allow_direct: false,
        ..Config::default()
    }
}

/// The stream, as soon as the servers have it, within a minute. One that has just
/// elected its leader may leave the question without an answer; to ask again makes
/// no second stream.
async fn stream(context: &Context, config: Config) -> Stream {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match context.create_stream(config.clone()).await {
            Ok(stream) => return stream,
            Err(error) => assert!(Instant::now() < deadline, "no stream in a minute: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn tried(servers: &Servers, replicas: usize) {
    let address = |address: &SocketAddr| format!("nats://{address}").parse::<ServerAddr>();
    let addresses: Result<Vec<_>, _> = servers.addresses().iter().map(address).collect();
    let client = async_nats::connect(addresses.expect("addresses")).await;
    let context = async_nats::jetstream::new(client.expect("it lets us in"));
    let stream = stream(&context, config(replicas, 2)).await;
    let first = swap(&context, "a", 0).await.expect("it is new");
    assert_eq!(
        swap(&context, "a", 0).await,
        Err(PublishErrorKind::WrongLastSequence)
    );
    let other = swap(&context, "b", 0).await.expect("it is new");
    assert_eq!(
        swap(&context, "a", other).await,
        Err(PublishErrorKind::WrongLastSequence)
    );
    // Full: no more keys, and those that are there are still written.
    assert_eq!(swap(&context, "c", 0).await, Err(PublishErrorKind::Other));
    let second = swap(&context, "a", first).await.expect("it is the newest");
    let read = stream.get_last_raw_message_by_subject("$KV.test.a").await;
    assert_eq!(read.expect("it is there").sequence, second);
    let absent = stream.get_last_raw_message_by_subject("$KV.test.c").await;
    let absent = absent.expect_err("it is not there").kind();
    assert_eq!(absent, RawMessageErrorKind::NoMessageFound);
}

#[test]
fn swaps_of_a_revision_that_is_not_the_newest_are_refused() {
    runtime().block_on(async {
        tried(&Servers::start(1), 1).await;
        tried(&Servers::start(3), 3).await;
    });
}

/// How many of six claims at once to one subject are the first, each on a connection
/// of its own: of `ROUNDS` subjects.
async fn winners(servers: &Servers, replicas: usize) -> Vec<usize> {
    const ROUNDS: usize = 200;
    let mut streams = Vec::new();
    for address in servers.addresses().iter().cycle().take(6) {
        let client = async_nats::connect(format!("nats://{address}")).await;
        let context = async_nats::jetstream::new(client.expect("it lets us in"));
        let config = Config {
            name: "CLAIMS_test".to_owned(),
            subjects: vec!["claims.>".to_owned()],
            num_replicas: replicas,
            allow_direct: false,
            ..Config::default()
        };
        let stream = stream(&context, config).await;
        streams.push((context, stream));
    }
    let mut winners = Vec::new();
    for round in 0..ROUNDS {
        let claims: Vec<_> = streams
            .iter()
            .map(|(context, stream)| {
                let (context, stream) = (context.clone(), stream.clone());
                tokio::spawn(async move {
                    let subject = format!("claims.{round}");
                    let sent = context.publish(subject.clone(), "claim".into()).await;
                    let mine = sent.expect("it is sent").await.expect("it is taken");
                    let first = stream.get_first_raw_message_by_subject(&subject, 1).await;
                    first.expect("there is one").sequence == mine.sequence
                })
            })
            .collect();
        let mut won = 0;
        for claim in claims {
            won += usize::from(claim.await.expect("no panic"));
        }
        winners.push(won);
    }
    winners
}

/// Of swaps of one revision at once more than one passed, of 161 revisions out of
/// 300, on three servers of 2.9.10. So who swaps is agreed on first.
#[test]
fn one_of_several_claims_is_the_first() {
    runtime().block_on(async {
        for number in [1, 3] {
            let winners = winners(&Servers::start(number), number).await;
            let several = winners.iter().filter(|won| **won != 1).count();
            assert_eq!(several, 0, "{number} servers: {winners:?}");
        }
    });
}
