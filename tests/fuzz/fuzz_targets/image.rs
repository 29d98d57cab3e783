//! Any octets as the body of a provisioning image with a good checksum: it is
//! refused, or all that it says can be read, and the core says of it as a
//! configuration what it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smallgate_core::codec::crc::crc32;
use smallgate_core::jose::Verifier;
use smallgate_core::oauth::AuthorizationServer;
use smallgate_firmware::image::{Image, Lists, ReadyKey, Software};

fuzz_target!(|body: &[u8]| {
    let octets = sealed(body);
    let Ok(image) = Image::open(&octets) else {
        return;
    };
    // What stands behind it, such as the rest of a sector, changes nothing.
    let longer = [&octets, &[0xFF; 64][..]].concat();
    let again = Image::open(&longer).expect("it was whole before");
    assert_eq!(again.made_at(), image.made_at());

    let devices = image.devices().count();
    assert_eq!(again.devices().count(), devices);
    let _read = (
        image.throttle(),
        image.timeouts(),
        image.time_server(),
        image.network(),
    );
    for proxy in image.trusted_proxies() {
        let _either = proxy.contains([192, 0, 2, 1].into());
    }
    let keys: Vec<ReadyKey<Software>> = std::iter::once(image.signing_key())
        .chain(image.retired_keys())
        .filter_map(|key| key.ready().ok())
        .collect();
    let verifiers: Vec<&dyn Verifier> = keys.iter().map(ReadyKey::verifier).collect();
    let Some(signer) = keys.first().and_then(ReadyKey::signer) else {
        return;
    };
    let mut scopes = heapless::Vec::<_, 64>::new();
    let mut uris = heapless::Vec::<_, 512>::new();
    let mut clients = heapless::Vec::<_, 256>::new();
    let mut users = heapless::Vec::<_, 256>::new();
    let scopes = image.fill_scopes(&mut scopes).expect("there is room");
    image.fill_redirect_uris(&mut uris).expect("there is room");
    image
        .fill_clients(&uris, &mut clients)
        .expect("there is room");
    image.fill_users(&mut users).expect("there is room");
    assert_eq!(clients.len(), image.clients().count());
    let _said = AuthorizationServer::new(image.configuration(Lists {
        scopes,
        clients: &clients,
        users: &users,
        signer,
        verifiers: &verifiers,
    }));
});

/// The body with the header and the checksum that it would have.
fn sealed(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + body.len() + 4).expect("short");
    let mut octets = b"SGATEIMG\x02\0\0\0".to_vec();
    octets.extend(length.to_le_bytes());
    octets.extend(body);
    octets.extend(crc32(&octets).to_le_bytes());
    octets
}
