//! The cases that every host has to pass, each a function over its [`Host`],
//! named by the requirement. [`crate::suite!`] makes tests of them.

#[expect(missing_docs, reason = "a case's name says what it shows")]
pub mod authentication;
#[expect(missing_docs, reason = "a case's name says what it shows")]
pub mod authorize;
pub mod browser;
#[expect(missing_docs, reason = "a case's name says what it shows")]
pub mod client_credentials;
#[expect(missing_docs, reason = "a case's name says what it shows")]
pub mod codes;
#[expect(missing_docs, reason = "a case's name says what it shows")]
pub mod devices;
#[expect(missing_docs, reason = "a case's name says what it shows")]
pub mod events;
#[expect(missing_docs, reason = "a case's name says what it shows")]
pub mod failures;
#[expect(missing_docs, reason = "a case's name says what it shows")]
pub mod framing;
#[expect(missing_docs, reason = "a case's name says what it shows")]
pub mod inspect;
#[expect(missing_docs, reason = "a case's name says what it shows")]
pub mod password;
#[expect(missing_docs, reason = "a case's name says what it shows")]
pub mod reading;
#[expect(missing_docs, reason = "a case's name says what it shows")]
pub mod recorded;
#[expect(missing_docs, reason = "a case's name says what it shows")]
pub mod recorded_codes;
#[expect(missing_docs, reason = "a case's name says what it shows")]
pub mod refresh;
#[expect(missing_docs, reason = "a case's name says what it shows")]
pub mod resources;
#[expect(missing_docs, reason = "a case's name says what it shows")]
pub mod services;
pub mod session;
pub mod setups;

