//! Fargate sizes.

use fargaze::kubernetes::fargate::{Provisioned, expected_size, size_but_for_overhead};
use fargaze::kubernetes::resources::Resources;
use proptest::prelude::*;

fn requests(cpu: &str, memory: &str) -> Resources {
    let amount = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
    Resources { cpu: amount(cpu), memory: amount(memory), ..Resources::default() }
}

fn size(cpu: &str, memory: &str) -> Option<String> {
    expected_size(&requests(cpu, memory)).map(|size| size.to_string())
}

#[test]
fn a_pod_gets_256_mb_more_and_the_next_size_up() {
    for (cpu, memory, expected) in [
        ("", "", "0.25vCPU 0.5GB"),
        ("250m", "256Mi", "0.25vCPU 0.5GB"),
        ("250m", "257Mi", "0.25vCPU 1GB"),
        ("250m", "1Gi", "0.25vCPU 2GB"),
        ("250m", "1792Mi", "0.25vCPU 2GB"),
        ("250m", "2Gi", "0.5vCPU 3GB"),
        ("251m", "", "0.5vCPU 1GB"),
        ("1", "1Gi", "1vCPU 2GB"),
        // The guide's own example: 1 vCPU and 8 GB.
        ("1", "8Gi", "2vCPU 9GB"),
        // 4 GB of the article "Key metrics for monitoring AWS Fargate".
        ("", "4Gi", "1vCPU 5GB"),
        ("3", "1Gi", "4vCPU 8GB"),
        ("4", "30Gi", "8vCPU 32GB"),
        ("8", "32Gi", "8vCPU 36GB"),
        ("9", "", "16vCPU 32GB"),
        ("16", "122624Mi", "16vCPU 120GB"),
    ] {
        assert_eq!(size(cpu, memory).as_deref(), Some(expected), "{cpu} {memory}");
    }
    for (cpu, memory) in [("16001m", ""), ("", "120Gi"), ("1", "9E"), ("1", "100000Ei")] {
        assert_eq!(size(cpu, memory), None, "{cpu} {memory}");
    }
}

#[test]
fn every_size_of_fargate_is_given_and_no_other() {
    let gigabytes = |from: i64, to: i64, step: i64| (from..=to).filter(move |gb| (gb - from) % step == 0);
    let rows: [(i64, Vec<i64>); 7] = [
        (250, vec![512, 1024, 2048]),
        (500, gigabytes(1, 4, 1).map(|gb| gb * 1024).collect()),
        (1000, gigabytes(2, 8, 1).map(|gb| gb * 1024).collect()),
        (2000, gigabytes(4, 16, 1).map(|gb| gb * 1024).collect()),
        (4000, gigabytes(8, 30, 1).map(|gb| gb * 1024).collect()),
        (8000, gigabytes(16, 60, 4).map(|gb| gb * 1024).collect()),
        (16_000, gigabytes(32, 120, 8).map(|gb| gb * 1024).collect()),
    ];
    for (millis, memories) in &rows {
        let mut more_than = 0;
        for mebibytes in memories {
            // The largest and smallest request that gets this size, less 256 MB.
            for asked in [(mebibytes - 256) << 20, ((more_than - 256).max(0) << 20) + 1] {
                let size = expected_size(&requests(&format!("{millis}m"), &asked.to_string())).unwrap();
                assert_eq!((size.cpu.milli(), size.memory.value() >> 20), (*millis, *mebibytes), "{asked}");
            }
            more_than = *mebibytes;
        }
    }
}

#[test]
fn a_step_missed_by_the_overhead_is_noticed() {
    for (cpu, memory, smaller) in [
        ("1", "8Gi", Some((1000, 8192))),
        ("250m", "1Gi", Some((250, 1024))),
        ("250m", "2Gi", Some((250, 2048))),
        ("250m", "512Mi", Some((250, 512))),
        ("250m", "700Mi", None),
        ("250m", "769Mi", Some((250, 1024))),
        ("1", "1Gi", None),
        ("", "", None),
        // No size is large enough, so the pod stays pending and costs nothing.
        ("16", "120Gi", None),
        ("17", "1Gi", None),
    ] {
        let found = size_but_for_overhead(&requests(cpu, memory));
        let found = found.map(|size| (size.cpu.milli(), (size.memory >> 20) + 256));
        assert_eq!(found, smaller, "{cpu} {memory}");
    }
}

#[test]
fn gb_are_gib_and_nonsense_is_refused() {
    let size: Provisioned = "0.25vCPU 0.5GB".parse().unwrap();
    assert_eq!((size.cpu.milli(), size.memory.value()), (250, 512 << 20));
    for text in ["0.25vCPU 0.5GB", "16vCPU 120GB"] {
        assert_eq!(text.parse::<Provisioned>().unwrap().to_string(), text);
    }
    for text in [
        "",
        "1vCPU",
        "1vCPU  2GB",
        "1vCPU 2GiB",
        "-1vCPU 2GB",
        "1kvCPU 2GB",
        "1vCPU 2GB ",
        "1.2.3vCPU 2GB",
        ".vCPU 1GB",
    ] {
        assert!(text.parse::<Provisioned>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn a_size_is_enough_and_more_never_gets_less(millis in 0..20_000_i64, mebibytes in 0..140_000_i64, more in 0..5000_i64) {
        let asked = |millis: i64, mebibytes: i64| requests(&format!("{millis}m"), &format!("{mebibytes}Mi"));
        let one = expected_size(&asked(millis, mebibytes));
        let other = expected_size(&asked(millis + more, mebibytes));
        match one {
            Some(size) => {
                prop_assert!(size.cpu.milli() >= millis && size.memory.value() >= (mebibytes + 256) << 20);
                prop_assert!(other.is_none_or(|other| other.cpu >= size.cpu));
                prop_assert_eq!(size.to_string().parse::<Provisioned>().unwrap(), size);
            }
            None => prop_assert!(other.is_none() && (millis > 16_000 || mebibytes + 256 > 120 * 1024)),
        }
    }
}
