//! Behaviours that every server is to show, each written once.
//!
//! `ZK_TEST_SERVER` names the server; see the crate `zk_test_kit`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test may panic, and its name says what it is"
)]

mod acl;
mod bad_paths;
mod bad_requests;
mod check_order;
mod client_auth;
mod client_calls;
mod containers;
mod create_modes;
mod create_steps;
mod delete_steps;
mod errands;
mod expiry;
mod four_letter_words;
mod handover;
mod handshake;
mod hostile;
mod hosts;
mod limits;
mod many;
mod multi;
mod multi_frames;
mod multi_watch_order;
mod operation_watches;
mod operations;
mod persistent_watches;
mod pipeline;
mod quotas;
mod read_only;
mod reconfig;
mod recursive_watches;
mod remove_watches;
mod sequential;
mod session;
mod set_watches;
mod set_watches2;
mod stat;
mod steps;
mod text;
mod wait_until;
mod watch_modes;
mod watch_order;
mod watch_permissions;
mod watch_streams;
mod watches;
mod zxid;

use std::process::ExitCode;

fn main() -> ExitCode {
    let cases = [
        acl::cases(),
        bad_paths::cases(),
        bad_requests::cases(),
        check_order::cases(),
        client_auth::cases(),
        client_calls::cases(),
        containers::cases(),
        create_modes::cases(),
        create_steps::cases(),
        delete_steps::cases(),
        errands::cases(),
        expiry::cases(),
        four_letter_words::cases(),
        handover::cases(),
        handshake::cases(),
        hostile::cases(),
        hosts::cases(),
        limits::cases(),
        many::cases(),
        multi::cases(),
        multi_frames::cases(),
        multi_watch_order::cases(),
        operation_watches::cases(),
        operations::cases(),
        persistent_watches::cases(),
        pipeline::cases(),
        quotas::cases(),
        read_only::cases(),
        reconfig::cases(),
        recursive_watches::cases(),
        remove_watches::cases(),
        sequential::cases(),
        session::cases(),
        set_watches::cases(),
        set_watches2::cases(),
        stat::cases(),
        steps::cases(),
        text::cases(),
        wait_until::cases(),
        watch_modes::cases(),
        watch_order::cases(),
        watch_permissions::cases(),
        watch_streams::cases(),
        watches::cases(),
        zxid::cases(),
    ];
    zk_test_kit::main(cases.concat())
}
