//! SASL within TLS.

use zk_server_lite::ClientAuth;

use crate::identities::{
    Ports, a_wrong_password_is_refused_within_tls,
    each_pair_of_transport_and_proof_is_somebody_else,
};
use crate::place::Place;

async fn place() -> (Place, Ports) {
    let change = |builder: zk_server_lite::ServerBuilder| builder.sasl_user("bob", "secret");
    let place = Place::with(ClientAuth::Want, change).await;
    let own = place.authority.client("eve");
    let ports = Ports {
        plain: place.plain_port(),
        secure: place.secure_port(),
        options: place.options(),
        showing: place.options().client_certificate_pem(own.certificate, own.key),
    };
    (place, ports)
}

#[tokio::test]
async fn with_tls_and_without_a_client_is_all_that_it_has_proven() {
    let (_place, ports) = place().await;
    each_pair_of_transport_and_proof_is_somebody_else(&ports).await;
}

#[tokio::test]
async fn a_wrong_password_is_refused_with_tls_as_without() {
    let (_place, ports) = place().await;
    a_wrong_password_is_refused_within_tls(&ports).await;
}
