//! Certificates made for a test, and a client of TLS.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};
use smallgate_tests::command::Folder;
use smallgate_tests::simulator::Process;
use smallgate_tests::wire::{Request, uninterrupted};

/// How long a client waits for anything before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who signs certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        Authority {
            certificate: certificate.der().clone(),
            issuer: Issuer::new(params, key),
        }
    }

    /// Writes `chain.pem` and `key.pem` for 127.0.0.1 into `folder`.
    pub(crate) fn certify(&self, folder: &Folder) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        std::fs::write(folder.file("chain.pem"), certificate.pem()).expect("room");
        std::fs::write(folder.file("key.pem"), key.serialize_pem()).expect("room");
    }

    /// A connection of a client that trusts this authority alone.
    pub(crate) fn connect(
        &self,
        process: &Process,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Tls {
        let tcp = TcpStream::connect(process.address).expect("it listens");
        self.over(tcp, versions)
    }

    pub(crate) fn over(
        &self,
        tcp: TcpStream,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Tls {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).expect("a certificate");
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        tcp.set_read_timeout(Some(PATIENCE)).expect("a deadline");
        let name = ServerName::try_from("127.0.0.1").expect("a name");
        let connection = ClientConnection::new(Arc::new(config), name).expect("a connection");
        Tls(StreamOwned::new(connection, tcp))
    }
}

/// A connection over TLS.
pub(crate) struct Tls(pub(crate) StreamOwned<ClientConnection, TcpStream>);

impl Tls {
    /// Sends `request` as the last, and gives all that is answered.
    pub(crate) fn ask(&mut self, request: &Request) -> std::io::Result<String> {
        self.send(&request.clone().header("Connection", "close").octets())?;
        self.rest()
    }

    pub(crate) fn send(&mut self, octets: &[u8]) -> std::io::Result<()> {
        self.0.write_all(octets)?;
        self.0.flush()
    }

    /// Reads until the server says that it ends.
    pub(crate) fn rest(&mut self) -> std::io::Result<String> {
        let mut answer = String::new();
        self.0.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// Reads an answer whose head and body come whole.
    pub(crate) fn some(&mut self) -> String {
        let mut room = vec![0; 8192];
        let mut answer = Vec::new();
        loop {
            let length = uninterrupted(|| self.0.read(&mut room)).expect("an answer");
            assert!(length > 0, "it ended");
            answer.extend(&room[..length]);
            let text = String::from_utf8_lossy(&answer);
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let announced = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .and_then(|length| length.parse::<usize>().ok());
            if announced == Some(body.len()) {
                return text.into_owned();
            }
        }
    }
}
