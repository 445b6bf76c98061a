//! What users of other implementations report most: each report is a test of that name.
#![allow(clippy::unwrap_used, clippy::panic, reason = "Clippy does not see that these are tests.")]

use std::fs;
use std::path::Path;

/// The reports, each with the tests of its name.
const REPORTS: [(&str, &[&str]); 12] = [
    ("refresh without resource (tokens die after an hour)", &["refresh_without_resource_tokens_die_after_an_hour"]),
    (
        "resource with a slash that the server does not have, and the other way round",
        &["resource_with_a_slash_that_the_server_does_not_have", "and_the_other_way_round"],
    ),
    (
        "only the root well-known tried; query kept or lost; resource_metadata on another origin",
        &["only_the_root_well_known_tried", "query_kept_or_lost", "resource_metadata_on_another_origin"],
    ),
    (
        "the first of several authorization servers taken silently",
        &["the_first_of_several_authorization_servers_taken_silently"],
    ),
    (
        "credentials of one issuer sent to another after a move",
        &["credentials_of_one_issuer_sent_to_another_after_a_move"],
    ),
    (
        "a secret sent by Basic where the registration said post, or to a server that said none",
        &["a_secret_sent_by_basic_where_the_registration_said_post", "a_secret_sent_to_a_server_that_said_none"],
    ),
    ("scopes replaced instead of united on step-up", &["scopes_replaced_instead_of_united_on_step_up"]),
    ("endless loops of 403", &["endless_loops_of_403"]),
    ("metadata that lacks code_challenge_methods_supported", &["metadata_that_lacks_code_challenge_methods_supported"]),
    ("metadata whose issuer is the proxied upstream's", &["metadata_whose_issuer_is_the_proxied_upstreams"]),
    (
        "localhost registered and 127.0.0.1 used, or another port; cursor://-like redirect URIs",
        &["localhost_registered_and_127_0_0_1_used", "or_another_port", "cursor_like_redirect_uris"],
    ),
    (
        "concurrent tool calls, each with a refresh of its own, revoke the family",
        &["concurrent_tool_calls_each_with_a_refresh_of_its_own_revoke_the_family"],
    ),
];

#[test]
fn every_report_is_a_test_of_that_name() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut code = String::new();
    // The last one needs sockets and a session, so it is in the package `tests`.
    for folder in [root.join("tests/mcp"), root.join("../../tests/mcp")] {
        for entry in fs::read_dir(folder).unwrap() {
            code.push_str(&fs::read_to_string(entry.unwrap().path()).unwrap());
        }
    }
    for (report, tests) in REPORTS {
        for test in tests {
            let found = code.matches(&format!("#[test]\nfn {test}() {{")).count();
            assert_eq!(found, 1, "{report}: {test}");
        }
    }
}
