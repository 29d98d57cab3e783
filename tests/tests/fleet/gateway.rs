//! One gateway, or two that know nothing of each other.

use smallgate_tests::fleet::{Fleet, Plan};
use smallgate_tests::powercut::{Answer, Client};

const ONE: Plan<'_> = Plan {
    gateways: 1,
    servers: 1,
    head: "",
    tables: "",
    clocks: &[],
};

fn token(answer: Option<Answer>) -> String {
    let token = answer.as_ref().and_then(Answer::refresh_token);
    token.unwrap_or_else(|| panic!("{answer:?}"))
}

fn status(answer: Option<Answer>) -> u16 {
    answer.expect("an answer").status
}

#[test]
fn a_grant_lives_in_a_bucket_as_it_does_elsewhere() {
    let fleet = Fleet::start(&ONE);
    let (client, address) = (Client::new(0), fleet.gateways[0].address);
    let code = client.code(address);
    let first = token(client.redeem(address, &code));
    let second = token(client.refresh(address, &first));
    // Its predecessor is in grace, and gets the same again.
    assert_eq!(token(client.refresh(address, &first)), second);
    assert!(client.is_active(address, &second));
    let third = token(client.refresh(address, &second));
    assert!(!client.is_active(address, &first));
    assert_eq!(status(client.revoke(address, &third)), 200);
    assert!(!client.is_active(address, &third));
    assert_eq!(status(client.refresh(address, &third)), 400);
    // A replay ends the grant.
    let code = client.code(address);
    let first = token(client.redeem(address, &code));
    assert_eq!(status(client.redeem(address, &code)), 400);
    assert_eq!(status(client.refresh(address, &first)), 400);
    // Two generations back is theft.
    let first = client.first_token(address);
    let second = token(client.refresh(address, &first));
    let third = token(client.refresh(address, &second));
    assert_eq!(status(client.refresh(address, &first)), 400);
    assert_eq!(status(client.refresh(address, &third)), 400);
}
