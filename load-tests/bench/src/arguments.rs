//! `--name value` and `--name`, and nothing else.

use std::collections::BTreeMap;
use std::str::FromStr;

/// What went wrong, in words.
pub type Failure = Box<dyn std::error::Error>;

/// The arguments that were not asked for yet.
pub struct Arguments(BTreeMap<String, String>);

impl Arguments {
    /// Reads pairs, and names that need no value.
    pub fn read(words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let (mut words, mut pairs) = (words.peekable(), BTreeMap::new());
        while let Some(word) = words.next() {
            let name = word.strip_prefix("--").ok_or_else(|| format!("{word}: use --name value"))?;
            let value = words.next_if(|next| !next.starts_with("--")).unwrap_or_default();
            pairs.insert(name.to_owned(), value);
        }
        Ok(Self(pairs))
    }

    /// The value of this name, if it was given.
    pub fn take<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, Failure> {
        let Some(value) = self.0.remove(name) else { return Ok(None) };
        if value.is_empty() {
            return Err(format!("--{name} needs a value").into());
        }
        value.parse().map(Some).map_err(|_| format!("--{name} {value}: not understood").into())
    }

    /// Whether a name that takes no value was given.
    pub fn flag(&mut self, name: &str) -> Result<bool, Failure> {
        match self.0.remove(name) {
            Some(value) if !value.is_empty() => Err(format!("--{name} takes no value").into()),
            given => Ok(given.is_some()),
        }
    }

    /// The value of this name, or what stands for it.
    pub fn or<T: FromStr>(&mut self, name: &str, default: T) -> Result<T, Failure> {
        Ok(self.take(name)?.unwrap_or(default))
    }

    /// The value of a name that must be given.
    pub fn need<T: FromStr>(&mut self, name: &str) -> Result<T, Failure> {
        self.take(name)?.ok_or_else(|| format!("--{name} is needed").into())
    }

    /// Refuses what nobody asked for.
    pub fn done(&self) -> Result<(), Failure> {
        match self.0.keys().next() {
            Some(name) => Err(format!("--{name} is not known here").into()),
            None => Ok(()),
        }
    }
}
