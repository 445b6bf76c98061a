//! One file for each behaviour, in virtual time, against the testkit's server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "Clippy sees tests only in functions marked as such, not in their helpers; and the core's bans are the core's."
)]

mod answer_matrix;
mod answer_members;
mod any_exchange;
mod assertion;
mod authorization_details;
mod authorize_request;
mod backchannel;
mod bad_input;
mod callback_matrix;
mod callback_order;
mod callback_place;
mod challenges;
mod client_id_document;
mod compressed;
mod device;
mod discovery;
mod documents;
mod doors;
mod equivalent_uris;
mod error_codes;
mod errors_by_blame;
mod extension_grant;
mod forged_callback;
mod form_post;
mod identity_assertion;
mod introspection;
mod iss_policy;
mod moving_house;
mod pasted_callback;
mod polling;
mod providers;
mod pushed;
mod quirks;
mod real_world_answers;
mod refresh;
mod registration;
mod requests;
mod rescued;
mod resource_metadata;
mod resources;
mod revocation;
mod rfc_vectors;
mod seam;
mod security_tokens;
mod server_from_metadata;
mod server_metadata;
mod single_use_store;
mod step_up;
mod stored_states;
mod support;
mod then_and_drive;
mod token_exchange;
mod tokens;
mod tokens_from_elsewhere;
mod tolerated;
mod trackmania;
mod waits;
mod what_is_left;
