//! The part of the language of Logs Insights that the tests need: `fields`, `filter`, `parse`,
//! `stats`, `sort` and `limit`. Everything else is refused, so that no test passes by being ignored.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html>

use std::collections::BTreeMap;

use regex_lite::Regex;

use super::event::Event;
use super::lexer::{Token, Tokens};

/// A row: fields in order.
pub(super) type Row = Vec<(String, String)>;

/// Runs a query over events; they are in no order. Returns the rows, and how many events matched.
pub(super) fn run(text: &str, events: Vec<Event>) -> Result<(Vec<Row>, usize), String> {
    let mut tokens = Tokens::new(text)?;
    let mut state = State { events, rows: None, shown: Vec::new(), matched: None };
    loop {
        let Token::Word(command) = tokens.next() else { return Err("a command is expected".to_owned()) };
        match command.to_ascii_lowercase().as_str() {
            "fields" | "display" => state.fields(&mut tokens)?,
            "filter" => state.filter(&mut tokens)?,
            "parse" => state.parse(&mut tokens)?,
            "stats" => state.stats(&mut tokens)?,
            "sort" => state.sort(&mut tokens)?,
            "limit" => state.limit(&mut tokens)?,
            other => return Err(format!("fake-aws does not fake the command {other}")),
        }
        match tokens.next() {
            Token::End => break,
            Token::Symbol("|") => {}
            other => return Err(format!("unexpected {other:?}")),
        }
    }
    Ok(state.finish())
}

struct State {
    events: Vec<Event>,
    /// Rows, once there are stats.
    rows: Option<Vec<Row>>,
    /// Fields that are shown.
    shown: Vec<String>,
    matched: Option<usize>,
}

impl State {
    fn fields(&mut self, tokens: &mut Tokens) -> Result<(), String> {
        loop {
            let expression = Expression::read(tokens)?;
            let mut name = expression.name();
            if tokens.take_word("as") {
                name = tokens.name()?;
            }
            if !matches!(expression, Expression::Field(_)) {
                for event in &mut self.events {
                    if let Some(value) = expression.value(event) {
                        event.fields.insert(name.clone(), value);
                    }
                }
            }
            self.shown.push(name);
            if !tokens.take(",") {
                return Ok(());
            }
        }
    }

    fn filter(&mut self, tokens: &mut Tokens) -> Result<(), String> {
        let condition = Condition::read(tokens)?;
        self.events.retain(|event| condition.holds(event));
        Ok(())
    }

    fn parse(&mut self, tokens: &mut Tokens) -> Result<(), String> {
        let field = tokens.name()?;
        let Token::Regex(pattern) = tokens.next() else {
            return Err("fake-aws fakes parse with a regular expression only".to_owned());
        };
        let regex = Regex::new(&pattern.replace("(?<", "(?P<")).map_err(|error| error.to_string())?;
        for event in &mut self.events {
            let Some(text) = event.fields.get(&field).cloned() else { continue };
            let Some(found) = regex.captures(&text) else { continue };
            for name in regex.capture_names().flatten() {
                if let Some(part) = found.name(name) {
                    event.fields.insert(name.to_owned(), part.as_str().to_owned());
                }
            }
        }
        Ok(())
    }

    fn stats(&mut self, tokens: &mut Tokens) -> Result<(), String> {
        if self.rows.is_some() {
            return Err("fake-aws fakes one stats command only".to_owned());
        }
        let (mut sums, mut keys) = (Vec::new(), Vec::new());
        loop {
            let expression = Expression::read(tokens)?;
            let mut name = expression.name();
            if tokens.take_word("as") {
                name = tokens.name()?;
            }
            sums.push((name, expression));
            if !tokens.take(",") {
                break;
            }
        }
        if tokens.take_word("by") {
            loop {
                let expression = Expression::read(tokens)?;
                let name = if tokens.take_word("as") { tokens.name()? } else { expression.name() };
                keys.push((name, expression));
                if !tokens.take(",") {
                    break;
                }
            }
        }
        self.matched = Some(self.events.len());
        let mut groups = BTreeMap::<Vec<Option<String>>, Vec<&Event>>::new();
        for event in &self.events {
            let key = keys.iter().map(|(_, expression)| expression.value(event)).collect();
            groups.entry(key).or_default().push(event);
        }
        let mut rows = Vec::new();
        for (key, events) in groups {
            let names = keys.iter().map(|(name, _)| name.clone());
            // A field without a value is missing in the row.
            let mut row: Row = names.zip(key).filter_map(|(name, value)| Some((name, value?))).collect();
            for (name, expression) in &sums {
                row.push((name.clone(), expression.aggregate(&events)?));
            }
            rows.push(row);
        }
        self.rows = Some(rows);
        Ok(())
    }