/// Makes a test of each case, for one host; `without devices` of all but theirs.
#[macro_export]
macro_rules! suite {
    ($host:ty) => {
        $crate::suite!($host, without devices);
        $crate::suite!(@ $host, devices:
            devices_are_told_to_whom_they_may_be
            a_temperature_set_from_outside_comes_back
            an_output_is_switched_and_seen_outside
            an_input_is_pressed_outside
            scopes_are_asked_for_by_device_and_method
            a_token_revoked_while_in_use_opens_nothing
            a_token_revoked_by_its_client_opens_nothing
            requests_that_a_device_does_not_understand_are_refused
            a_page_says_what_this_is);
        $crate::suite!(@ $host, failures:
            a_device_that_does_not_answer_is_502_and_others_are_not
            a_bus_that_hangs_delays_nobody
            an_unset_clock_opens_no_device
            without_entropy_nothing_is_issued_and_devices_are_read);
    };
    ($host:ty, without devices) => {
        $crate::suite!(@ $host, reading:
            r01_token_endpoint_takes_post_alone r02_parameters_in_the_query_are_refused
            r03_charset_after_the_content_type_is_fine r03_other_content_types_are_refused
            r03_bad_escapes_and_bad_utf8_are_refused r03_json_is_for_profiles_that_take_it
            r03_json_that_is_not_strict_is_refused r04_repeated_parameters_are_refused
            r04_unknown_parameters_are_ignored r04_empty_parameters_are_omitted
            r05_long_bodies_are_413 r05_too_many_parameters_are_refused
            r05_limits_are_configuration r06_every_answer_is_not_to_be_stored
            r07_descriptions_reflect_nothing_raw);
        $crate::suite!(@ $host, authentication:
            r09_confidential_client_authenticates_on_every_grant r10_two_methods_are_refused
            r10_client_id_beside_basic_is_fine_if_equal r11_failed_basic_is_401_with_a_challenge
            r12_unknown_client_and_wrong_secret_look_the_same r13_secrets_match_whole
            r15_basic_raw_and_encoded_and_colon_encoded r15_ambiguous_spellings_are_nobodys
            r15_unreadable_basic_is_401 r15_long_basic_is_refused
            r16_ten_failures_then_429_for_this_source_alone
            r16_forwarded_addresses_count_behind_a_trusted_proxy
            r17_unregistered_grant_is_unauthorized_client methods_are_the_profiles_own);
        $crate::suite!(@ $host, client_credentials:
            r32_standard_token_is_es256_with_the_rfc9068_claims
            r32_teen_quotes_token_is_hs256_with_the_rfc9068_claims
            scope_is_asked_for_defaulted_and_refused expiry_is_told_as_the_profile_does
            teen_quotes_takes_the_documented_json_and_form
            retired_key_verifies_and_the_new_one_signs);
        $crate::suite!(@ $host, password:
            r32_breakout_token_is_es256_with_the_rfc9068_claims
            bad_users_are_all_the_same password_is_compared_whole
            r16_guessing_a_password_is_throttled_before_it_is_hashed
            password_grant_is_breakouts_alone second_grant_is_a_new_one
            one_password_is_hashed_at_a_time);
        $crate::suite!(@ $host, refresh:
            r24_refresh_token_is_its_clients r25_replaced_token_revokes_the_family
            r26_parallel_refreshes_give_one_lineage r27_predecessor_in_grace_gets_the_same_successor
            r27_grandparent_never_does r28_scope_narrows_and_never_widens
            r29_refresh_token_ends breakout_token_stays_good
            rotation_can_be_switched_on malformed_tokens_are_refused
            restart_forgets_what_was_in_memory owners_oldest_grant_gives_way);
        $crate::suite!(@ $host, resources:
            r40_unset_clock_issues_nothing r40_clock_that_goes_back_issues_nothing
            r41_token_in_the_header_alone r42_challenges r42_expired_token_is_invalid
            r38_altered_tokens_are_invalid r47_colliding_sub_is_a_configuration_error
            me_says_who me_of_a_revoked_grant_is_refused);
        $crate::suite!(@ $host, framing:
            unknown_paths_are_404 wrong_methods_are_405_with_allow head_is_where_get_is
            connections_are_kept_alive pipelined_requests_are_answered_in_order
            body_that_stays_short_is_408 chunked_bodies_are_read_and_bounded
            http_1_0_is_answered_and_closed bad_framing_is_refused expect_100_is_answered
            slow_heads_and_idle_connections_end long_heads_are_431
            documented_placeholder_request_waits_until_its_deadline);
        $crate::suite!(@ $host, events:
            r51_everything_is_logged_once_and_nothing_secret
            r51_a_change_of_the_signing_key_is_logged r08_secrets_never_reach_the_log);
        $crate::suite!(@ $host, authorize:
            r43_redirect_uris_match_exactly
            r43_loopback_port_is_free
            r44_no_redirect_for_a_bad_client_or_uri
            r45_errors_go_back_with_state_and_iss
            r45_state_comes_back_untouched
            r46_pages_are_not_framed_and_tell_nobody
            r46_a_form_from_elsewhere_is_refused
            failed_login_shows_the_form_again
            r16_guessing_at_the_form_is_throttled
            out_of_band_code_is_shown_and_errors_too
            posted_request_shows_the_form);
        $crate::suite!(@ $host, codes:
            r32_standard_code_gives_the_users_tokens
            r19_second_use_of_a_code_revokes
            r20_codes_end
            r21_a_code_is_its_clients_and_its_redirect_uris
            r22_the_verifier_belongs_to_the_challenge
            r22_public_clients_use_pkce
            r23_codes_are_long_and_never_the_same);
        $crate::suite!(@ $host, services:
            r32_drillster_code_and_refresh_as_documented
            r19_drillster_code_is_good_once
            r32_dressipi_code_and_refresh_as_documented
            r21_dressipi_names_its_redirect_uri_on_both_grants
            r22_dressipi_without_the_verifier_gets_nothing
            r41_dressipi_token_in_its_own_header_too
            dressipi_api_key_is_asked_for_once_configured
            teen_quotes_and_breakout_refresh_too);
        $crate::suite!(@ $host, inspect:
            r49_revocation_takes_the_whole_grant
            r49_unknown_tokens_are_200_and_strangers_revoke_nothing
            r50_introspection_tells_clients_alone
            r48_metadata_tells_what_there_is
            r48_jwks_holds_public_keys_alone
            r48_services_have_none_of_it);
        $crate::suite!(@ $host, recorded:
            golden_standard golden_teen_quotes golden_breakout);
        $crate::suite!(@ $host, recorded_codes:
            golden_drillster golden_dressipi);
    };
    (@ $host:ty, $group:ident: $($case:ident)*) => {
        mod $group {
            $(
                #[test]
                fn $case() {
                    $crate::suite::$group::$case::<$host>();
                }
            )*
        }
    };
}
