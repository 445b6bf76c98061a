//! One file per behaviour, in virtual time, against the testkit's server.

mod authorize_request;
mod bad_input;
mod callback_order;
mod callback_place;
mod compressed;
mod error_codes;
mod errors_by_blame;
mod forged_callback;
mod form_post;
mod iss_policy;
mod providers;
mod quirks;
mod readme;
mod real_world_answers;
mod refresh;
mod requests;
mod rescued;
mod rfc_vectors;
mod single_use_store;
mod stored_states;
mod support;
mod then_and_drive;
mod tokens;
mod tolerated;
mod trackmania;
mod what_is_left;
