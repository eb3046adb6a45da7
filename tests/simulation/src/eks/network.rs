//! The network between the functions and the API servers: without sockets, so that time can be
//! paused.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{pending, ready};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake_aws::FakeAws;
use fake_kubernetes::Handle;
use fargaze_kubernetes::{Cause, Network, Reached, Stream};

use super::Way;
use crate::check::Checker;
use crate::wire::lock;

/// API servers by host.
pub(crate) type Servers = Arc<Mutex<BTreeMap<String, Handle>>>;

/// The network.
#[derive(Clone)]
pub(crate) struct Wires {
    pub(crate) aws: Arc<FakeAws>,
    pub(crate) checker: Arc<Mutex<Checker>>,
    pub(crate) servers: Servers,
}

impl fmt::Debug for Wires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wires")
    }
}

impl Network for Wires {
    fn reach<'a>(&'a self, host: &'a str, _: u16, _: Duration) -> Reached<'a> {
        let way = {
            let mut checker = lock(&self.checker);
            let way = checker.eks.way(host);
            checker.log(|| format!("      {host} is {way:?}"));
            way
        };
        match way {
            Way::Open => {
                let stream = lock(&self.servers)[host].connect();
                Box::pin(ready(Ok(Box::new(stream) as Box<dyn Stream>)))
            }
            Way::Refused => Box::pin(ready(Err(Cause::Refused))),
            Way::Silent => Box::pin(pending()),
            Way::Nowhere => Box::pin(ready(Err(Cause::Dns("no such host".to_owned())))),
            Way::Leaves(cluster) => {
                self.aws.edit(|world| world.home().remove_eks(cluster));
                Box::pin(ready(Err(Cause::Refused)))
            }
        }
    }
}
