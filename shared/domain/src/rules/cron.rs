//! The five fields of cron: minute, hour, day of the month, month, weekday (crontab(5)).

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time};

/// Times of day on certain days, such as `30 2 * * SUN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cron {
    /// The expression as written.
    text: String,
    /// The numbers that each field allows, one bit per number.
    allowed: [u64; 5],
    /// Whether day of the month or weekday starts with `*`. If neither does, a day needs to match
    /// only one of the two.
    any_day: bool,
}

/// Why a text is not a valid cron expression; names the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCron {
    /// Too few or too many fields.
    #[error("`{0}` has {1} fields instead of five: minute, hour, day of the month, month, weekday")]
    Fields(String, usize),
    /// An invalid field.
    #[error("the {field} cannot be `{text}`{why}: write {expected}")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// The invalid part.
        text: String,
        /// What is wrong, if that is not obvious, starting with a comma.
        why: &'static str,
        /// Allowed content of the field.
        expected: &'static str,
    },
    /// A date that does not exist, such as February 30.
    #[error("`{0}` never occurs: there is no such date")]
    Never(String),
}

struct Field {
    name: &'static str,
    least: u8,
    most: u8,
    /// Names of the numbers, starting at `least`.
    names: &'static [&'static str],
    expected: &'static str,
}

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const FIELDS: [Field; 5] = [
    Field {
        name: "minute",
        least: 0,
        most: 59,
        names: &[],
        expected: "*, 0 to 59, a list, a range or a step",
    },
    Field { name: "hour", least: 0, most: 23, names: &[], expected: "*, 0 to 23, a list, a range or a step" },
    Field {
        name: "day of the month",
        least: 1,
        most: 31,
        names: &[],
        expected: "*, 1 to 31, a list, a range or a step",
    },
    Field {
        name: "month",
        least: 1,
        most: 12,
        names: MONTHS,
        expected: "*, 1 to 12, JAN to DEC, a list, a range or a step",
    },
    // 0 and 7 are both Sunday.
    Field {
        name: "weekday",
        least: 0,
        most: 7,
        names: WEEKDAYS,
        expected: "*, 0 to 7, SUN to SAT, a list, a range or a step",
    },
];

const DAY: usize = 2;
const MONTH: usize = 3;
const WEEKDAY: usize = 4;

impl Field {
    fn bad(&self, text: &str, why: &'static str) -> BadCron {
        BadCron::Field { field: self.name, text: text.to_owned(), why, expected: self.expected }
    }

    /// The numbers that a list of ranges allows.
    fn read(&self, text: &str) -> Result<u64, BadCron> {
        let mut allowed = 0;
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => {
                    (range, step.parse().ok().filter(|step| (1..=self.most).contains(step)))
                }
                None => (part, Some(1)),
            };
            let step: u8 = step.ok_or_else(|| self.bad(part, ", which has an invalid step"))?;
            let (from, to) = if range == "*" {
                (self.least, self.most)
            } else if let Some((from, to)) = range.split_once('-') {
                (self.number(from)?, self.number(to)?)
            } else {
                let number = self.number(range)?;
                (number, number)
            };
            if from > to {
                return Err(self.bad(range, ", which ends before it begins"));
            }
            if step > 1 && from == to {
                return Err(self.bad(part, ", a step without a range"));
            }
            allowed |= (from..=to).step_by(step.into()).fold(0, |bits, number| bits | 1_u64 << number);
        }
        Ok(allowed)
    }

    fn number(&self, text: &str) -> Result<u8, BadCron> {
        let named = || {
            let index = self.names.iter().position(|name| name.eq_ignore_ascii_case(text))?;
            u8::try_from(index).ok().map(|index| index + self.least)
        };
        let written = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        let number = written.or_else(named).filter(|number| (self.least..=self.most).contains(number));
        number.ok_or_else(|| self.bad(text, ""))
    }
}

impl FromStr for Cron {
    type Err = BadCron;

    fn from_str(text: &str) -> Result<Self, BadCron> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        if fields.len() != FIELDS.len() {
            return Err(BadCron::Fields(text.to_owned(), fields.len()));
        }
        let mut allowed = [0; 5];
        for (i, field) in FIELDS.iter().enumerate() {
            allowed[i] = field.read(fields[i])?;
        }
        if has(allowed[WEEKDAY], 7) {
            allowed[WEEKDAY] |= 1;
        }
        let any_day = fields[DAY].starts_with('*') || fields[WEEKDAY].starts_with('*');
        let cron = Self { text: fields.join(" "), allowed, any_day };
        // 2024 is a leap year, so it has all possible dates. If both fields are restricted, the
        // weekday always occurs.
        let occurs = (1..=12).any(|month| {
            let days = Date::new(2024, month, 1).map_or(0, Date::days_in_month);
            has(allowed[MONTH], month) && (1..=days).any(|day| has(allowed[DAY], day))
        });
        if occurs || !any_day { Ok(cron) } else { Err(BadCron::Never(text.to_owned())) }
    }
}

