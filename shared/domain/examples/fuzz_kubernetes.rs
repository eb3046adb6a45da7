//! Fuzzes all parsers of Kubernetes responses with randomly mutated recordings.
//!
//! ```text
//! cargo run -p fargaze --example fuzz_kubernetes -- 600      for 600 seconds; exits with code 1 after a panic
//! cargo run --release -p fargaze --example fuzz_kubernetes -- bench      speed of the parser of cAdvisor pages
//! ```
//!
//! Built without `--release`, it also finds overflows. A panic prints the input, so that it can be
//! turned into a test.
#![expect(clippy::print_stdout, reason = "its output is the result")]

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::panic::catch_unwind;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use fargaze::evidence::pods::{PodCounters, PodRates};
use fargaze::kubernetes::api::{List, Pod, PodMetrics};
use fargaze::kubernetes::cadvisor;
use fargaze::kubernetes::fargate::{expected_size, size_but_for_overhead};
use fargaze::kubernetes::logging::{Outputs, check};
use fargaze::kubernetes::pod::PodFacts;
use fargaze::kubernetes::prometheus::parse;
use fargaze::kubernetes::quantity::Quantity;
use fargaze::kubernetes::usage::PodUsage;
use jiff::Timestamp;

/// Marsaglia's generator, always with the same seed.
struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}

/// Fragments with a meaning in the formats.
const PIECES: [&str; 32] = [
    "{",
    "}",
    "\"",
    "\\",
    "=",
    ",",
    "\n",
    " ",
    "\t",
    "#",
    "1e999",
    "-",
    "9223372036854775808",
    "NaN",
    "\u{3bc}s",
    "Ki",
    "e-400",
    ".",
    "null",
    "[]",
    "[OUTPUT]\n",
    "[FILTER]\n",
    "Name kubernetes\n",
    "${A}",
    "Kube_URL",
    "é",
    "\r\n",
    "0",
    "Ei",
    "\"CapacityProvisioned\":\"1vCPU 2GB\"",
    "170141183460469231731687303715884105728",
    "2562047h",
];

/// Mutates a seed: cuts, copies, flips and fragments at random positions.
fn mutate(seed: &[u8], random: &mut Xorshift) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(8) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(40)).min(bytes.len());
        match random.below(6) {
            0 => bytes.truncate(at.max(bytes.len() / 2)),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let copy = bytes[at..end].to_vec();
                let to = random.below(bytes.len() + 1);
                drop(bytes.splice(to..to, copy));
            }
            3 if at < bytes.len() => bytes[at] = random.next().to_le_bytes()[0],
            _ => drop(bytes.splice(at..at, PIECES[random.below(PIECES.len())].bytes())),
        }
    }
    bytes
}

fn quantity(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(read) = text.parse::<Quantity>() {
        let shown: Result<Quantity, _> = read.to_string().parse();
        assert_eq!(shown, Ok(read), "{read:?}");
        black_box((read.value(), read.milli(), read.as_f64(), read + read));
    }
}

fn prometheus(bytes: &[u8]) {
    let mut samples = 0;
    let report = parse(bytes, |sample| samples += u64::from(!sample.name.is_empty()));
    assert_eq!(samples, report.samples);
    let page = cadvisor::read(bytes, Timestamp::UNIX_EPOCH);
    assert_eq!(page.report, report);
    for counters in page.pods.values() {
        let rates = [counters.rates_since(counters), counters.rates_since(&PodCounters::default())];
        assert_eq!(rates, [PodRates::default(), PodRates::default()], "no time passed");
    }
}

fn logging(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let data: BTreeMap<String, String> = ["output.conf", "filters.conf", "parsers.conf", "flb_log_cw"]
        .map(|key| (key.to_owned(), text.clone()))
        .into();
    let problems = check(&BTreeMap::new(), &data);
    assert!(problems.iter().all(|problem| !problem.to_string().is_empty()));
    black_box(Outputs::read(&data));
}

fn pods(bytes: &[u8]) {
    if let Ok(list) = serde_json::from_slice::<List<Pod>>(bytes) {
        for pod in list.items.into_iter().map(PodFacts::read) {
            black_box((expected_size(&pod.requests), size_but_for_overhead(&pod.requests)));
        }
    }
    if let Ok(list) = serde_json::from_slice::<List<PodMetrics>>(bytes) {
        list.items.into_iter().for_each(|metrics| drop(black_box(PodUsage::read(metrics))));
    }
}

