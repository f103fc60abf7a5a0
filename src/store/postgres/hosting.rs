//! People whom the host's site vouches for.

use super::accounts::{self, accounts};
use super::failure::Failure;
use super::hot::storable;
use super::sessions::{append_internal, end_all_of};
use crate::model::event::SessionRevoked;
use crate::model::{Account, Channel, EventData, UserId};
use crate::store::error::StoreError;
use crate::store::handles::{SPELLINGS, derived_handle};
use crate::store::ledger::Ledger;
use crate::store::rows::{AccountRow, RevocationRow};
use crate::store::write::{EndHostSessions, EnsureHostPeople, HostAccount, HostPerson};
use sqlx::postgres::PgConnection;
use std::collections::{BTreeMap, HashMap};

/// People by the host's own names for them.
pub(super) async fn people(db: &mut PgConnection, external_ids: &[String]) -> Result<Vec<Account>, StoreError> {
    let rows: Vec<AccountRow> =
        sqlx::query_as(accounts!("where external_id = any($1)")).bind(external_ids).fetch_all(db).await?;
    rows.into_iter().map(Account::try_from).collect()
}

/// Finds people and makes those that are missing, all by a few statements. They are gone through in the order of their
/// names there, so that two that tell of the same people wait for each other one way only.
pub(super) async fn ensure(
    db: &mut PgConnection,
    ledger: &Ledger,
    w: &EnsureHostPeople,
) -> Result<Vec<HostAccount>, Failure> {
    for (text, pointer) in w.people.iter().flat_map(HostPerson::texts) {
        storable(text, pointer)?;
    }
    let mut words: BTreeMap<&str, HostPerson> = BTreeMap::new();
    for person in &w.people {
        let word = words.entry(&person.external_id).or_insert_with(|| person.clone());
        *word = person.clone().after(word);
    }
    let mut there = known(db, words.keys().copied().collect()).await?;
    let missing = words.values().filter(|person| !there.contains_key(&person.external_id)).collect();
    let mut made = make(db, ledger, missing, &mut there).await?;
    for (external_id, before) in &mut there {
        *before = retell(db, before.clone(), &words[external_id.as_str()]).await?;
    }
    let mut kept = Vec::with_capacity(w.people.len());
    for HostPerson { external_id, .. } in &w.people {
        let (account, made) = match made.remove(external_id) {
            Some(account) => {
                // Made by the first that names them, and known to the next.
                there.insert(external_id.clone(), account.clone());
                (account, true)
            }
            None => (there.get(external_id).cloned().ok_or(accounts::NOT_FOUND)?, false),
        };
        kept.push(HostAccount { account, made });
    }
    Ok(kept)
}

/// Ends tokens of the host's site.
pub(super) async fn end(db: &mut PgConnection, ledger: &mut Ledger, w: &EndHostSessions) -> Result<(), Failure> {
    let (sessions, ends): (Vec<i64>, Vec<i64>) = w.sessions.iter().map(|(id, until)| (id.0, until.0)).unzip();
    let ended: Vec<RevocationRow> = sqlx::query_as(
        "with revoked as (
             insert into revocations (session_id, user_id, until)
             select distinct on (id) id, $3::bigint, until
             from unnest($1::bigint[], $2::bigint[]) as ended (id, until)
             order by id
             on conflict (session_id) do nothing
             returning session_id, user_id, until
         )
         select session_id, user_id, until from revoked order by session_id",
    )
    .bind(sessions)
    .bind(ends)
    .bind(w.user_id)
    .fetch_all(&mut *db)
    .await?;
    for RevocationRow { session_id, user_id, until } in ended {
        let revoked = SessionRevoked { session_id, user_id, until };
        append_internal(ledger, &EventData::SessionRevoked(revoked), session_id.0, &revoked)?;
    }
    if w.everywhere { end_all_of(db, ledger, w.user_id).await } else { Ok(()) }
}

/// Those of these people who are there, none of whom changes until the commit.
async fn known(db: &mut PgConnection, external_ids: Vec<&str>) -> Result<HashMap<String, Account>, StoreError> {
    let rows: Vec<AccountRow> =
        sqlx::query_as(accounts!("where external_id = any($1) order by external_id for no key update"))
            .bind(external_ids)
            .fetch_all(db)
            .await?;
    by_name(rows)
}

