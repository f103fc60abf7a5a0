//! What the comments of a group need of other rows, read once for all of them: each statement of its own would be a way to
//! the thread of the database and back.

use super::transaction::{Transaction, Trouble};
use crate::model::{PostId, UserId, UserRef};
use crate::store::StoreError;
use crate::store::write::{CreateComment, Write};
use std::collections::HashMap;

/// A post, as notifications tell it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct PlaceRow {
    pub(super) author_id: Option<UserId>,
    pub(super) title: String,
    pub(super) url: Option<String>,
}

#[derive(sqlx::FromRow)]
struct NamedPlaceRow {
    id: PostId,
    #[sqlx(flatten)]
    place: PlaceRow,
}

/// Authors of comments, and posts, as they are until a member that is no comment changes something.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    people: HashMap<UserId, UserRef>,
    places: HashMap<PostId, PlaceRow>,
}

impl Transaction {
    /// Reads who writes the comments of a group, and below what.
    pub(super) async fn read_comments_ahead(&mut self, group: &[Write]) -> Result<(), StoreError> {
        let comments = || {
            group.iter().filter_map(|write| match write {
                Write::CreateComment(create) => Some(create),
                _ => None,
            })
        };
        // One alone reads its own as well.
        if comments().nth(1).is_none() {
            return Ok(());
        }
        self.ahead = self.look_ahead(comments()).await.map_err(|trouble| match trouble {
            Trouble::Member(error) | Trouble::Transaction(error) => error,
        })?;
        Ok(())
    }

    async fn look_ahead<'w>(&mut self, all: impl Iterator<Item = &'w CreateComment>) -> Result<Ahead, Trouble> {
        let (mut authors, mut posts): (Vec<_>, Vec<_>) = all.map(|create| (create.author, create.post_id)).unzip();
        authors.sort_unstable();
        authors.dedup();
        posts.sort_unstable();
        posts.dedup();
        let places: Vec<NamedPlaceRow> =
            sqlx::query_as("select id, author_id, title, url from posts where id in (select value from json_each($1))")
                .bind(serde_json::json!(posts).to_string())
                .fetch_all(&mut self.connection)
                .await?;
        let people = self.people(authors.into_iter()).await?;
        Ok(Ahead {
            people: people.into_iter().map(|user| (user.id, user)).collect(),
            places: places.into_iter().map(|row| (row.id, row.place)).collect(),
        })
    }

    /// The author of a comment; `NotFound` where there is none.
    pub(super) async fn author(&mut self, id: UserId) -> Result<UserRef, Trouble> {
        match self.ahead.people.get(&id) {
            Some(user) => Ok(user.clone()),
            None => self.user_ref(id).await,
        }
    }

    /// What notifications say of a post that is there.
    pub(super) async fn place(&mut self, post: PostId) -> Result<PlaceRow, Trouble> {
        if let Some(place) = self.ahead.places.get(&post) {
            return Ok(place.clone());
        }
        let row = sqlx::query_as("select author_id, title, url from posts where id = $1")
            .bind(post)
            .fetch_one(&mut self.connection)
            .await?;
        Ok(row)
    }
}
