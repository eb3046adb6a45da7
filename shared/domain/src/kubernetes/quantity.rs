//! Resource quantities, such as `250m`, `1536Mi` or `107374182400m` (Kubernetes API, "Quantity").

use std::cmp::Ordering;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer};

/// Nano units per unit: nano is the finest resolution, and finer amounts are rounded away from
/// zero.
const NANO: i128 = 1_000_000_000;
const MILLION: i128 = 1_000_000;
/// Decimal places of a nano unit.
const NANO_DIGITS: i64 = 9;
/// Maximum number of digits of an `i128`: larger amounts of nano units saturate.
const TOO_LARGE: i64 = 39;

/// An amount of a resource: cores, bytes, or a plain number. Stored exactly, in nano units;
/// compared by amount, not by notation, so `1000m` equals `1`. Amounts above 1.7e29 units saturate.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quantity {
    nanos: i128,
    style: Style,
}

/// The suffix family of the input, which only affects how it is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Style {
    /// `m`, `k`, `M` ...
    #[default]
    Decimal,
    /// `e3`.
    Exponent,
    /// `Ki`, `Mi` ...
    Binary,
}

/// Text that is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a quantity: expected a number with one of the suffixes n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei or \
     an exponent such as e3"
)]
pub struct BadQuantity {
    /// The text that was read.
    pub text: String,
}

impl Quantity {
    /// Zero.
    pub const ZERO: Self = Self { nanos: 0, style: Style::Decimal };

    /// This many units, shown with binary suffixes like amounts of memory.
    pub fn bytes(bytes: i64) -> Self {
        Self { nanos: i128::from(bytes) * NANO, style: Style::Binary }
    }

    /// This many thousandths, such as millicores.
    pub fn millis(millis: i64) -> Self {
        Self { nanos: i128::from(millis) * MILLION, style: Style::Decimal }
    }

    /// Whole units, rounded away from zero. Saturates at the limits of `i64`, where Go's `Value`
    /// overflows.
    pub fn value(self) -> i64 {
        saturate(divide_up(self.nanos, NANO))
    }

    /// Thousandths of a unit, rounded away from zero; saturates at the limits of `i64`.
    pub fn milli(self) -> i64 {
        saturate(divide_up(self.nanos, MILLION))
    }

    /// Billionths of a unit, exactly.
    pub fn nanos(self) -> i128 {
        self.nanos
    }

    /// Units as a float, with its 15 to 17 digits.
    #[expect(clippy::cast_precision_loss, reason = "the caller wants a float")]
    pub fn as_f64(self) -> f64 {
        // Whole units are converted separately, so that they are exact up to 2^53.
        (self.nanos / NANO) as f64 + (self.nanos % NANO) as f64 / NANO as f64
    }

    /// Whether it is zero.
    pub fn is_zero(self) -> bool {
        self.nanos == 0
    }
}

fn saturate(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}

/// Division that rounds away from zero.
fn divide_up(number: i128, by: i128) -> i128 {
    number / by + if number % by == 0 { 0 } else { number.signum() }
}

/// Factor of a suffix: a power of ten or of two.
#[derive(Clone, Copy)]
enum Factor {
    Ten(i64),
    Two(u32),
}

fn factor(suffix: &str) -> Option<(Factor, Style)> {
    let decimal = |exponent| Some((Factor::Ten(exponent), Style::Decimal));
    let binary = |exponent| Some((Factor::Two(exponent), Style::Binary));
    match suffix {
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "" => decimal(0),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(10),
        "Mi" => binary(20),
        "Gi" => binary(30),
        "Ti" => binary(40),
        "Pi" => binary(50),
        "Ei" => binary(60),
        _ => {
            // `12E` has the suffix `E` above, `12E3` an exponent.
            let exponent = suffix.strip_prefix(['e', 'E'])?;
            Some((Factor::Ten(exponent.parse().ok()?), Style::Exponent))
        }
    }
}

impl FromStr for Quantity {
    type Err = BadQuantity;

    /// Parses what Go's `resource.ParseQuantity` parses. As in Go, digits may be missing before or
    /// after the point (`.5`, `5.`), or on both sides, which is zero.
    fn from_str(text: &str) -> Result<Self, BadQuantity> {
        read(text).ok_or_else(|| BadQuantity { text: text.to_owned() })
    }
}