fn by_name(rows: Vec<AccountRow>) -> Result<HashMap<String, Account>, StoreError> {
    let named = |row: AccountRow| Account::try_from(row).map(|account| Some((account.external_id.clone()?, account)));
    rows.into_iter().filter_map(|row| named(row).transpose()).collect()
}

/// Replaces what the host's site says otherwise now.
async fn retell(db: &mut PgConnection, before: Account, person: &HostPerson) -> Result<Account, Failure> {
    let account = person.applied_to(before.clone());
    if account != before {
        sqlx::query("update users set name = $2, avatar_url = $3, host_email = $4 where id = $1")
            .bind(account.user.id)
            .bind(&account.user.name)
            .bind(&account.user.avatar_url)
            .bind(&account.email)
            .execute(db)
            .await?;
    }
    Ok(account)
}

/// Makes those who were not there. Whoever is about to make the same people, or take the same handles, is waited for;
/// those who turn out to be there after all join `there`.
async fn make(
    db: &mut PgConnection,
    ledger: &Ledger,
    mut missing: Vec<&HostPerson>,
    there: &mut HashMap<String, Account>,
) -> Result<HashMap<String, Account>, Failure> {
    if missing.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<i64> = sqlx::query_scalar("select nextval('users_id_seq') from generate_series(1, $1)")
        .bind(i64::try_from(missing.len()).unwrap_or(i64::MAX))
        .fetch_all(&mut *db)
        .await?;
    let ids: HashMap<&str, UserId> =
        missing.iter().zip(ids).map(|(person, id)| (person.external_id.as_str(), UserId(id))).collect();
    let mut made = Vec::with_capacity(missing.len());
    for spelling in 0..SPELLINGS {
        let inserted = insert(db, ledger, &missing, &ids, spelling).await?;
        missing.retain(|person| !inserted.contains(&ids[person.external_id.as_str()].0));
        made.extend(inserted);
        if missing.is_empty() {
            break;
        }
        there.extend(known(db, missing.iter().map(|person| person.external_id.as_str()).collect()).await?);
        missing.retain(|person| !there.contains_key(&person.external_id));
    }
    if let Some(person) = missing.first() {
        // Others of this write may have been made: the whole of it is taken back.
        let detail = format!("no handle is left for {:?}", person.base_handle);
        return Err(Failure::Statement(StoreError::Internal(detail)));
    }
    let channels: Vec<String> = made.iter().map(|id| Channel::User(UserId(*id)).name()).collect();
    sqlx::query("insert into channels (name) select unnest($1::text[])").bind(channels).execute(&mut *db).await?;
    let rows: Vec<AccountRow> = sqlx::query_as(accounts!("where id = any($1)")).bind(made).fetch_all(db).await?;
    Ok(by_name(rows)?)
}

/// Inserts those of whom there is neither the name nor this spelling of the handle; which.
async fn insert(
    db: &mut PgConnection,
    ledger: &Ledger,
    people: &[&HostPerson],
    ids: &HashMap<&str, UserId>,
    spelling: u32,
) -> Result<Vec<i64>, Failure> {
    let id = |person: &HostPerson| ids[person.external_id.as_str()];
    let texts = |text: fn(&HostPerson) -> Option<&str>| people.iter().map(|person| text(person)).collect::<Vec<_>>();
    let inserted = sqlx::query_scalar(
        "insert into users (id, name, handle, avatar_url, host_email, external_id, created_at)
         overriding system value
         select id, name, handle, avatar_url, host_email, external_id, $7
         from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
             with ordinality as told (id, name, handle, avatar_url, host_email, external_id, place)
         order by place
         on conflict do nothing
         returning id",
    )
    .bind(people.iter().map(|person| id(person).0).collect::<Vec<_>>())
    .bind(texts(|person| Some(&person.name)))
    .bind(people.iter().map(|person| derived_handle(&person.base_handle, id(person), spelling)).collect::<Vec<_>>())
    .bind(texts(|person| person.avatar_url.as_ref()?.as_deref()))
    .bind(texts(|person| person.email.as_ref()?.as_deref()))
    .bind(texts(|person| Some(&person.external_id)))
    .bind(ledger.now())
    .fetch_all(db)
    .await?;
    Ok(inserted)
}
