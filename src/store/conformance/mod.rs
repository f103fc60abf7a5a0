//! The store's contract, executable: each clause is one test per back end.
//!
//! A back end brings one function that makes an empty database, and one line in a test module of its own:
//!
//! ```ignore
//! // src/store/postgres/testing.rs
//! use crate::store::conformance::support::{Database, Held, required_in_ci};
//!
//! pub async fn fixture() -> Option<Database> {
//!     let url = required_in_ci("BELFRY_TEST_POSTGRES")?;                // None skips; never in CI
//!     let schema = Schema::make(&url).await;                            // empty, its own, dropped with the Database
//!     let open = move || -> BoxFuture<'static, Arc<dyn Backend>> { … }; // one more process on the same database
//!     Some(Database::new(open, schema).holding(move |channel| { … }))   // where a row can be held alone
//! }
//! crate::store::conformance::conformance!(postgres, crate::store::postgres::testing::fixture);
//! ```
//!
//! A clause is `pub async fn a_sentence(db: &Database)` in one of the files here, and is listed in [`conformance`]; one
//! that is forgotten there is dead code, which does not pass the linter. Time is the fixture's [`ManualClock`], which
//! starts at the machine's time; nothing sleeps.

pub(crate) mod accounts;
pub(crate) mod bells;
pub(crate) mod bans;
pub(crate) mod comments;
pub(crate) mod control;
pub(crate) mod double;
pub(crate) mod hosting;
pub(crate) mod found;
pub(crate) mod keys;
pub(crate) mod log;
pub(crate) mod notices;
pub(crate) mod notifications;
pub(crate) mod pages;
pub(crate) mod posts;
pub(crate) mod prune;
pub(crate) mod reactions;
pub(crate) mod sessions;
pub(crate) mod support;
pub(crate) mod tabs;
pub(crate) mod writes;

pub(crate) use support::Database;

