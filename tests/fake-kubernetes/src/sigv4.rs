//! Signature Version 4 of a presigned GET, computed again, as STS does.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// SHA-256 of the empty body.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The parts that are signed.
pub(crate) struct Presigned<'a> {
    pub(crate) host: &'a str,
    /// Parameters as in the URL, still escaped, without the signature.
    pub(crate) parameters: Vec<(&'a str, &'a str)>,
    /// Signed headers in addition to `host`: name and value.
    pub(crate) headers: Vec<(&'a str, &'a str)>,
    /// `20261122T075855Z`.
    pub(crate) date: &'a str,
    pub(crate) region: &'a str,
}

impl Presigned<'_> {
    /// The signature in hexadecimal digits.
    pub(crate) fn signature(&self, secret: &str) -> String {
        let mut parameters = self.parameters.clone();
        parameters.sort_unstable();
        let query: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut headers = vec![("host", self.host)];
        headers.extend(&self.headers);
        headers.sort_unstable();
        let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let lines = lines.concat();
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let canonical = format!("GET\n/\n{}\n{lines}\n{}\n{EMPTY}", query.join("&"), names.join(";"));
        let day = &self.date[..8];
        let scope = format!("{day}/{}/sts/aws4_request", self.region);
        let to_sign = format!(
            "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
            self.date,
            hex(&Sha256::digest(canonical.as_bytes()))
        );
        let first = mac(format!("AWS4{secret}").as_bytes(), day);
        let key = [self.region, "sts", "aws4_request"].iter().fold(first, |key, part| mac(&key, part));
        hex(&mac(&key, &to_sign))
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}
