"""The estate of the demo and of the stack tests: five ECS clusters as a team may have them, and their metrics; for the
demo an EKS cluster, too."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

from local_aws import REGION, LocalAws

NAMESPACE = "AWS/ECS"
CONTAINER = "app"
# Longer than the window of an alarms run.
MINUTES_OF_POINTS = 90
# Points continue into the future, as CloudWatch allows, so that a run can be at a time when the
# services are no longer new: a service that was just created may still be starting, and is not
# evaluated.
MINUTES_AHEAD = 15


@dataclass(frozen=True)
class Service:
    name: str
    cpu: float
    memory: float
    desired: int = 2
    running: int = 2
    # Behind a load balancer: requests a minute, those that the service answers with 5XX, and unhealthy targets.
    requests: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Cluster:
    name: str
    insights: str
    services: list[Service] = field(default_factory=list)


HOT = "worker"
# Behind a load balancer, with errors and an unhealthy target.
FAILING = "query"
BALANCER = "app/edge/50dc6c495c0c9188"
SILENT = "billing"
# A service, and its second container, which has no log driver.
UNLOGGED = ("gateway", "statsd")
ESTATE = [
    Cluster("shop", "disabled", [Service("web", cpu=24, memory=52), Service("cart", cpu=11, memory=38)]),
    Cluster("orders", "enabled", [Service("api", cpu=31, memory=47), Service(HOT, cpu=58, memory=93)]),
    Cluster("search", "enhanced", [
        Service(FAILING, cpu=42, memory=61, requests=(240, 31, 1)), Service("indexer", cpu=66, memory=55),
    ]),
    # AWS Batch creates and removes these clusters itself; they are excluded by default.
    Cluster("AWSBatch-nightly-5c1e", "disabled"),
    # A service with two desired tasks and no running one. CloudWatch has no points for it.
    Cluster("payments", "enabled", [Service("gateway", cpu=17, memory=44), Service(SILENT, cpu=0, memory=0, running=0)]),
]
# One EKS cluster on Fargate; eks.py describes its contents in addition to these healthy pods.
EKS_CLUSTER = "platform"
EKS_PODS = 20


def create(aws: LocalAws, estate: list[Cluster] = ESTATE) -> int:
    """Creates clusters, services and metric points. Returns the number of points."""
    ecs = aws.client("ecs")
    for cluster in estate:
        ecs.create_cluster(
            clusterName=cluster.name, settings=[{"name": "containerInsights", "value": cluster.insights}]
        )
        for service in cluster.services:
            task = ecs.register_task_definition(
                family=f"{cluster.name}-{service.name}", cpu="256", memory="512", networkMode="awsvpc",
                requiresCompatibilities=["FARGATE"], containerDefinitions=containers(cluster.name, service.name),
            )["taskDefinition"]["taskDefinitionArn"]
            ecs.create_service(
                cluster=cluster.name, serviceName=service.name, taskDefinition=task,
                desiredCount=service.desired, launchType="FARGATE", loadBalancers=load_balancers(service),
            )
            if service.running == 0:
                # The local AWS starts every task and does not replace a stopped one.
                for arn in ecs.list_tasks(cluster=cluster.name, serviceName=service.name)["taskArns"]:
                    ecs.stop_task(cluster=cluster.name, task=arn)
    return put_points(aws, estate)


def target_group(service: Service) -> str:
    return f"targetgroup/{service.name}/73e2d6bc24d8a067"


def load_balancers(service: Service) -> list[dict]:
    if service.requests is None:
        return []
    arn = f"arn:aws:elasticloadbalancing:{REGION}:000000000000:{target_group(service)}"
    return [{"targetGroupArn": arn, "containerName": CONTAINER, "containerPort": 8080}]


def balanced(estate: list[Cluster], now: datetime.datetime) -> list[dict]:
    """What the load balancer publishes each minute."""
    return [
        {
            "MetricName": metric,
            "Dimensions": [{"Name": "LoadBalancer", "Value": BALANCER}, {"Name": "TargetGroup", "Value": target_group(service)}],
            "Timestamp": now - datetime.timedelta(minutes=ago),
            "Value": value,
        }
        for cluster in estate for service in cluster.services if service.requests
        for ago in range(-MINUTES_AHEAD, MINUTES_OF_POINTS)
        for metric, value in (
            ("RequestCount", service.requests[0]), ("HTTPCode_Target_5XX_Count", service.requests[1]),
            ("UnHealthyHostCount", service.requests[2]), ("HealthyHostCount", service.running - service.requests[2]),
            ("TargetResponseTime", 0.34),
        )
    ]


def log_group(cluster: str, service: str) -> str:
    return f"/ecs/{cluster}/{service}"


def containers(cluster: str, service: str) -> list[dict]:
    """The container definitions of a service. Nothing is wrong with how its own container logs."""
    options = {
        "awslogs-group": log_group(cluster, service), "awslogs-region": REGION, "awslogs-stream-prefix": service,
        "mode": "non-blocking", "max-buffer-size": "25m",
    }
    logs = {"logDriver": "awslogs", "options": options}
    own = {"name": CONTAINER, "image": service, "essential": True, "logConfiguration": logs}
    beside = [{"name": name, "image": name, "essential": False} for of, name in [UNLOGGED] if of == service]
    return [own, *beside]


def put_points(aws: LocalAws, estate: list[Cluster]) -> int:
    """One point a minute of CPU and memory for every running service, continuing into the future."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0)
    points = []
    for cluster in estate:
        for service in cluster.services:
            if service.running == 0:
                continue
            for ago in range(-MINUTES_AHEAD, MINUTES_OF_POINTS):
                # A little variation, the same in every run.
                sway = (ago * 7 % 5 - 2) * 0.6
                for metric, value in (("CPUUtilization", service.cpu), ("MemoryUtilization", service.memory)):
                    points.append({
                        "MetricName": metric,
                        "Dimensions": [
                            {"Name": "ClusterName", "Value": cluster.name},
                            {"Name": "ServiceName", "Value": service.name},
                        ],
                        "Timestamp": now - datetime.timedelta(minutes=ago),
                        "Value": value + sway,
                        "Unit": "Percent",
                    })
    cloudwatch = aws.client("cloudwatch")
    for start in range(0, len(points), 1000):
        cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=points[start:start + 1000])
    # The Container Insights metrics that fargaze requests, where it is on.
    counts = []
    for cluster in estate:
        if cluster.insights == "disabled":
            continue
        running = [service for service in cluster.services if service.running > 0]
        dimensions = [{"Name": "ClusterName", "Value": cluster.name}]
        counts.append(("TaskCount", dimensions, sum(service.running for service in running)))
        for service in running:
            of_service = [*dimensions, {"Name": "ServiceName", "Value": service.name}]
            counts += [("DesiredTaskCount", of_service, service.desired), ("RunningTaskCount", of_service, service.running)]
    cloudwatch.put_metric_data(Namespace="ECS/ContainerInsights", MetricData=[
        {"MetricName": metric, "Dimensions": dimensions, "Timestamp": now, "Value": value, "Unit": "Count"}
        for metric, dimensions, value in counts
    ])
    served = balanced(estate, now)
    for start in range(0, len(served), 1000):
        cloudwatch.put_metric_data(Namespace="AWS/ApplicationELB", MetricData=served[start:start + 1000])
    received = received_logs(estate, now)
    cloudwatch.put_metric_data(Namespace="AWS/Logs", MetricData=received)
    return len(points) + len(counts) + len(served) + len(received)


def received_logs(estate: list[Cluster], now: datetime.datetime) -> list[dict]:
    """What the log group of every running service received in each hour of a day."""
    return [
        {
            "MetricName": metric,
            "Dimensions": [{"Name": "LogGroupName", "Value": log_group(cluster.name, service.name)}],
            "Timestamp": now - datetime.timedelta(hours=hours),
            "Value": value,
            "Unit": unit,
        }
        for cluster in estate for service in cluster.services if service.running > 0
        for hours in range(24)
        for metric, value, unit in (("IncomingBytes", 9e6, "Bytes"), ("IncomingLogEvents", 6e4, "Count"))
    ]


def later(minutes: int = MINUTES_AHEAD) -> str:
    """The time of a run at which the services are a quarter of an hour old."""
    time = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def insights(aws: LocalAws) -> dict[str, str]:
    """Each cluster's Container Insights setting."""
    ecs = aws.client("ecs")
    described = ecs.describe_clusters(clusters=ecs.list_clusters()["clusterArns"], include=["SETTINGS"])["clusters"]
    return {
        cluster["clusterName"]: next(
            (setting["value"] for setting in cluster["settings"] if setting["name"] == "containerInsights"), "disabled"
        )
        for cluster in described
    }