/// Runs every clause on the back end called `$name`, whose empty databases `$fixture` makes.
macro_rules! conformance {
    ($name:ident, $fixture:path) => {
        mod $name {
            $crate::store::conformance::clauses! { $fixture;
                writes {
                    a_refused_write_leaves_nothing_and_spoils_no_neighbour,
                    seqs_have_no_holes_and_follow_the_commits_of_all_processes,
                    the_sink_hears_of_a_write_before_its_caller,
                    what_waits_goes_together_and_is_told_in_order,
                    a_caller_that_goes_away_undoes_nothing,
                    what_waits_is_finished_when_the_store_closes,
                    a_held_room_stalls_no_other_and_keeps_its_order,
                    publishing_reaches_posts_and_people_that_are_there_and_nothing_else,
                }
                keys {
                    a_replayed_key_returns_the_first_result_as_it_is_now,
                    a_key_of_something_deleted_returns_what_is_left_of_it,
                    a_key_used_twice_at_once_causes_one_event,
                    a_key_used_twice_in_one_group_causes_one_event,
                    a_key_with_other_content_is_a_conflict,
                    a_key_belongs_to_its_caller_and_action,
                    a_refused_write_does_not_use_its_key,
                    a_key_is_kept_for_seven_days,
                }
                comments {
                    a_comment_is_answered_told_and_read_alike,
                    a_reply_counts_on_its_parent_alone_and_makes_it_newer,
                    a_comment_needs_a_post_and_a_parent_that_are_there,
                    only_its_author_edits_a_comment_and_the_same_text_says_nothing,
                    a_deleted_comment_keeps_its_place_and_nothing_else,
                    counters_equal_the_rows_at_every_seq,
                    a_comment_by_nobody_is_refused,
                }
                reactions {
                    a_reaction_is_answered_told_and_read_alike,
                    what_is_so_already_tells_nobody,
                    toggles_that_wait_together_are_one_event_a_comment,
                    toggles_that_undo_each_other_tell_nobody,
                    where_many_react_they_wait_for_one_another_and_are_one_event,
                    other_writes_of_the_room_come_between_toggles_and_those_of_other_rooms_do_not,
                    fifty_toggles_together_are_named_and_one_more_are_not,
                    a_comment_has_so_many_different_emoji_and_no_more,
                    only_a_comment_that_is_there_is_reacted_to,
                    a_deleted_comment_loses_its_reactions_and_its_log_tells_none,
                    toggles_of_many_on_two_processes_are_counted_exactly,
                    toggles_behind_a_held_room_go_together,
                    a_reply_in_the_same_group_keeps_the_newest_seq,
                }
                posts {
                    a_post_opens_its_channel_at_nothing,
                    a_post_is_changed_by_its_author_or_a_moderator_and_told,
                    a_deleted_post_is_gone_and_so_is_all_its_log_told,
                    the_channel_of_a_write_is_known_before_it,
                }
                found {
                    posts_are_found_by_tag_and_by_words_newest_first,
                    a_post_is_found_by_what_it_says_now_and_not_at_all_once_deleted,
                    what_is_searched_for_is_cut_and_compared_alike,
                    the_page_of_a_site_is_made_once_and_found_by_its_key,
                    a_page_made_at_once_by_many_is_one_post,
                    a_page_is_changed_and_told,
                    pages_are_counted_by_their_keys,
                    who_takes_part_is_the_author_and_whoever_has_a_comment,
                }
                pages {
                    every_list_of_comments_has_its_order,
                    a_list_by_reactions_has_the_most_first_and_the_oldest_of_equals,
                    the_first_replies_of_many_are_read_at_once,
                    a_page_shows_comments_as_they_are_with_the_head_of_their_room,
                    a_post_that_is_not_there_has_no_pages,
                    pages_are_stable_while_comments_are_inserted,
                    posts_are_listed_newest_first_without_those_deleted,
                }
                notifications {
                    a_comment_tells_those_it_concerns_once_each_and_never_its_author,
                    a_comment_that_is_repeated_with_its_key_tells_nobody_again,
                    an_edit_tells_whom_it_mentions_and_nobody_has_told,
                    a_comment_tells_so_many_people_in_all_its_edits_and_no_more,
                    deleting_a_comment_takes_back_what_it_told,
                    an_inbox_is_read_by_its_latest_changes_in_pages,
                    what_is_read_is_counted_once_and_only_ones_own,
                    reading_all_is_reading_what_came_before_it,
                    a_notification_is_dismissed_by_its_person_and_again_without_a_word,
                    a_notification_tells_post_and_comment_as_they_are_and_not_at_all_once_the_post_is_gone,
                }
                bells {
                    reactions_are_one_notification_that_counts_people,
                    who_takes_back_all_is_no_actor_and_the_last_takes_the_row,
                    one_who_joins_makes_it_unread_again_and_one_who_leaves_does_not,
                    reactions_that_go_together_are_one_event_for_each_author,
                    what_was_told_of_reactions_goes_with_the_comment_or_is_dismissed,
                }
                notices {
                    a_notice_reaches_those_who_are_there_each_by_one_of_its_own,
                    a_group_is_one_notification_that_counts_and_is_unread_again,
                    a_notice_repeated_with_its_key_tells_nobody_again,
                    people_are_found_by_id_or_by_the_host_sites_name,
                    what_a_deleted_post_has_told_is_taken_back_by_whoever_gets_to_it,
                    a_held_person_stalls_only_the_rooms_that_tell_them,
                }
                tabs {
                    what_every_tab_shows_is_what_was_unread_at_its_seq,
                }
                log {
                    what_is_replayed_at_once_is_what_was_told,
                    a_replay_shows_an_edit_in_every_event_of_the_comment,
                    a_replay_tells_nothing_of_what_was_deleted,
                    a_stretch_is_the_first_or_the_last_events_after_a_seq,
                    many_logs_are_read_at_once_and_stay_apart,
                    of_many_heads_those_are_told_that_are_elsewhere_than_thought,
                    a_log_read_by_two_overlapping_stretches_tells_each_event_once,
                }
                accounts {
                    a_new_person_has_an_account_a_channel_and_a_session,
                    an_address_is_one_persons_in_any_case,
                    an_address_registered_twice_at_once_is_one_person,
                    a_person_who_cannot_be_made_whole_is_not_made_at_all,
                    a_handle_asked_for_must_be_free_and_a_derived_one_is_made_so,
                    people_change_what_they_say_of_themselves,
                    people_are_found_by_handle_or_made_in_the_order_asked_for,
                    a_role_that_changes_is_told_to_the_instances,
                    an_api_key_is_found_by_its_hash_alone,
                }
                sessions {
                    a_refresh_token_is_spent_for_its_successor,
                    a_spent_refresh_token_is_good_for_ten_seconds_then_ends_its_session,
                    a_refresh_token_ends_by_itself,
                    two_at_once_get_the_same_successor,
                    an_ended_session_is_revoked_until_its_last_token_ends,
                    everywhere_ends_each_session_of_that_person_and_no_other,
                    a_session_without_refreshing_can_be_ended_too,
                    a_revocation_that_has_outlived_every_token_is_not_listed,
                }
                bans {
                    a_ban_is_told_listed_and_lifted,
                    a_ban_that_changes_nothing_for_sockets_says_nothing,
                    only_people_below_a_moderator_are_banned_by_them,
                    a_refresh_token_of_a_banned_person_is_refused_and_not_spent,
                    a_ban_that_has_ended_is_over_and_its_row_goes,
                }
                hosting {
                    people_of_the_host_are_found_or_made_in_the_order_asked_for,
                    what_the_host_says_replaces_what_is_kept_and_the_rest_stays,
                    an_address_of_the_host_is_nobodys_to_sign_in_with,
                    handles_of_people_of_the_host_are_made_unique,
                    a_person_of_the_host_first_seen_twice_at_once_is_one_person,
                    many_people_of_the_host_are_made_at_once_and_some_of_them_elsewhere,
                    a_token_of_the_host_is_revoked_until_it_ends,
                    everywhere_ends_tokens_of_the_host_and_sessions_alike,
                }
                prune {
                    a_long_log_loses_its_beginning_and_its_floor_moves,
                    old_events_go_and_young_ones_stay,
                    a_call_deletes_no_more_than_it_may,
                    credentials_go_when_they_have_ended_and_not_before,
                }
                control {
                    every_process_sees_the_same_epoch_until_a_new_one_is_drawn,
                    the_database_tells_its_time,
                }
            }
        }
    };
}
pub(crate) use conformance;

/// One test per clause.
macro_rules! clauses {
    ($fixture:path; $($file:ident { $($clause:ident),* $(,)? })*) => {$(
        mod $file {
            $(
                #[tokio::test]
                async fn $clause() {
                    let Some(db) = $fixture().await else { return };
                    $crate::store::conformance::$file::$clause(&db).await;
                }
            )*
        }
    )*};
}
pub(crate) use clauses;