/// How long one parser is fuzzed before the next.
const SLICE: Duration = Duration::from_millis(20);

/// A parser with its name and seeds.
type Target = (&'static str, fn(&[u8]), Vec<Vec<u8>>);

fn fixture(name: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "..", "..", "tests", "fixtures", "kubernetes", name].iter().collect();
    std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn targets() -> Result<Vec<Target>, Box<dyn Error>> {
    let table = String::from_utf8(fixture("quantities.tsv")?)?;
    let quantities =
        table.lines().skip(1).filter_map(|line| line.split('\t').next()).map(|text| text.as_bytes().to_vec());
    let config: serde_json::Value = serde_json::from_slice(&fixture("configmap_aws_logging.body")?)?;
    let output = config["data"]["output.conf"].as_str().unwrap_or_default().as_bytes().to_vec();
    // A few lines of a page each: with whole pages, the number of inputs would be three orders of
    // magnitude lower.
    let page = fixture("proxy_cadvisor.body")?;
    let lines: Vec<&[u8]> = page.split_inclusive(|byte| *byte == b'\n').collect();
    let pages = lines.chunks(4).map(<[&[u8]]>::concat).collect();
    let names = ["pod_pending.body", "pods_crashloop.body", "podmetrics_fake_server.body"];
    let mut lists: Vec<Vec<u8>> = names.into_iter().map(fixture).collect::<Result<_, _>>()?;
    lists[0] = [b"{\"items\":[".as_slice(), &lists[0], b"]}"].concat();
    Ok(vec![
        ("quantity", quantity, quantities.collect()),
        ("prometheus", prometheus, pages),
        ("logging", logging, vec![output]),
        ("pods", pods, lists),
    ])
}

fn fuzz(time: Duration) -> Result<(), Box<dyn Error>> {
    let targets = targets()?;
    let mut random = Xorshift(0x9e37_79b9_7f4a_7c15);
    let mut inputs = vec![0_u64; targets.len()];
    let mut panics = 0;
    let start = Instant::now();
    while start.elapsed() < time {
        for ((name, target, seeds), inputs) in targets.iter().zip(&mut inputs) {
            // The same time for each parser: a list of pods takes a thousand times as long as a
            // quantity.
            let slice = Instant::now();
            while slice.elapsed() < SLICE {
                let input = mutate(&seeds[random.below(seeds.len())], &mut random);
                *inputs += 1;
                if catch_unwind(|| target(&input)).is_err() {
                    panics += 1;
                    println!("{name} panics on {:?}", String::from_utf8_lossy(&input));
                }
            }
        }
    }
    for ((name, ..), inputs) in targets.iter().zip(&inputs) {
        println!("{name}: {inputs} inputs");
    }
    println!("{} inputs in {:.0?}, {panics} panics", inputs.iter().sum::<u64>(), start.elapsed());
    if panics == 0 { Ok(()) } else { Err("a parser panicked, see above".into()) }
}

/// CPU time of this thread; `None` if the kernel does not provide it.
fn time_on_core() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

fn bench() -> Result<(), Box<dyn Error>> {
    let page = fixture("proxy_cadvisor.body")?.repeat(200);
    let mut rounds = Vec::new();
    let mut samples = 0;
    for _ in 0..9 {
        let (start, busy) = (Instant::now(), time_on_core());
        let mut sum = 0.0;
        samples =
            parse(&page, |sample| sum += sample.value + f64::from(u8::from(sample.label("pod").is_some())))
                .samples;
        black_box(sum);
        let busy = busy.zip(time_on_core()).map(|(before, after)| after.saturating_sub(before));
        rounds.push(busy.unwrap_or_else(|| start.elapsed()));
    }
    rounds.sort();
    let bytes = u32::try_from(page.len())?;
    let speed = |time: Duration| f64::from(bytes) / 1e6 / time.as_secs_f64();
    println!(
        "{:.1} MB, {samples} samples: {:.0} MB/s at the median of {} rounds (best {:.0})",
        f64::from(bytes) / 1e6,
        speed(rounds[rounds.len() / 2]),
        rounds.len(),
        speed(rounds[0]),
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1).as_deref() {
        Some("bench") => bench(),
        Some(seconds) => fuzz(Duration::from_secs(seconds.parse()?)),
        None => Err("expected a number of seconds, or `bench`".into()),
    }
}
