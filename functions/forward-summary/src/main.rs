//! `forward-summary`: from the outcomes of all targets to one message.

use fargaze::failure::Failure;
use forward_summary::{Config, Handler};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let sdk = fargaze::aws::load("forward-summary").await;
    let handler = Config::from_env().map(|config| Handler::new(config, &sdk)).map_err(Failure::from);
    fargaze::aws::serve(handler, async |handler, event| handler.handle(event).await).await
}
