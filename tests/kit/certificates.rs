//! Certificates of an authority that exists for one test.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    date_time_ymd,
};

/// Signs certificates.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate with its key, both in PEM.
#[derive(Clone, Debug)]
pub struct Certified {
    /// The certificate.
    pub certificate: String,
    /// The key.
    pub key: String,
}

impl Certified {
    /// Both in one text, as ZooKeeper wants a key store in PEM.
    #[must_use]
    pub fn store(&self) -> String {
        format!("{}{}", self.key, self.certificate)
    }
}

impl Authority {
    /// An authority with a name and a key of its own.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// What those who trust it are given.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate of a server, for names and addresses.
    #[must_use]
    pub fn server(&self, names: &[&str]) -> Certified {
        self.issue(names, |_| {})
    }

    /// One that was valid until the turn of the century.
    #[must_use]
    pub fn expired(&self, names: &[&str]) -> Certified {
        self.issue(names, |params| params.not_after = date_time_ymd(2000, 1, 1))
    }

    /// One that will be valid some day.
    #[must_use]
    pub fn not_yet_valid(&self, names: &[&str]) -> Certified {
        self.issue(names, |params| params.not_before = date_time_ymd(4000, 1, 1))
    }

    /// A certificate of a client, with a common name.
    #[must_use]
    pub fn client(&self, name: &str) -> Certified {
        self.client_of(&[(DnType::CommonName, name)])
    }

    /// A certificate of a client, with all parts of its name in their order.
    #[must_use]
    pub fn client_of(&self, name: &[(DnType, &str)]) -> Certified {
        self.issue(&[], |params| {
            params.distinguished_name = DistinguishedName::new();
            for (kind, value) in name {
                params.distinguished_name.push(kind.clone(), *value);
            }
        })
    }

    fn issue(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Certified {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = common_name("server");
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Certified { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished_name = DistinguishedName::new();
    distinguished_name.push(DnType::CommonName, name);
    distinguished_name
}
