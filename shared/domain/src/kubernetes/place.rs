//! Reading one field of an object so that a bad one is told and the rest is kept.

use std::str::FromStr;

use jiff::Timestamp;

/// A moment of the API (RFC 3339). One that cannot be read is absent and gets a sentence in `unreadable`.
pub(super) fn moment(text: Option<&str>, place: &str, unreadable: &mut Vec<String>) -> Option<Timestamp> {
    field(
        text.map(|text| {
            Timestamp::from_str(text).map_err(|_| format!("{text:?} is not a moment of RFC 3339"))
        }),
        place,
        unreadable,
    )
}

/// What was read of a field, if it could be.
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
