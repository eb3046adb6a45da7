//! Statuses as AWS spells them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Declares an enum of statuses, each with AWS's spelling.
macro_rules! statuses {
    ($(#[$about:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$of])* $variant,)+
            /// A status that is not listed here.
            Other(String),
        }

        impl $name {
            /// AWS's spelling.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                text.as_str().into()
            }
        }

        impl From<$name> for String {
            fn from(status: $name) -> Self {
                status.as_str().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

statuses! {
    /// Status of an ECS service (Amazon ECS API, `Service`).
    ServiceStatus {
        /// Active.
        Active = "ACTIVE",
        /// Being deleted, and still has tasks.
        Draining = "DRAINING",
        /// Deleted.
        Inactive = "INACTIVE",
        /// Unknown to ECS, or deleted: the reason of a failure in the response of
        /// `DescribeServices`.
        Missing = "MISSING",
    }
}

statuses! {
    /// Status of a Fargate profile (Amazon EKS API, `FargateProfile`).
    ProfileStatus {
        /// Being created.
        Creating = "CREATING",
        /// Pods can use it.
        Active = "ACTIVE",
        /// Being deleted.
        Deleting = "DELETING",
        /// Creation failed.
        CreateFailed = "CREATE_FAILED",
        /// Deletion failed.
        DeleteFailed = "DELETE_FAILED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_round_trip_and_unknown_ones_are_kept() {
        for text in ["ACTIVE", "DRAINING", "INACTIVE", "MISSING", "NEW", ""] {
            let status = ServiceStatus::from(text);
            assert_eq!((status.to_string().as_str(), String::from(status.clone()).as_str()), (text, text));
            let json = serde_json::to_string(&status).unwrap();
            assert_eq!(
                (json.as_str(), serde_json::from_str(&json).unwrap()),
                (&*format!("{text:?}"), status)
            );
        }
        assert_eq!(ProfileStatus::from("CREATE_FAILED"), ProfileStatus::CreateFailed);
        assert_eq!(ProfileStatus::from("creating"), ProfileStatus::Other("creating".to_owned()));
    }
}
