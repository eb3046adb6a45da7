//! Walks over lists of more than one page.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use common::{names, seeded};

#[tokio::test]
async fn a_walk_sees_every_pod_once_in_the_order_of_the_server() {
    let (server, client) = seeded(1_200).await;
    let names = names(&client, "/api/v1/pods").await.unwrap();
    let expected: Vec<String> =
        server.estate().pods().map(|pod| format!("{}/{}", pod.namespace, pod.name)).collect();
    assert_eq!(names, expected);
    assert_eq!(names.len(), 1_201);
    assert_eq!((server.meter().count("/api/v1/pods?limit=500"), client.calls()), (3, 3));
    assert_eq!(u64::try_from(server.meter().bytes()).unwrap(), client.bytes());
    assert!(client.bytes() < 1_500_000, "gzip: {}", client.bytes());
}
