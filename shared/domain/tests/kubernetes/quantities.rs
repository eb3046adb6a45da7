//! Quantities against the table that Go's `resource.ParseQuantity` made.

use fargaze::kubernetes::quantity::Quantity;
use proptest::prelude::*;

use super::text;

/// The decimal column in nano units; none if 128 bits cannot hold it.
fn nanos(decimal: &str) -> Option<i128> {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    assert!(fraction.len() <= 9, "{decimal}");
    format!("{whole}{fraction:0<9}").parse().ok()
}

/// What Go gives for a number of so many units or thousandths, where it does not overflow.
fn up(nanos: i128, unit: i128) -> Option<i64> {
    let rest = nanos % unit;
    i64::try_from(nanos / unit + if rest == 0 { 0 } else { rest.signum() }).ok()
}

#[test]
fn the_table_of_go_is_met() {
    let table = text("quantities.tsv");
    let mut overflows = Vec::new();
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let input = columns[0];
        let read = input.parse::<Quantity>();
        let [_, decimal, value, milli, canonical] = columns[..] else {
            assert_eq!(columns[1], "ERR", "{line}");
            assert!(read.is_err(), "{input} is {read:?}");
            continue;
        };
        let read = read.unwrap();
        let Some(exact) = nanos(decimal) else {
            assert_eq!(read.nanos(), i128::MAX, "{input}");
            overflows.push(input);
            continue;
        };
        assert_eq!(read.nanos(), exact, "{input}");
        // Where Go's own 64 bits overflow, the nearest number is given instead.
        assert_eq!(read.value(), up(exact, 1_000_000_000).unwrap_or(i64::MAX), "{input}");
        assert_eq!(read.milli(), up(exact, 1_000_000).unwrap_or(i64::MAX), "{input}");
        if up(exact, 1_000_000_000).is_some() {
            assert_eq!(read.value().to_string(), value, "{input}");
        }
        if up(exact, 1_000_000).is_some() {
            assert_eq!(read.milli().to_string(), milli, "{input}");
        }
        // Go remembers three inputs as they were written instead of making them canonical.
        let canonical = match canonical {
            "+1" => "1",
            "5." => "5",
            "1E3" => "1e3",
            other => other,
        };
        assert_eq!(read.to_string(), canonical, "{input}");
    }
    assert_eq!(overflows, ["1e400"]);
}

#[test]
fn go_reads_missing_digits_as_zero_and_nothing_as_an_error() {
    for text in ["+", "-", ".", "Ki", "m", "0", "-0", "00.00", "0e99999", "0Ei"] {
        assert_eq!(text.parse::<Quantity>(), Ok(Quantity::ZERO), "{text}");
    }
    for text in [
        "",
        " ",
        "e",
        "1e",
        "1e+",
        "1ee3",
        "--1",
        "1.2.3",
        "1Ki1",
        "1iK",
        "1 ",
        "٣",
        "1e99999999999999999999",
    ] {
        assert!(text.parse::<Quantity>().is_err(), "{text}");
    }
}

#[test]
fn what_is_finer_than_nano_is_rounded_away_from_zero() {
    for (text, nanos) in [
        ("0.1n", 1),
        ("-0.1n", -1),
        ("1.000000000000000000000000000000000000000000000000000000000000001n", 2),
        ("1e-400", 1),
        ("0.00000000000000000000001Ki", 1),
        ("0.0009765625Ki", 1_000_000_000),
        ("1.0000000000009765625Ki", 1_024_000_000_001),
        ("0000000000000000000000000000000000000000000000000000001", 1_000_000_000),
    ] {
        assert_eq!(text.parse::<Quantity>().unwrap().nanos(), nanos, "{text}");
    }
    let error = "1 Gi".parse::<Quantity>().unwrap_err().to_string();
    assert!(error.starts_with("\"1 Gi\" is not a quantity: expected a number"), "{error}");
}

#[test]
fn a_sum_is_shown_as_its_first_part() {
    let sum = |parts: &[&str]| {
        parts.iter().map(|part| part.parse::<Quantity>().unwrap()).sum::<Quantity>().to_string()
    };
    assert_eq!(sum(&["250m", "3"]), "3250m");
    assert_eq!(sum(&["512Mi", "512Mi"]), "1Gi");
    assert_eq!(sum(&["0", "512Mi"]), "512Mi");
    assert_eq!(sum(&["1G", "1Gi"]), "2073741824");
    assert_eq!(sum(&["1Gi", "1"]), "1073741825");
    assert_eq!(sum(&[]), "0");
    assert_eq!(Quantity::bytes(16_321_500 * 1024).to_string(), "16321500Ki");
    assert_eq!(Quantity::millis(1500).to_string(), "1500m");
}

#[test]
fn json_may_hold_a_string_or_a_number() {
    let read = |json: &str| serde_json::from_str::<Quantity>(json);
    assert_eq!(read("\"1.5Gi\"").unwrap(), Quantity::bytes(1_610_612_736));
    assert_eq!(read("2").unwrap(), Quantity::millis(2000));
    assert_eq!(read("0.25").unwrap(), Quantity::millis(250));
    assert_eq!(read("null").unwrap(), Quantity::ZERO);
    assert!(read("\"1K\"").is_err() && read("{}").is_err());
    assert_eq!(Quantity::try_from("1k".to_owned()).unwrap().value(), 1000);
}

proptest! {
    #[test]
    fn no_text_panics(text in ".*|[+-]?[0-9.]{0,40}[eEinumkKMGTP]{0,3}[+-]?[0-9]{0,22}") {
        let _ = text.parse::<Quantity>().map(|read| (read.to_string(), read.value(), read.milli(), read + read));
    }

    #[test]
    fn the_canonical_form_means_the_same(
        number in any::<i32>(),
        fraction in "(\\.[0-9]{1,6})?",
        suffix in prop::sample::select(vec!["n", "u", "m", "", "k", "M", "G", "Ki", "Mi", "Gi", "Ti", "e3", "E-2"]),
    ) {
        let read: Quantity = format!("{number}{fraction}{suffix}").parse().unwrap();
        let shown = read.to_string();
        prop_assert_eq!(shown.parse::<Quantity>().unwrap(), read);
        prop_assert_eq!(shown.parse::<Quantity>().unwrap().to_string(), shown);
    }

    #[test]
    fn amounts_are_ordered_and_added_as_numbers(one in any::<i64>(), other in any::<i64>()) {
        let nano = |number: i64| format!("{number}n").parse::<Quantity>().unwrap();
        prop_assert_eq!(nano(one).cmp(&nano(other)), one.cmp(&other));
        prop_assert_eq!((nano(one) + nano(other)).nanos(), i128::from(one) + i128::from(other));
        prop_assert!((nano(one).as_f64() * 1e9 - one as f64).abs() <= (one as f64).abs() * 1e-15);
    }

    #[test]
    fn a_whole_value_is_never_less_than_the_amount(millis in any::<i64>()) {
        let amount = Quantity::millis(millis);
        prop_assert_eq!(amount.milli(), millis);
        prop_assert!(i128::from(amount.value()).abs() * 1000 >= i128::from(millis).abs());
        prop_assert!((i128::from(amount.value()).abs() - 1) * 1000 < i128::from(millis).abs() || millis == 0);
    }
}
