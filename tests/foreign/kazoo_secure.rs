//! What kazoo makes of SASL, by pure-sasl, and of TLS, by OpenSSL.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;

use zk_client::rustls::crypto::ring;
use zk_server_lite::{ClientAuth, Server, TlsSettings};
use zk_test_kit::Authority;

use crate::stage::{Stage, TICK, cases};

cases! {
    any: [],
    embedded: [kazoo_proves_itself_by_sasl_and_by_certificate_with_tls_and_without],
}

async fn kazoo_proves_itself_by_sasl_and_by_certificate_with_tls_and_without(stage: Stage) {
    let authority = Authority::new("authority");
    let own = authority.server(&["localhost"]);
    let provider = Arc::new(ring::default_provider());
    let settings = TlsSettings::pem(provider, own.certificate, own.key)
        .trust_pem(authority.pem())
        .client_auth(ClientAuth::Want);
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let builder = Server::builder().tick_time(TICK).secure_listen(any_port, settings);
    let server = builder.sasl_user("bob", "secret").start().await.unwrap();
    let secure = format!("localhost:{}", server.secure_local_addr().unwrap().port());

    let eve = authority.client("eve");
    let files = Files::new(&[authority.pem(), &eve.certificate, &eve.key]);
    let [authority, certificate, key] = ["0", "1", "2"].map(|name| files.path(name));
    let arguments = [&*server.connect_string(), &secure, &authority, &certificate, &key];
    let mut script = stage.kazoo_with("secure.py", &arguments);
    let known = [
        "nobody: NoAuthError and NoAuthError",
        "sasl: no error but 'bob' and NoAuthError",
        "tls: NoAuthError and NoAuthError",
        "sasl over tls: no error but 'bob' and NoAuthError",
        "certificate: NoAuthError and no error but 'eve'",
        "both: no error but 'bob' and no error but 'eve'",
    ];
    for line in known {
        script.expect_line(line).await;
    }
    script.expect_line("large data: True").await;
    server.drop_connections();
    script.say("dropped").await;
    script.expect_line("dropped").await;
    for line in known {
        script.expect_line(line).await;
    }
    script
        .expect_rest(&[
            "wrong password: AuthFailedError",
            "wrong password over tls: AuthFailedError",
        ])
        .await;
    server.shutdown().await;
}

/// Files of one run, by their number; removed when dropped.
struct Files(PathBuf);

impl Files {
    fn new(texts: &[&str]) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = folder.join(format!("kazoo-secure-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        for (number, text) in texts.iter().enumerate() {
            fs::write(folder.join(number.to_string()), text).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