fn read(text: &str) -> Option<Quantity> {
    if text.is_empty() {
        return None;
    }
    let (negative, number) = match text.as_bytes()[0] {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, rest) = digits(number);
    let (fraction, suffix) = rest.strip_prefix('.').map_or(("", rest), digits);
    let (factor, style) = factor(suffix)?;
    let nanos = match factor {
        Factor::Ten(exponent) => decimal(whole, fraction, exponent.saturating_add(NANO_DIGITS)),
        Factor::Two(exponent) => binary(whole, fraction, exponent),
    };
    // A binary amount below one cannot be shown with a binary suffix, and neither can a sum that
    // starts with it.
    let style = if style == Style::Binary && nanos < NANO { Style::Decimal } else { style };
    Some(Quantity { nanos: if negative { -nanos } else { nanos }, style })
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// The number times 10^`shift`, rounded up; `i128::MAX` if it does not fit.
fn decimal(whole: &str, fraction: &str, shift: i64) -> i128 {
    let number = || whole.bytes().chain(fraction.bytes()).skip_while(|digit| *digit == b'0');
    let given = i64::try_from(number().count()).unwrap_or(i64::MAX);
    if given == 0 {
        return 0;
    }
    let shift = shift.saturating_sub(i64::try_from(fraction.len()).unwrap_or(i64::MAX));
    let kept = given.saturating_add(shift);
    if kept > TOO_LARGE {
        return i128::MAX;
    }
    if kept < 0 {
        return 1;
    }
    let mut nanos = 0_i128;
    let mut lost = false;
    for (place, digit) in (0..).zip(number()) {
        if place < kept {
            nanos = nanos.saturating_mul(10).saturating_add(i128::from(digit - b'0'));
        } else {
            lost |= digit != b'0';
        }
    }
    for _ in given..kept {
        nanos = nanos.saturating_mul(10);
    }
    nanos.saturating_add(i128::from(lost))
}

/// The number times a power of two, rounded up, at most 2^63 - 1 units (the cap of Go's
/// `ParseQuantity`).
fn binary(whole: &str, fraction: &str, power: u32) -> i128 {
    let cap = i128::from(i64::MAX) * NANO;
    let whole_units = decimal(whole, "", 0).saturating_mul(1 << power);
    if whole_units > i128::from(i64::MAX) {
        return cap;
    }
    (whole_units * NANO).saturating_add(binary_fraction(fraction, power)).min(cap)
}

/// `0.fraction * 2^power` in nano units, rounded up.
fn binary_fraction(fraction: &str, power: u32) -> i128 {
    let unit = NANO << power;
    // Starts from the last digit. Rounding up at each step equals rounding up once: ceil((n + x) /
    // 10) is ceil((n + ceil(x)) / 10) for an integer n.
    fraction.bytes().rev().fold(0, |behind, digit| divide_up(i128::from(digit - b'0') * unit + behind, 10))
}

impl fmt::Display for Quantity {
    /// The canonical form, in which kubectl shows sums: the largest suffix that needs no fraction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = self.nanos / NANO;
        if self.style == Style::Binary && self.nanos % NANO == 0 && units.abs() >= 1024 {
            let (number, steps) = reduce(units, 1024, 6);
            return write!(f, "{number}{}", ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][steps]);
        }
        match self.style {
            _ if self.nanos == 0 => f.write_str("0"),
            Style::Exponent => match reduce(self.nanos, 1000, usize::MAX) {
                (number, 3) => write!(f, "{number}"),
                (number, steps) => {
                    write!(f, "{number}e{}{}", if steps < 3 { "-" } else { "" }, 3 * steps.abs_diff(3))
                }
            },
            Style::Decimal | Style::Binary => {
                let (number, steps) = reduce(self.nanos, 1000, 9);
                write!(f, "{number}{}", ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"][steps])
            }
        }
    }
}

/// Divides a nonzero number by `by` as long as it is divisible, at most `most` times; also returns
/// the number of divisions.
fn reduce(mut number: i128, by: i128, most: usize) -> (i128, usize) {
    let mut steps = 0;
    while steps < most && number % by == 0 {
        number /= by;
        steps += 1;
    }
    (number, steps)
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl Add for Quantity {
    type Output = Self;

    /// The sum, in the style of the first operand that is not zero.
    fn add(self, other: Self) -> Self {
        let style = if self.is_zero() { other.style } else { self.style };
        Self { nanos: self.nanos.saturating_add(other.nanos), style }
    }
}

impl AddAssign for Quantity {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(quantities: I) -> Self {
        quantities.fold(Self::ZERO, Add::add)
    }
}

impl TryFrom<String> for Quantity {
    type Error = BadQuantity;

    fn try_from(text: String) -> Result<Self, BadQuantity> {
        text.parse()
    }
}

impl<'de> Deserialize<'de> for Quantity {
    /// Reads a string or a bare number; Kubernetes allows both.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RawQuantity::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A quantity as written, so that a bad one can be reported instead of invalidating its page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawQuantity(pub String);

impl RawQuantity {
    /// The amount.
    pub fn parse(&self) -> Result<Quantity, BadQuantity> {
        self.0.trim().parse()
    }
}

impl<'de> Deserialize<'de> for RawQuantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl Visitor<'_> for RawVisitor {
    type Value = RawQuantity;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a quantity: a string or a number")
    }

    fn visit_str<E>(self, text: &str) -> Result<RawQuantity, E> {
        Ok(RawQuantity(text.to_owned()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<RawQuantity, E> {
        Ok(RawQuantity(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<RawQuantity, E> {
        Ok(RawQuantity(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<RawQuantity, E> {
        Ok(RawQuantity(number.to_string()))
    }

    // Go's `UnmarshalJSON` of a quantity reads `null` as zero.
    fn visit_unit<E>(self) -> Result<RawQuantity, E> {
        Ok(RawQuantity("0".to_owned()))
    }
}
