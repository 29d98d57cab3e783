//! `[server.tls]`: a chain of certificates and its key.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{DEFAULT_VERSIONS, Error, ServerConfig};
use toml::Spanned;
use zeroize::Zeroizing;

use super::fault::Fault;
use super::file::TlsTable;
use crate::keys::others_may_use;

/// What the gateway proves itself with.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    pub(crate) config: Arc<ServerConfig>,
    /// The key's file, if others than its owner may read or write it.
    pub(crate) exposed: Option<PathBuf>,
}

impl Tls {
    /// Reads both files; their paths start from `folder`.
    pub(super) fn read(table: &Spanned<TlsTable>, folder: &Path) -> Result<Self, Fault> {
        let TlsTable { certificate, key } = table.get_ref();
        let chain = octets(certificate, folder)?;
        let chain = CertificateDer::pem_slice_iter(&chain)
            .collect::<Result<Vec<_>, _>>()
            .ok()
            .filter(|chain| !chain.is_empty())
            .ok_or_else(|| {
                Fault::new(certificate, "the file holds no certificate in PEM").remedy(
                    "the server's own comes first, then those that signed it: a chain as ACME clients write it (fullchain.pem)",
                )
            })?;
        let private = PrivateKeyDer::from_pem_slice(&octets(key, folder)?).map_err(|_| {
            Fault::new(key, "the file holds no private key in PEM")
                .remedy("PKCS #8, SEC 1 or PKCS #1 without a passphrase, as ACME clients write it (privkey.pem)")
        })?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(DEFAULT_VERSIONS)
            .map(|builder| builder.with_no_client_auth())
            .and_then(|builder| builder.with_single_cert(chain, private))
            .map_err(|error| objection(table.get_ref(), &error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let path = folder.join(key.get_ref());
        Ok(Tls {
            config: Arc::new(config),
            exposed: others_may_use(&path).then_some(path),
        })
    }
}

/// What is in the file that `path` names.
fn octets(path: &Spanned<String>, folder: &Path) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let whole = folder.join(path.get_ref());
    std::fs::read(&whole).map(Zeroizing::new).map_err(|error| {
        Fault::new(path, format!("{} can not be read: {error}", whole.display()))
            .remedy("name a file in PEM that this process may read; the path starts at the folder of this file")
    })
}

fn objection(table: &TlsTable, error: &Error) -> Fault {
    match error {
        Error::InconsistentKeys(_) => Fault::new(
            &table.key,
            "the key is not that of the first certificate of the chain",
        )
        .remedy("name the key that the certificate was asked for with; the server's own certificate comes first"),
        Error::InvalidCertificate(_) => Fault::new(
            &table.certificate,
            format!("the first certificate can not be used: {error}"),
        )
        .remedy("ask for a new one: X.509 version 3"),
        other => Fault::new(&table.key, format!("the key can not be used: {other}"))
            .remedy("make one for ECDSA on P-256 or P-384, Ed25519, or RSA of 2048 bits or more"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::super::{ConfigError, Document, ServerSettings};
    use super::*;

    /// A folder with a certificate, its key and another one's.
    pub(in super::super) fn folder(name: &str) -> PathBuf {
        let name = format!("smallgate-tls-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let (own, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let params = CertificateParams::new(vec!["as.example".to_owned()]).unwrap();
        let certificate = params.self_signed(&own).unwrap();
        for (name, text) in [
            ("chain.pem", certificate.pem()),
            ("key.pem", own.serialize_pem()),
            ("other.pem", other.serialize_pem()),
            ("empty.pem", String::new()),
        ] {
            std::fs::write(folder.join(name), text).unwrap();
        }
        folder
    }

    fn settings(
        folder: &Path,
        certificate: &str,
        key: &str,
    ) -> Result<ServerSettings, ConfigError> {
        let text = format!("[server.tls]\n\ncertificate = '{certificate}'\nkey = '{key}'");
        Document::parse("test.toml".to_owned(), text, folder.to_owned())?.server_settings()
    }

    #[test]
    fn what_can_not_be_used_is_refused_by_its_line() {
        let folder = folder("faults");
        for (certificate, key, line, words) in [
            ("none.pem", "key.pem", 3, "none.pem can not be read"),
            ("empty.pem", "key.pem", 3, "holds no certificate"),
            ("key.pem", "key.pem", 3, "holds no certificate"),
            ("chain.pem", "none.pem", 4, "none.pem can not be read"),
            ("chain.pem", "chain.pem", 4, "holds no private key"),
            ("chain.pem", "other.pem", 4, "not that of the first"),
        ] {
            let error = settings(&folder, certificate, key).unwrap_err();
            assert_eq!(error.line(), Some(line), "{error}");
            let said = error.to_string();
            assert!(said.contains(words) && said.contains("remedy: "), "{said}");
        }
        let good = settings(&folder, "chain.pem", "key.pem").unwrap();
        assert_eq!(good.tls.unwrap().config.alpn_protocols, [b"http/1.1"]);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn r48_a_key_that_others_may_read_is_noted() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder("modes");
        let key = folder.join("key.pem");
        for (mode, exposed) in [(0o600, None), (0o640, Some(key.clone()))] {
            std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
            let tls = settings(&folder, "chain.pem", "key.pem").unwrap().tls;
            assert_eq!(tls.unwrap().exposed, exposed, "{mode:o}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}
