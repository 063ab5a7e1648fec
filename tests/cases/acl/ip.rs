//! Lists that name addresses.

use std::net::IpAddr;

use zk_client::ErrorCode;
use zk_test_kit::request::get;
use zk_test_kit::{RawConnection, TestServer};

use super::{code, create_with, entry, who_am_i};

zk_test_kit::cases![a_list_names_an_address_or_a_range_of_them, a_family_never_matches_the_other,];

/// The address that the server sees, which is not the client's own behind a container's bridge.
async fn own_address(raw: &mut RawConnection) -> IpAddr {
    let infos = who_am_i(raw).await;
    let (_, address) = infos.iter().find(|(scheme, _)| scheme == "ip").unwrap();
    address.parse().unwrap()
}

async fn a_list_names_an_address_or_a_range_of_them(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let IpAddr::V4(own) = own_address(&mut raw).await else { panic!("not connected by IPv4") };
    let [a, b, c, d] = own.octets();
    let ranges = [
        (format!("{own}"), true),
        (format!("{own}/32"), true),
        (format!("{a}.{b}.{c}.{}", d ^ 1), false),
        (format!("{a}.{b}.{c}.{}/32", d ^ 1), false),
        (format!("{a}.{b}.{c}.{}/31", d ^ 1), true),
        (format!("{a}.{b}.{c}.{}/24", d ^ 0xff), true),
        (format!("{a}.{b}.{}.{d}/24", c ^ 1), false),
        (format!("{a}.{}.{c}.{d}/8", b ^ 0xff), true),
        (format!("{}.{b}.{c}.{d}/8", a ^ 1), false),
        (format!("{}.{b}.{c}.{d}/7", a ^ 1), true),
        ("255.255.255.255/0".to_owned(), true),
    ];
    for (number, (range, matches)) in ranges.iter().enumerate() {
        let path = server.path(&format!("/{number}"));
        raw.succeed(&create_with(&path, vec![entry(31, "ip", range)])).await;
        let expected = if *matches { ErrorCode::Ok } else { ErrorCode::NoAuth };
        assert_eq!(code(&mut raw, &get(&path)).await, expected, "{own} in {range}");
    }
}

async fn a_family_never_matches_the_other(server: &TestServer) {
    // Before, lists could not name IPv6 addresses (ZOOKEEPER-4240). zk-server-lite lets them,
    // whatever version it stands in for.
    let knows_v6 = !server.is_real() || server.has_change_of(&[(3, 9, 4)]).await;
    let mut raw = server.raw_session().await;
    for (number, (range, valid)) in [
        ("::1", true),
        ("::/0", true),
        ("fe80::/10", true),
        ("1:2:3:4:5:6:7:8", true),
        ("::/129", false),
        ("1:2:3:4:5:6:7", false),
        ("1::2::3", false),
        ("12345::", false),
        ("::ffff:1.2.3.4", false),
    ]
    .into_iter()
    .enumerate()
    {
        let path = server.path(&format!("/{number}"));
        let created = code(&mut raw, &create_with(&path, vec![entry(31, "ip", range)])).await;
        let expected = if valid && knows_v6 { ErrorCode::Ok } else { ErrorCode::InvalidAcl };
        assert_eq!(created, expected, "{range}");
        if created == ErrorCode::Ok {
            assert_eq!(code(&mut raw, &get(&path)).await, ErrorCode::NoAuth, "{range}");
        }
    }
}
