//! `evaluate-alarms`: evaluates a snapshot and stores the verdicts.

use evaluate_alarms::{Config, Handler};
use fargaze::invocation::failure::Failure;
use fargaze::invocation::settings::FromSettings;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let sdk = fargaze_aws::load("evaluate-alarms").await;
    let handler = Config::from_env().map(|config| Handler::new(config, &sdk)).map_err(Failure::from);
    fargaze_aws::serve(handler, async |handler, event| handler.handle(event).await).await
}
