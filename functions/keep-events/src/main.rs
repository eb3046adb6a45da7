//! `keep-events`: stores the events that say why tasks stopped.

use fargaze::invocation::failure::Failure;
use fargaze::invocation::settings::FromSettings;
use keep_events::{Config, Handler};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let sdk = fargaze_aws::load("keep-events").await;
    let handler = Config::from_env().map(|config| Handler::new(config, &sdk)).map_err(Failure::from);
    fargaze_aws::serve(handler, async |handler, event| handler.handle(event).await).await
}
