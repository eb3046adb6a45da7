//! Reads single fields of an object: bad fields are reported, and the rest is kept.

use std::str::FromStr;

use jiff::Timestamp;

/// A timestamp of the API (RFC 3339). One that cannot be read is `None` and adds a sentence to
/// `unreadable`.
pub(super) fn moment(text: Option<&str>, place: &str, unreadable: &mut Vec<String>) -> Option<Timestamp> {
    field(
        text.map(|text| {
            Timestamp::from_str(text).map_err(|_| format!("{text:?} is not an RFC 3339 timestamp"))
        }),
        place,
        unreadable,
    )
}

/// The value of a field, if it could be read; otherwise adds a sentence to `unreadable`.
pub(super) fn field<T, E: std::fmt::Display>(
    read: Option<Result<T, E>>,
    place: &str,
    unreadable: &mut Vec<String>,
) -> Option<T> {
    match read? {
        Ok(value) => Some(value),
        Err(error) => {
            unreadable.push(format!("{place}: {error}"));
            None
        }
    }
}
