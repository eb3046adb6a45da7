//! Thresholds in the user's file, with or without a unit.

use crate::model::cluster::BadName;
use crate::model::metric::{CPU_UNITS_PER_VCPU, Unit};

/// A threshold: a number in the unit of the measure, or a number with a unit.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(transparent)]
pub struct ThresholdText(pub String);

impl ThresholdText {
    /// The threshold in the measure's unit. CloudWatch counts CPU in units of 1/1024 vCPU, so `0.8
    /// vCPU` is 819.2; and its megabytes are those in which ECS reserves memory, 1,048,576 bytes,
    /// so `4 GB` and `4 GiB` are both 4096.
    pub fn in_unit(&self, unit: Unit) -> Result<f64, BadName> {
        let text = self.0.trim();
        let split = text.find(|c: char| c.is_alphabetic() || c == '%').unwrap_or(text.len());
        let (number, suffix) = (text[..split].trim(), text[split..].trim());
        match (number.parse::<f64>(), factor(suffix, unit)) {
            (Ok(value), Some(factor)) if value.is_finite() => Ok(value * factor),
            _ => Err(BadName {
                text: self.0.clone(),
                what: "threshold for this measure",
                expected: match unit {
                    Unit::Percent => "a percentage such as 80 or `80 %`",
                    Unit::CpuUnits => "CPU units such as 819.2, or `0.8 vCPU`",
                    Unit::Megabytes => "a number of megabytes such as 412, or `412 MB` or `2 GB`",
                    Unit::Gigabytes => "a number of gigabytes such as 18, or `18 GB` or `512 MB`",
                    Unit::Bytes => "a number of bytes such as 1048576, or `1 MB`",
                    Unit::BytesPerSecond => "a number of bytes per second such as 1048576, or `1 MB/s`",
                    Unit::Seconds => "a number of seconds such as 0.5, or `500 ms` or `10 min`",
                    Unit::Milliseconds => "a number of milliseconds such as 500, or `0.5 s`",
                    Unit::Count => "a number without a unit",
                },
            }),
        }
    }
}

/// Conversion factor from the written unit to the unit of the measure; `None` if they are not
/// convertible.
fn factor(suffix: &str, unit: Unit) -> Option<f64> {
    let bytes = |word: &str| match word {
        "B" => Some(1.0),
        "KB" | "KiB" => Some(1024.0),
        "MB" | "MiB" => Some(1024.0 * 1024.0),
        "GB" | "GiB" => Some(1024.0 * 1024.0 * 1024.0),
        "TB" | "TiB" => Some(1024.0 * 1024.0 * 1024.0 * 1024.0),
        _ => None,
    };
    match (suffix, unit) {
        ("", _) | ("%", Unit::Percent) | ("s", Unit::Seconds) | ("ms", Unit::Milliseconds) => Some(1.0),
        ("vCPU", Unit::CpuUnits) => Some(CPU_UNITS_PER_VCPU),
        (_, Unit::Bytes) => bytes(suffix),
        (_, Unit::Megabytes) => bytes(suffix).map(|bytes| bytes / (1024.0 * 1024.0)),
        (_, Unit::Gigabytes) => bytes(suffix).map(|bytes| bytes / (1024.0 * 1024.0 * 1024.0)),
        (_, Unit::BytesPerSecond) => bytes(suffix.strip_suffix("/s")?),
        ("ms", Unit::Seconds) => Some(0.001),
        ("s", Unit::Milliseconds) => Some(1000.0),
        ("min", Unit::Seconds) => Some(60.0),
        ("h", Unit::Seconds) => Some(3600.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threshold(text: &str, unit: Unit) -> Result<f64, BadName> {
        ThresholdText(text.to_owned()).in_unit(unit)
    }

    #[test]
    fn t2_a_threshold_in_vcpu_is_scaled_to_cpu_units() {
        assert_eq!(threshold("0.8 vCPU", Unit::CpuUnits).unwrap(), 819.2);
        assert_eq!(threshold("819.2", Unit::CpuUnits).unwrap(), 819.2);
        assert!(threshold("0.8 vCPU", Unit::Percent).is_err());
    }

    #[test]
    fn amounts_are_converted_to_the_unit_of_the_measure() {
        for (text, unit, value) in [
            ("4 GB", Unit::Megabytes, 4096.0),
            ("512 MB", Unit::Megabytes, 512.0),
            ("512MiB", Unit::Megabytes, 512.0),
            ("20 GiB", Unit::Gigabytes, 20.0),
            ("512 MB", Unit::Gigabytes, 0.5),
            ("1 KB", Unit::Bytes, 1024.0),
            ("1.5 MB/s", Unit::BytesPerSecond, 1_572_864.0),
            ("500 ms", Unit::Seconds, 0.5),
            ("2 s", Unit::Milliseconds, 2000.0),
            ("10 min", Unit::Seconds, 600.0),
            ("1.5 h", Unit::Seconds, 5400.0),
            ("-1", Unit::Count, -1.0),
            ("80 %", Unit::Percent, 80.0),
            ("80%", Unit::Percent, 80.0),
        ] {
            assert_eq!(threshold(text, unit).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn t1_a_unit_that_cannot_be_converted_is_rejected() {
        for (text, unit) in [
            ("80 %", Unit::Megabytes),
            ("80 %", Unit::Count),
            ("4 GB", Unit::Percent),
            ("1 MB", Unit::BytesPerSecond),
            ("0.8 vcpu", Unit::CpuUnits),
            ("", Unit::Percent),
            ("high", Unit::Percent),
            ("% 80", Unit::Percent),
            ("80 % %", Unit::Percent),
            ("inf", Unit::Percent),
            ("1e400", Unit::Percent),
        ] {
            assert!(threshold(text, unit).is_err(), "{text}");
        }
    }
}
