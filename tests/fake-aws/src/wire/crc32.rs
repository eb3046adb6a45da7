//! CRC-32 (IEEE 802.3), the checksum that SDKs add to S3 uploads by default.

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { 0xEDB8_8320 ^ (value >> 1) } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

/// The checksum of `bytes`.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| TABLE[((crc ^ u32::from(*byte)) & 0xFF) as usize] ^ (crc >> 8))
}

/// The checksum in the format of `x-amz-checksum-crc32`: big-endian, in Base64.
pub(crate) fn crc32_base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    // Four bytes are 32 bits: six characters, the last of which holds two bits.
    let bits = u64::from(crc32(bytes)) << 4;
    let text: String =
        (0..6).rev().map(|place| char::from(ALPHABET[(bits >> (6 * place)) as usize & 63])).collect();
    text + "=="
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32_base64(b"123456789"), "y/Q5Jg==");
        assert_eq!(crc32_base64(b""), "AAAAAA==");
    }
}
