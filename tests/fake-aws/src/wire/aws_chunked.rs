//! `aws-chunked`: the content encoding of S3 uploads whose checksum follows the body.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>

use super::Refusal;

/// A body and its trailers.
pub(crate) type Decoded = (Vec<u8>, Vec<(String, String)>);

/// The body and its trailers (`x-amz-checksum-crc32: ...`); chunk signatures are not checked.
pub(crate) fn decode(mut rest: &[u8]) -> Result<Decoded, Refusal> {
    let mut body = Vec::with_capacity(rest.len());
    loop {
        let line = take_line(&mut rest)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| broken())?;
        if size == 0 {
            return Ok((body, trailers(rest)));
        }
        body.extend_from_slice(rest.get(..size).ok_or_else(broken)?);
        rest = rest[size..].strip_prefix(b"\r\n").ok_or_else(broken)?;
    }
}

fn trailers(rest: &[u8]) -> Vec<(String, String)> {
    String::from_utf8_lossy(rest)
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect()
}

fn take_line<'a>(rest: &mut &'a [u8]) -> Result<&'a str, Refusal> {
    let end = rest.windows(2).position(|pair| pair == b"\r\n").ok_or_else(broken)?;
    let (line, after) = rest.split_at(end);
    *rest = &after[2..];
    std::str::from_utf8(line).map_err(|_| broken())
}

fn broken() -> Refusal {
    Refusal::bad("IncompleteBody", "The aws-chunked body is not well formed.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_and_trailer() {
        let wire =
            b"5\r\nhello\r\n6;chunk-signature=ab\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n";
        let (body, trailers) = decode(wire).unwrap();
        assert_eq!(body, b"hello world");
        assert_eq!(trailers, [("x-amz-checksum-crc32".to_owned(), "DUoRhQ==".to_owned())]);
        assert!(decode(b"5\r\nhel").is_err());
        assert!(decode(b"hello").is_err());
    }
}
