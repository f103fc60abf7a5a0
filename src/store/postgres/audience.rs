//! Whom new comments tell: read again under the locks, and what notifications say besides the comment.

use super::bulk::Parent;
use super::failure::Failure;
use super::inbox::is_reachable;
use super::targets::named;
use crate::model::{Cause, CommentId, NotificationId, PostId, UserId, UserRef};
use crate::store::ledger::Ledger;
use crate::store::notices::{About, NewNotice};
use crate::store::write::{CreateComment, Write};
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use std::collections::{BTreeSet, HashMap};

/// What notifications tell of a post.
#[derive(Debug, Clone, FromRow)]
pub(super) struct PlaceRow {
    pub(super) id: PostId,
    pub(super) author_id: Option<UserId>,
    pub(super) title: String,
    pub(super) url: Option<String>,
}

/// The people told by the comments of a batch.
#[derive(Debug, Default)]
pub(super) struct Audience {
    places: HashMap<PostId, PlaceRow>,
    /// By member.
    told: HashMap<usize, Vec<(UserId, Cause)>>,
    ids: Vec<NotificationId>,
}

impl Audience {
    /// Finds them out under the locks; `Moved` where they are others than those who were locked.
    pub(super) async fn read(
        db: &mut PgConnection,
        ledger: &Ledger,
        batch: &[(usize, &Write)],
        parents: &HashMap<CommentId, Parent>,
    ) -> Result<Self, Failure> {
        let new = || {
            batch
                .iter()
                .filter_map(|(member, w)| if let Write::CreateComment(w) = w { Some((*member, w)) } else { None })
        };
        let places = places(db, &new().map(|(_, w)| w.post_id.0).collect()).await?;
        let names = named(db, &new().flat_map(|(_, w)| &w.mentions).map(String::as_str).collect()).await?;
        let mut told = HashMap::new();
        let mut count = 0;
        for (member, w) in new() {
            let post = places.get(&w.post_id).and_then(|place| place.author_id);
            let parent = w.parent_id.and_then(|id| parents.get(&id)).map(|parent| parent.author_id);
            let mentioned = w.mentions.iter().filter_map(|handle| names.get(handle).copied());
            let mut reachable = Vec::new();
            for (user, cause) in Cause::of_comment(w.author, post, parent, mentioned) {
                if is_reachable(ledger, user)? {
                    reachable.push((user, cause));
                }
            }
            count += reachable.len();
            told.insert(member, reachable);
        }
        Ok(Self { places, told, ids: super::notifications::next_ids(db, count).await? })
    }

    /// The people told by this member's comment, as its row keeps them.
    pub(super) fn as_json(&self, member: usize) -> Option<String> {
        let told: Vec<UserId> = self.told.get(&member)?.iter().map(|(user, _)| *user).collect();
        told_as_json(&told)
    }

    /// Appends what this member's comment tells people.
    pub(super) fn notify(
        &mut self,
        ledger: &mut Ledger,
        member: usize,
        w: &CreateComment,
        comment: (CommentId, &UserRef),
    ) -> Vec<NewNotice> {
        let (comment_id, author) = comment;
        let Some(place) = self.places.get(&w.post_id) else { return Vec::new() };
        let about = about(place, comment_id, &w.html, author);
        let told = self.told.get(&member).into_iter().flatten();
        // As many ids were drawn as there are people to tell.
        told.filter_map(|(user, cause)| Some(about.notify(ledger, self.ids.pop()?, *user, *cause))).collect()
    }
}

/// What notifications say of a comment below that post.
pub(super) fn about<'a>(place: &'a PlaceRow, comment_id: CommentId, html: &'a str, author: &'a UserRef) -> About<'a> {
    About { post_id: place.id, post_title: &place.title, post_url: place.url.as_deref(), comment_id, html, author }
}

/// What `comments.told` keeps.
pub(super) fn told_as_json(told: &[UserId]) -> Option<String> {
    (!told.is_empty()).then(|| serde_json::json!(told).to_string())
}

/// What notifications say of these posts.
pub(super) async fn places(
    db: &mut PgConnection,
    ids: &BTreeSet<i64>,
) -> Result<HashMap<PostId, PlaceRow>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<PlaceRow> = sqlx::query_as("select id, author_id, title, url from posts where id = any($1)")
        .bind(ids.iter().copied().collect::<Vec<_>>())
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}
