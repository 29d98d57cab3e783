//! Servers that are known by their certificates, and know the gateway by its own.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use smallgate_tests::command::{Folder, refused};
use smallgate_tests::fleet::Servers;
use smallgate_tests::powercut::{Client, configuration};
use smallgate_tests::simulator::{Process, Temporary};

/// Certificates of one authority, for the servers and for a gateway, in a folder.
struct Certificates(Folder);

impl Certificates {
    fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        let write = |name: &str, text: String| std::fs::write(folder.0.join(name), text).unwrap();
        let mut authority = CertificateParams::new([]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap());
        let authority = authority.unwrap();
        write("ca.pem", authority.pem());
        for (name, host) in [("server", "127.0.0.1"), ("gateway", "gateway.example")] {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new([host.to_owned()]).unwrap();
            let certificate = params.signed_by(&key, &authority).unwrap();
            write(&format!("{name}.pem"), certificate.pem());
            write(&format!("{name}.key"), key.serialize_pem());
        }
        Certificates(folder)
    }

    fn table(&self, lines: &str) -> Temporary {
        let folder = self.0.0.display().to_string();
        let tables = format!(
            "[store]\nreplicas = 1\n{}\n",
            lines.replace("FOLDER", &folder)
        );
        Temporary::new(&configuration("", &tables))
    }
}

#[test]
fn servers_and_gateway_know_each_other_by_certificates() {
    let certificates = Certificates::new("tls");
    let folder = certificates.0.0.display().to_string();
    let tls = format!(
        "tls {{ cert_file: \"{folder}/server.pem\", key_file: \"{folder}/server.key\",\
         ca_file: \"{folder}/ca.pem\", verify: true }}\n"
    );
    let servers = Servers::start_with(1, &|_, _| tls.clone());
    let store = format!("nats://{}", servers.addresses()[0]);
    let mutual = certificates.table(
        "ca = \"FOLDER/ca.pem\"\ncertificate = \"FOLDER/gateway.pem\"\nkey = \"FOLDER/gateway.key\"",
    );
    let process = Process::serve(&["--config", mutual.path(), "--store", &store]);
    let _token = Client::new(0).first_token(process.address);
    // Without a certificate of its own, or with servers of another authority.
    let nameless = certificates.table("ca = \"FOLDER/ca.pem\"");
    let others = Certificates::new("tls-others");
    let stranger = others.table(
        "ca = \"FOLDER/ca.pem\"\ncertificate = \"FOLDER/gateway.pem\"\nkey = \"FOLDER/gateway.key\"",
    );
    for table in [nameless, stranger] {
        let arguments = [
            "--listen",
            "127.0.0.1:0",
            "--config",
            table.path(),
            "--store",
            &store,
        ];
        let error = refused(&arguments);
        assert!(error.contains("no server lets this gateway in"), "{error}");
    }
}