fn has(bits: u64, number: i8) -> bool {
    bits >> number & 1 == 1
}

impl Cron {
    /// Whether it includes this day.
    pub(super) fn falls_on(&self, date: Date) -> bool {
        let by_day = has(self.allowed[DAY], date.day());
        let by_weekday = has(self.allowed[WEEKDAY], date.weekday().to_sunday_zero_offset());
        let day = if self.any_day { by_day && by_weekday } else { by_day || by_weekday };
        day && has(self.allowed[MONTH], date.month())
    }

    /// The times on a matching day, latest first.
    pub(super) fn times(&self) -> impl Iterator<Item = Time> {
        let [minutes, hours, ..] = self.allowed;
        let hours = (0..24_i8).rev().filter(move |&hour| has(hours, hour));
        hours.flat_map(move |hour| {
            let minutes = (0..60_i8).rev().filter(move |&minute| has(minutes, minute));
            minutes.filter_map(move |minute| Time::new(hour, minute, 0, 0).ok())
        })
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn cron(text: &str) -> Cron {
        text.parse().unwrap()
    }

    #[test]
    fn lists_ranges_steps_and_names_are_read() {
        let times = |text: &str| cron(text).times().map(|time| time.to_string()).collect::<Vec<_>>();
        assert_eq!(times("30 2 * * *"), ["02:30:00"]);
        assert_eq!(times("0,15 1-2 * * *"), ["02:15:00", "02:00:00", "01:15:00", "01:00:00"]);
        assert_eq!(times("*/20 23 * * *"), ["23:40:00", "23:20:00", "23:00:00"]);
        assert_eq!(times("10-50/20 0 * * *"), ["00:50:00", "00:30:00", "00:10:00"]);
        assert_eq!(times("* * * * *").len(), 1440);
        // 2026-11-22 is a Sunday.
        let (sunday, monday) = (date(2026, 11, 22), date(2026, 11, 23));
        for text in
            ["0 0 * * SUN", "0 0 * * sun", "0 0 * * 0", "0 0 * * 7", "0 0 * NOV SAT,SUN", "0 0 22 11 *"]
        {
            assert!(cron(text).falls_on(sunday) && !cron(text).falls_on(monday), "{text}");
        }
        assert!(cron("0 0 * * MON-FRI").falls_on(monday) && !cron("0 0 * * MON-FRI").falls_on(sunday));
    }

    #[test]
    fn a_day_of_the_month_or_a_weekday_is_enough_if_both_are_restricted() {
        let both = cron("0 0 1 * MON");
        assert!(both.falls_on(date(2026, 11, 1)) && both.falls_on(date(2026, 11, 23)));
        assert!(!both.falls_on(date(2026, 11, 22)));
        // As in crontab(5), a field that begins with `*` restricts further instead.
        let odd_mondays = cron("0 0 */2 * MON");
        assert!(odd_mondays.falls_on(date(2026, 11, 23)) && !odd_mondays.falls_on(date(2026, 11, 16)));
    }

    #[test]
    fn errors_name_the_field() {
        for (text, part) in [
            ("0 2 * *", "has 4 fields instead of five: minute, hour"),
            ("@daily", "has 1 fields"),
            ("60 2 * * *", "the minute cannot be `60`: write *, 0 to 59"),
            ("0 24 * * *", "the hour cannot be `24`"),
            ("0 2 0 * *", "the day of the month cannot be `0`"),
            ("0 2 L * *", "the day of the month cannot be `L`"),
            ("0 2 * 13 *", "the month cannot be `13`"),
            ("0 2 * JUNE *", "the month cannot be `JUNE`"),
            ("0 2 * * 8", "the weekday cannot be `8`"),
            ("0 2 * * FRI-MON", "the weekday cannot be `FRI-MON`, which ends before it begins"),
            ("*/0 2 * * *", "the minute cannot be `*/0`, which has an invalid step"),
            ("5/15 2 * * *", "the minute cannot be `5/15`, a step without a range"),
            ("0 2 30 FEB *", "never occurs"),
            ("+1 2 * * *", "the minute cannot be `+1`"),
            (", 2 * * *", "the minute cannot be ``"),
        ] {
            let error = text.parse::<Cron>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!("0 2 29 FEB *".parse::<Cron>().is_ok());
    }
}
