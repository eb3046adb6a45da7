//! `forward-summary`: sends one message with the outcomes of all targets.

use fargaze::invocation::failure::Failure;
use fargaze::invocation::settings::FromSettings;
use forward_summary::{Config, Handler, Response};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let sdk = fargaze_aws::load("forward-summary").await;
    let handler = Config::from_env().map(|config| Handler::new(config, &sdk)).map_err(Failure::from);
    fargaze_aws::serve(handler, async |handler, event| {
        handler.handle(event).await.inspect(|answer| {
            if let Response::Forwarded(receipt) = answer {
                print_line(&receipt.heartbeat);
            }
        })
    })
    .await
}

/// Lambda forwards each line of standard output to the log.
#[expect(clippy::print_stdout, reason = "an embedded metric is a separate line, without the logger's fields")]
fn print_line(line: &str) {
    println!("{line}");
}