    fn sort(&mut self, tokens: &mut Tokens) -> Result<(), String> {
        let field = Expression::read(tokens)?.name();
        let descending = tokens.take_word("desc");
        if !descending {
            tokens.take_word("asc");
        }
        let key = |value: Option<&str>| {
            let number = value.and_then(|value| value.parse::<f64>().ok());
            (number.map(|number| (number * 1e3).round() as i64), value.unwrap_or_default().to_owned())
        };
        if let Some(rows) = &mut self.rows {
            let of = |row: &Row| key(row.iter().find(|(name, _)| *name == field).map(|(_, v)| v.as_str()));
            rows.sort_by_key(of);
            if descending {
                rows.reverse();
            }
        } else {
            self.events.sort_by_key(|event| key(event.fields.get(&field).map(String::as_str)));
            if descending {
                self.events.reverse();
            }
        }
        Ok(())
    }

    fn limit(&mut self, tokens: &mut Tokens) -> Result<(), String> {
        let Token::Number(limit) = tokens.next() else { return Err("a number is expected".to_owned()) };
        let limit = limit as usize;
        if let Some(rows) = &mut self.rows {
            rows.truncate(limit);
        } else {
            self.matched.get_or_insert(self.events.len());
            self.events.truncate(limit);
        }
        Ok(())
    }

    fn finish(self) -> (Vec<Row>, usize) {
        let Self { events, rows, mut shown, matched } = self;
        let matched = matched.unwrap_or(events.len());
        if let Some(rows) = rows {
            return (rows, matched);
        }
        if shown.is_empty() {
            shown = vec!["@timestamp".to_owned(), "@message".to_owned()];
        }
        let row = |(number, event): (usize, &Event)| {
            let value = |name: &String| Some((name.clone(), event.fields.get(name)?.clone()));
            let mut row: Row = shown.iter().filter_map(value).collect();
            row.push(("@ptr".to_owned(), format!("ptr{number}")));
            row
        };
        (events.iter().enumerate().map(row).collect(), matched)
    }
}

/// A value of an event, or of many.
#[derive(Clone, Debug)]
enum Expression {
    Field(String),
    Text(String),
    Number(f64),
    Star,
    Call(String, Vec<Expression>, String),
}

impl Expression {
    fn read(tokens: &mut Tokens) -> Result<Self, String> {
        let from = tokens.at();
        match tokens.next() {
            Token::Symbol("*") => Ok(Self::Star),
            Token::Text(text) | Token::Duration(text) => Ok(Self::Text(text)),
            Token::Number(number) => Ok(Self::Number(number)),
            Token::Word(word) if tokens.take("(") => {
                let mut arguments = Vec::new();
                while !tokens.take(")") {
                    arguments.push(Self::read(tokens)?);
                    tokens.take(",");
                }
                Ok(Self::Call(word.to_ascii_lowercase(), arguments, tokens.text_since(from)))
            }
            Token::Word(word) => Ok(Self::Field(word)),
            other => Err(format!("unexpected {other:?}")),
        }
    }

    /// What the field is called without `as`: the text of the expression.
    fn name(&self) -> String {
        match self {
            Self::Field(name) => name.clone(),
            Self::Call(_, _, text) | Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Star => "*".to_owned(),
        }
    }

    fn value(&self, event: &Event) -> Option<String> {
        match self {
            Self::Field(name) => event.fields.get(name).cloned(),
            Self::Text(text) => Some(text.clone()),
            Self::Number(number) => Some(number.to_string()),
            Self::Star => None,
            Self::Call(name, arguments, _) => match name.as_str() {
                "bin" => {
                    let Some(Self::Text(width)) = arguments.first() else { return None };
                    bin(event.fields.get("@timestamp")?, width)
                }
                "concat" => arguments.iter().map(|argument| argument.value(event)).collect(),
                "substr" => {
                    let number = |at: usize| match arguments.get(at) {
                        Some(Self::Number(number)) => *number as usize,
                        _ => 0,
                    };
                    let text = arguments.first()?.value(event)?;
                    Some(text.chars().skip(number(1)).take(number(2)).collect())
                }
                _ => None,
            },
        }
    }

