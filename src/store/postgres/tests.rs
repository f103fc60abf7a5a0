//! The contract on Postgres, and what only a shared server can do.

use crate::store::conformance::conformance;

conformance!(postgres, crate::store::postgres::testing::fixture);
