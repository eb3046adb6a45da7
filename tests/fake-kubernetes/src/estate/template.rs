//! Objects of the real server, over which the generated ones are written, so that they have the
//! same size and all fields.

use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::Value;

/// A running pod of two containers with probes, environment and `managedFields`: 8.6 KB.
pub(crate) static POD: LazyLock<Value> =
    LazyLock::new(|| first_item(include_str!("../../../fixtures/kubernetes/pods_page1.body")));

/// A node of Fargate.
pub(crate) static NODE: LazyLock<Value> =
    LazyLock::new(|| first_item(include_str!("../../../fixtures/kubernetes/nodes_page1.body")));

fn first_item(list: &str) -> Value {
    let list: Value = serde_json::from_str(list).unwrap();
    list["items"][0].clone()
}

/// A uid that depends only on the words: FNV-1a, twice.
pub(crate) fn uid(words: &[&str]) -> String {
    let hash = |start: u64| {
        let bytes = words.iter().flat_map(|word| word.bytes().chain([0]));
        bytes.fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    };
    let (high, low) = (hash(0xcbf2_9ce4_8422_2325), hash(0x8422_2325_cbf2_9ce4));
    let hex = format!("{high:016x}{low:016x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Time in the server's format: whole seconds.
pub(crate) fn time(at: Timestamp) -> Value {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into()
}
