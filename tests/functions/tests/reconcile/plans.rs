//! One message delivered twice at once: two invocations plan the same change, and one of them is
//! refused.

use fargaze::model::insights::InsightsLevel::{Disabled, Enabled};
use fargaze::model::run::{Part, Platform, Target};
use fargaze::model::subject::Subject;
use fargaze::reconcile::{Aspect, Change, ChangeState, Value};
use fargaze_aws::{Memory, Written};
use function_tests::{ACCOUNT, REGION, Stack, estate, minute};
use jiff::Timestamp;

fn planned(made: Timestamp) -> Change {
    Change {
        subject: Subject::Cluster("shop".parse().unwrap()),
        aspect: Aspect::ContainerInsights,
        number: 1,
        made,
        cause: "event-1".to_owned(),
        from: Value::Level(Disabled),
        to: Value::Level(Enabled),
        policy: "at-least-enabled".to_owned(),
        reason: "the cluster is new".to_owned(),
        request_id: None,
        state: ChangeState::Planned,
        accepted: false,
        update_id: None,
        failure: None,
        undo: None,
        rolled_back_by: None,
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_does_not_forget_what_the_other_made() {
    let target = Target {
        platform: Platform::Ecs,
        account: ACCOUNT.parse().unwrap(),
        region: REGION.parse().unwrap(),
        part: Part::WHOLE,
        role: None,
    };
    for (other_made_it, written, state) in
        [(true, Written::Conflict, ChangeState::Done), (false, Written::Yes, ChangeState::Abandoned)]
    {
        let stack = Stack::in_process(fake_aws::FakeAws::builder(estate()));
        let memory = Memory::new(&stack.sdk("enable-insights"), Stack::TABLE);
        let (one, other) = (planned(minute(1)), planned(minute(2)));
        for change in [&one, &other] {
            assert_eq!(memory.plan_change(&target, change).await.unwrap(), Written::Yes);
        }
        if other_made_it {
            let done = Change { state: ChangeState::Done, ..one };
            memory.put_change(&target, &done).await.unwrap();
        }
        let abandoned = Change { state: ChangeState::Abandoned, ..other.clone() };
        assert_eq!(memory.abandon_change(&target, &other, &abandoned).await.unwrap(), written);
        let log = memory.change_log_of(&target, &other.subject).await.unwrap();
        assert_eq!(log.changes(other.aspect)[0].state, state);
    }
}
