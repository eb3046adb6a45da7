//! Endless listings: empty pages with a next token, in each service's wire format.

use serde_json::{Value, json};

use crate::service::{Service, Target};
use crate::wire::xml::element;
use crate::wire::{Answer, Outcome, cbor, json as json_wire, rest_xml};

/// How the pages of a listing continue endlessly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endless {
    /// A cycle of this many tokens: with 1 a page names itself, with 2 the tokens are A, B, A, and
    /// so on.
    Circle(usize),
    /// Each page has a different token.
    EmptyPages,
}

impl Endless {
    /// The token of the nth page, counted from 0.
    fn token(self, page: usize) -> String {
        match self {
            Self::Circle(length) => format!("circle-{}", page % length),
            Self::EmptyPages => format!("page-{page}"),
        }
    }

    /// The nth page of an endless listing.
    pub(crate) fn page(self, target: &Target, page: usize) -> Outcome {
        let token = self.token(page);
        let rest_json = |body: &Value| Answer::ok("application/json", body.to_string().into_bytes());
        Ok(match target.service {
            Service::Ecs | Service::Logs => {
                json_wire::output(json_wire::Version::V1_1, &json!({ "nextToken": token }))
            }
            Service::Eks => rest_json(&json!({ "nextToken": token })),
            Service::DynamoDb => {
                let key = json!({ "pk": { "S": "endless" }, "sk": { "S": token } });
                let page = json!({ "Items": [], "Count": 0, "ScannedCount": 0, "LastEvaluatedKey": key });
                json_wire::output(json_wire::Version::V1_0, &page)
            }
            Service::CloudWatch => {
                let mut out = cbor::Writer::with_capacity(50);
                out.map(1).text("NextToken").text(&token);
                out.output()
            }
            Service::S3 => {
                let page = element("IsTruncated", "true") + &element("NextContinuationToken", &token);
                rest_xml::output("ListBucketResult", &page)
            }
            Service::Sns | Service::Sqs | Service::Sts => return Err(target.unknown()),
        })
    }
}
