//! The user's file `fargaze.yaml`: its newest version, or the last valid one.

use fargaze::config::{BadConfig, CONFIG_KEY, Config};
use fargaze::invocation::failure::Failure;
use fargaze::model::cluster::{AccountId, Region};
use fargaze::model::fault::{Fault, FaultKind};
use fargaze::model::run::BadVersion;
use serde::{Deserialize, Serialize};

use super::store::{Object, Store};

/// Key of the version that was valid when a run last read it.
const LAST_GOOD_KEY: &str = "config/last-good.json";
/// Key of the invalid version that was last notified.
const NOTIFIED_BAD_KEY: &str = "config/notified-bad.json";

#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct Version {
    version: String,
}

/// The user's file as read.
#[derive(Debug, Clone, PartialEq)]
pub struct UserFile {
    /// The configuration in force.
    pub config: Config,
    /// S3 version of `config`; `None` for the built-in one.
    pub version: Option<String>,
    /// Problems of the newest version, if an older one is in force.
    pub bad: Option<BadVersion>,
}

impl Store {
    /// Reads the newest version of the user's file if it is valid, else the last valid one, else
    /// the built-in configuration: a typo must not stop the monitoring. `account` and `region` are
    /// home.
    pub async fn user_file(&self, account: &AccountId, region: &Region) -> Result<UserFile, Failure> {
        let built_in = || Config::built_in(account, region);
        let Some(newest) = self.get(CONFIG_KEY, None).await? else {
            return Ok(UserFile { config: built_in()?, version: None, bad: None });
        };
        let version = version_of(&newest)?;
        let problems = match read(&newest, account, region) {
            Ok(config) => return Ok(UserFile { config, version: Some(version), bad: None }),
            Err(BadConfig(problems)) => problems,
        };
        let bad = Some(BadVersion { version, problems });
        let Some((config, version)) = self.last_good(account, region).await? else {
            return Ok(UserFile { config: built_in()?, version: None, bad });
        };
        Ok(UserFile { config, version: Some(version), bad })
    }

    /// Reads the last valid version. `None` if there was never one, if the bucket no longer keeps
    /// it, or if this release finds it invalid, which an earlier one did not.
    async fn last_good(
        &self,
        account: &AccountId,
        region: &Region,
    ) -> Result<Option<(Config, String)>, Failure> {
        let Some(version) = self.remembered(LAST_GOOD_KEY).await? else { return Ok(None) };
        let object = match self.get(CONFIG_KEY, Some(&version)).await {
            Err(fault) if fault.kind == FaultKind::NotFound => None,
            object => object?,
        };
        Ok(object.and_then(|object| read(&object, account, region).ok()).map(|config| (config, version)))
    }

    /// Stores that this version is valid.
    pub async fn remember_good(&self, version: &str) -> Result<(), Fault> {
        self.remember(LAST_GOOD_KEY, version).await
    }

    /// Whether this invalid version was already notified.
    pub async fn was_notified_bad(&self, version: &str) -> Result<bool, Fault> {
        Ok(self.remembered(NOTIFIED_BAD_KEY).await?.as_deref() == Some(version))
    }

    /// Stores that this invalid version was notified.
    pub async fn remember_notified_bad(&self, version: &str) -> Result<(), Fault> {
        self.remember(NOTIFIED_BAD_KEY, version).await
    }

    async fn remember(&self, key: &str, version: &str) -> Result<(), Fault> {
        if self.remembered(key).await?.as_deref() == Some(version) {
            return Ok(());
        }
        self.put_json(key, &Version { version: version.to_owned() }).await
    }

    /// The version stored under that key. Unreadable content is treated as absent and overwritten.
    async fn remembered(&self, key: &str) -> Result<Option<String>, Fault> {
        match self.get_json::<Version>(key).await {
            Err(fault) if fault.kind == FaultKind::Malformed => Ok(None),
            remembered => Ok(remembered?.map(|remembered| remembered.version)),
        }
    }
}

fn read(object: &Object, account: &AccountId, region: &Region) -> Result<Config, BadConfig> {
    let text = object.text(CONFIG_KEY).map_err(|failure| BadConfig(vec![failure.to_string()]))?;
    Config::read(&text, account, region)
}

fn version_of(object: &Object) -> Result<String, Failure> {
    object.version.clone().ok_or_else(|| {
        Failure::Misconfigured(format!(
            "the bucket keeps no versions; enable versioning, so that a run reads the same {CONFIG_KEY} from start to end"
        ))
    })
}
