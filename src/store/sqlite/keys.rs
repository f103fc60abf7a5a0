//! Idempotency keys.

use crate::model::Timestamp;
use crate::store::StoreError;
use crate::store::ledger::Ledger;
use crate::store::rows::KeyRow;
use crate::store::write::Write;
use sqlx::SqliteConnection;
use std::fmt::Write as _;

/// Takes in the keys of a group that were used before.
pub(super) async fn read(
    connection: &mut SqliteConnection,
    group: &[Write],
    ledger: &mut Ledger,
) -> Result<(), StoreError> {
    let keys: Vec<_> = group.iter().filter_map(Write::key).map(|key| (&key.caller, key.action, &key.key)).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let rows: Vec<KeyRow> = sqlx::query_as(
        "select k.caller, k.action, k.key, k.fingerprint, k.subject_id, k.seq
           from json_each($1) as asked
           join idempotency_keys as k
             on k.caller = asked.value ->> 0
            and k.action = asked.value ->> 1
            and k.key    = asked.value ->> 2",
    )
    .bind(serde_json::json!(keys).to_string())
    .fetch_all(connection)
    .await?;
    rows.into_iter().try_for_each(|row| ledger.know(row))
}

/// Keeps the keys that a transaction used first.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    ledger: &mut Ledger,
    now: Timestamp,
) -> Result<(), StoreError> {
    let keys = ledger.new_keys();
    if keys.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = keys
        .iter()
        .map(|(key, caused)| (&key.caller, key.action, &key.key, hex(&key.fingerprint), caused.subject_id, caused.seq))
        .collect();
    sqlx::query(
        "insert into idempotency_keys (caller, action, key, fingerprint, subject_id, seq, created_at)
         select value ->> 0, value ->> 1, value ->> 2, unhex(value ->> 3), value ->> 4, value ->> 5, $2
           from json_each($1)",
    )
    .bind(serde_json::json!(rows).to_string())
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
