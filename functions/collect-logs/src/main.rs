//! `collect-logs`: audits how a target logs.

use collect_logs::{Config, Handler};
use fargaze::invocation::failure::Failure;
use fargaze::invocation::settings::FromSettings;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let sdk = fargaze_aws::load("collect-logs").await;
    let handler = Config::from_env().map(|config| Handler::new(config, &sdk)).map_err(Failure::from);
    fargaze_aws::serve_until(handler, async |handler, event, deadline| handler.handle(event, deadline).await)
        .await
}