    fn aggregate(&self, events: &[&Event]) -> Result<String, String> {
        let Self::Call(name, arguments, _) = self else {
            return Err("an aggregation is expected".to_owned());
        };
        let mut values: Vec<f64> =
            events.iter().filter_map(|event| arguments.first()?.value(event)?.parse().ok()).collect();
        values.sort_by(f64::total_cmp);
        let result = match name.as_str() {
            "count" => match arguments.first() {
                None | Some(Self::Star) => events.len() as f64,
                Some(field) => events.iter().filter(|event| field.value(event).is_some()).count() as f64,
            },
            "sum" => values.iter().sum(),
            "max" => values.last().copied().unwrap_or_default(),
            "min" => values.first().copied().unwrap_or_default(),
            "avg" => values.iter().sum::<f64>() / values.len().max(1) as f64,
            "pct" => {
                let Some(Self::Number(percentile)) = arguments.get(1) else {
                    return Err("pct needs a percentile".to_owned());
                };
                let place = (percentile / 100.0 * (values.len().max(1) - 1) as f64).round() as usize;
                values.get(place).copied().unwrap_or_default()
            }
            other => return Err(format!("fake-aws does not fake the function {other}")),
        };
        Ok(result.to_string())
    }
}

/// The start of the bin of a time, in the service's format.
fn bin(time: &str, width: &str) -> Option<String> {
    let civil: jiff::civil::DateTime = time.parse().ok()?;
    let at = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
    let digits = width.find(|c: char| !c.is_ascii_digit())?;
    let seconds = width[..digits].parse::<i64>().ok()?
        * match &width[digits..=digits] {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return None,
        };
    let start = jiff::Timestamp::from_second(at.div_euclid(seconds) * seconds).ok()?;
    Some(super::time(start))
}

/// A condition of `filter`.
#[derive(Debug)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Present(Expression),
    Matches(Expression, Regex),
    Contains(Expression, String),
    Compares(Expression, &'static str, Expression),
}

impl Condition {
    fn read(tokens: &mut Tokens) -> Result<Self, String> {
        let mut any = vec![Self::all(tokens)?];
        while tokens.take_word("or") {
            any.push(Self::all(tokens)?);
        }
        Ok(Self::Any(any))
    }

    fn all(tokens: &mut Tokens) -> Result<Self, String> {
        let mut all = vec![Self::one(tokens)?];
        while tokens.take_word("and") {
            all.push(Self::one(tokens)?);
        }
        Ok(Self::All(all))
    }

    fn one(tokens: &mut Tokens) -> Result<Self, String> {
        if tokens.take_word("not") {
            return Ok(Self::Not(Box::new(Self::one(tokens)?)));
        }
        if tokens.take("(") {
            let inner = Self::read(tokens)?;
            if !tokens.take(")") {
                return Err("a closing bracket is missing".to_owned());
            }
            return Ok(inner);
        }
        let left = Expression::read(tokens)?;
        if let Expression::Call(name, arguments, _) = &left
            && name == "ispresent"
        {
            return arguments.first().cloned().map(Self::Present).ok_or("ispresent of what?".to_owned());
        }
        let is_not = tokens.take_word("not");
        if tokens.take_word("like") || tokens.take("=~") {
            let condition = match tokens.next() {
                Token::Regex(pattern) => {
                    Self::Matches(left, Regex::new(&pattern).map_err(|error| error.to_string())?)
                }
                Token::Text(text) => Self::Contains(left, text),
                other => return Err(format!("unexpected {other:?}")),
            };
            return Ok(if is_not { Self::Not(Box::new(condition)) } else { condition });
        }
        let Token::Symbol(operator) = tokens.next() else { return Err("an operator is expected".to_owned()) };
        Ok(Self::Compares(left, operator, Expression::read(tokens)?))
    }

    fn holds(&self, event: &Event) -> bool {
        match self {
            Self::All(all) => all.iter().all(|condition| condition.holds(event)),
            Self::Any(any) => any.iter().any(|condition| condition.holds(event)),
            Self::Not(condition) => !condition.holds(event),
            Self::Present(expression) => expression.value(event).is_some(),
            Self::Matches(expression, regex) => {
                expression.value(event).is_some_and(|value| regex.is_match(&value))
            }
            Self::Contains(expression, text) => {
                expression.value(event).is_some_and(|value| value.contains(text.as_str()))
            }
            Self::Compares(left, operator, right) => {
                let (Some(left), Some(right)) = (left.value(event), right.value(event)) else { return false };
                let order = match (left.parse::<f64>(), right.parse::<f64>()) {
                    (Ok(left), Ok(right)) => left.total_cmp(&right),
                    _ => left.cmp(&right),
                };
                match *operator {
                    "=" => order.is_eq(),
                    "!=" => order.is_ne(),
                    "<" => order.is_lt(),
                    "<=" => order.is_le(),
                    ">" => order.is_gt(),
                    _ => order.is_ge(),
                }
            }
        }
    }
}
