//! `application/x-www-form-urlencoded`, the request body of the AWS Query protocol and any URL's
//! query string.

/// The decoded pairs, in order.
pub(crate) fn parse(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key, true), decode(value, true))
        })
        .collect()
}

/// Percent-decodes; in forms a plus sign is a space, in paths it is itself.
pub(crate) fn decode(text: &str, plus_is_blank: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            out.push(byte);
            at += 3;
        } else {
            out.push(if plus_is_blank && bytes[at] == b'+' { b' ' } else { bytes[at] });
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Percent-encodes all but the unreserved characters and the slash.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_pairs() {
        let pairs = parse("Action=Publish&Message=a+b%20%C3%A9%26&Empty=&odd=%zz");
        let expected = [("Action", "Publish"), ("Message", "a b é&"), ("Empty", ""), ("odd", "%zz")];
        assert!(pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).eq(expected));
        assert_eq!(decode("a+b", false), "a+b");
        assert_eq!(encode("a b/ü"), "a%20b/%C3%BC");
    }
}
