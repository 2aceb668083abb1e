# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sandbox itself: its life, its request log, the account's start, Cloudflare's stand-in."""

from __future__ import annotations

import collections.abc as c
import concurrent.futures
import contextlib
import datetime
import io
import json
import os
import pathlib
import signal
import stat
import subprocess
import sys
import time
import typing as t
import urllib.error
import urllib.request

import botocore.session
import pytest
from botocore.exceptions import ClientError

from sandbox import Sandbox
from sandbox.process import ROOT
from sandbox.requests import kind

Aws = c.Callable[..., t.Any]
AL2023 = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default"

# The services that the collection's modules, stock ones included, speak to.
SERVICES = """
acm autoscaling budgets ce cloudwatch dynamodb ec2 ecr elasticache elbv2 events iam kms logs
rds resourcegroupstaggingapi s3 scheduler secretsmanager service-quotas sns sqs ssm sts
"""

# Verbs of operations that change something.
CHANGES = """
Abort Accept Activate Add Allocate Apply Associate Attach Authorize Cancel Change Complete Confirm Copy Create Deactivate Deregister
Delete Detach Disable Disassociate Enable Execute Exit Export Failover Import Increase Initiate Modify Move Notify Opt Promote Provision
Publish Purge Put Reboot Rebuild Receive Register Reject Release Remove Rename Replace Request Reset Restore Resume Revoke Rollback
Rotate Run Send Set Start Stop Subscribe Suspend Tag Terminate Test Unassign Unsubscribe Untag Update Upload Write
"""


def python(*arguments: str, cwd: pathlib.Path = ROOT, **options: t.Any) -> subprocess.Popen[str]:
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, *arguments], cwd=cwd, env=environ, text=True, **options)


def eventually(holds: c.Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


class TestLife:
    def test_server_ends_with_its_block(self) -> None:
        with Sandbox() as running:
            endpoint, directory = running.env["AWS_ENDPOINT_URL"], running.directory
            assert answers(endpoint)
        assert not answers(endpoint)
        assert not directory.exists()

    def test_server_does_not_outlive_a_killed_parent(self) -> None:
        code = "import signal, sandbox; box = sandbox.Sandbox().__enter__(); print(box.env['AWS_ENDPOINT_URL'], flush=True); signal.pause()"
        parent = python("-c", code, stdout=subprocess.PIPE)
        with t.cast(t.IO[str], parent.stdout) as output:
            endpoint = output.readline().strip()
        assert answers(endpoint)
        parent.kill()
        parent.wait()
        eventually(lambda: not answers(endpoint))

    def test_taken_port_is_told(self, sandbox: Sandbox) -> None:
        port = int(sandbox.env["AWS_ENDPOINT_URL"].rsplit(":", 1)[1])
        with pytest.raises(RuntimeError, match="did not start"), Sandbox(port=port):
            pass

    def test_directory_is_one_sandboxs(self, account: Sandbox, aws: Aws) -> None:
        aws("ec2").describe_vpcs()
        with pytest.raises(RuntimeError, match="another running sandbox"), Sandbox(account.directory):
            pass
        assert account.requests()[-1]["action"] == "DescribeVpcs"

    def test_foreground(self, tmp_path: pathlib.Path) -> None:
        env = tmp_path / "box" / "env"
        foreground = python("-m", "sandbox", "--directory", "box", cwd=tmp_path, stdout=subprocess.PIPE)
        with t.cast(t.IO[str], foreground.stdout) as output:
            line = next(line for line in output if "box/env" in line)
            assert stat.S_IMODE(env.stat().st_mode) == 0o600
            script = f"{line}\necho $AWS_ENDPOINT_URL $AWS_REGION $CLOUDFLARE_BASE_URL"
            endpoint, region, cloudflare = subprocess.check_output(["sh", "-c", script], cwd=tmp_path, text=True).split()
            urllib.request.urlopen(f"{cloudflare}/ips").close()
            logged = [json.loads(line) for line in (tmp_path / "box" / "requests.jsonl").read_text().splitlines()]
            assert (region, [request["action"] for request in logged]) == ("eu-west-3", ["GET /ips"])
            foreground.send_signal(signal.SIGTERM)
        assert foreground.wait() == 0
        assert not env.exists()
        assert not answers(endpoint)

    def test_run_hands_on_environment_and_exit_code(self, tmp_path: pathlib.Path) -> None:
        script = "import os, sys, boto3; boto3.client('ec2').create_vpc(CidrBlock='10.0.0.0/16'); sys.exit(7)"
        process = python("-m", "sandbox", "run", "--directory", str(tmp_path), "--", sys.executable, "-c", script)
        assert process.wait() == 7
        assert [json.loads(line)["action"] for line in (tmp_path / "requests.jsonl").read_text().splitlines()] == ["CreateVpc"]
        assert not (tmp_path / "env").exists()

    def test_run_of_an_unknown_command(self) -> None:
        process = python("-m", "sandbox", "run", "--", "no-such-command", stderr=subprocess.PIPE)
        assert "no-such-command: command not found" in process.communicate()[1]
        assert process.returncode == 127


class TestAccount:
    def assert_new(self, aws: Aws) -> None:
        zones = aws("ec2").describe_availability_zones()["AvailabilityZones"]
        assert {zone["ZoneName"] for zone in zones} >= {"eu-west-3a", "eu-west-3b"}
        assert aws("iam").get_policy(PolicyArn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")["Policy"]["IsAttachable"]
        for architecture in ("x86_64", "arm64"):
            parameter = aws("ssm").get_parameter(Name=f"{AL2023}-{architecture}")["Parameter"]
            image = aws("ec2").describe_images(ImageIds=[parameter["Value"]])["Images"][0]
            assert image["Name"].startswith("al2023-ami-2023.")
            assert (image["Architecture"], image["RootDeviceName"]) == (architecture, "/dev/xvda")
        assert len(aws("ec2").describe_vpcs()["Vpcs"]) == 1
        assert not aws("iam").list_roles()["Roles"]

    def test_start(self, aws: Aws) -> None:
        self.assert_new(aws)

    def test_reset(self, account: Sandbox, aws: Aws) -> None:
        aws("ec2").create_vpc(CidrBlock="10.0.0.0/16")
        aws("iam").create_role(RoleName="node", AssumeRolePolicyDocument="{}")
        aws("iam").attach_role_policy(RoleName="node", PolicyArn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")
        account.reset()
        self.assert_new(aws)
        policy = aws("iam").get_policy(PolicyArn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")["Policy"]
        assert policy["AttachmentCount"] == 0

    def test_other_regions_have_images_too(self, aws: Aws) -> None:
        parameter = aws("ssm", region_name="eu-central-1").get_parameter(Name=f"{AL2023}-x86_64")["Parameter"]
        assert aws("ec2", region_name="eu-central-1").describe_images(ImageIds=[parameter["Value"]])["Images"]


class TestRequests:
    def last(self, account: Sandbox) -> dict[str, t.Any]:
        return account.requests()[-1]

    def test_fields(self, account: Sandbox, aws: Aws) -> None:
        mark = account.mark()
        vpc = aws("ec2").create_vpc(
            CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "A", "Value": "é"}]}]
        )
        aws("ec2").describe_vpcs(VpcIds=[vpc["Vpc"]["VpcId"]])
        create, describe = account.requests(mark)
        assert account.writes(mark) == [create]
        age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(create.pop("time"))
        assert datetime.timedelta(0) <= age < datetime.timedelta(minutes=1)
        assert create == {
            "service": "ec2",
            "action": "CreateVpc",
            "kind": "write",
            "parameters": {
                "CidrBlock": "10.0.0.0/16",
                "TagSpecifications": [{"ResourceType": "vpc", "Tags": [{"Key": "A", "Value": "é"}]}],
            },
            "status": 200,
        }
        assert (describe["action"], describe["kind"], describe["parameters"]) == ("DescribeVpcs", "read", {"VpcIds": [vpc["Vpc"]["VpcId"]]})

    # One of each protocol that boto3 speaks to us, and of each service whose signature has another name.
    @pytest.mark.parametrize(
        ("service", "method", "parameters"),
        [
            ("ec2", "describe_subnets", {"Filters": [{"Name": "vpc-id", "Values": ["vpc-1"]}]}),  # ec2
            ("iam", "list_policies", {"Scope": "Local"}),  # query
            ("elbv2", "describe_target_groups", {}),
            ("rds", "describe_db_instances", {}),
            ("ssm", "get_parameters", {"Names": ["/a"], "WithDecryption": True}),  # json
            ("resourcegroupstaggingapi", "get_resources", {"ResourceTypeFilters": ["ec2:vpc"]}),
            ("cloudwatch", "describe_alarms", {"AlarmNames": ["a"]}),
            ("scheduler", "list_schedules", {"NamePrefix": "a"}),  # rest-json
            ("s3", "list_buckets", {}),  # rest-xml
        ],
    )
    def test_operation_is_found(self, account: Sandbox, aws: Aws, service: str, method: str, parameters: dict[str, t.Any]) -> None:
        client = aws(service)
        getattr(client, method)(**parameters)
        request = self.last(account)
        assert (request["service"], request["action"]) == (service, client.meta.method_to_api_mapping[method])
        assert (request["kind"], request["parameters"], request["status"]) == ("read", parameters, 200)

    def test_s3_operations_of_one_path_are_told_apart(self, account: Sandbox, aws: Aws) -> None:
        s3, mark = aws("s3"), account.mark()
        s3.create_bucket(Bucket="state", CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
        s3.put_bucket_versioning(Bucket="state", VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket="state", Key="runs/é 1.json", Body=io.BytesIO(b"12345"))
        s3.copy_object(Bucket="state", Key="copy", CopySource="state/runs/é 1.json")
        s3.list_objects_v2(Bucket="state", Prefix="runs/")
        s3.get_object(Bucket="state", Key="runs/é 1.json")["Body"].read()
        s3.delete_objects(Bucket="state", Delete={"Objects": [{"Key": "copy"}]})
        requests = account.requests(mark)
        assert [(request["kind"], request["action"]) for request in requests] == [
            ("write", "CreateBucket"),
            ("write", "PutBucketVersioning"),
            ("write", "PutObject"),
            ("write", "CopyObject"),
            ("read", "ListObjectsV2"),
            ("read", "GetObject"),
            ("write", "DeleteObjects"),
        ]
        assert requests[0]["parameters"] == {"Bucket": "state", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-3"}}
        assert requests[1]["parameters"]["VersioningConfiguration"] == {"Status": "Enabled"}
        assert (requests[2]["parameters"]["Key"], requests[2]["parameters"]["Body"]) == ("runs/é 1.json", "(5 bytes)")

    def test_presigned_and_unsigned(self, account: Sandbox, aws: Aws) -> None:
        url = aws("s3").generate_presigned_url("get_object", Params={"Bucket": "state", "Key": "a"})
        assert answers(url)
        assert (self.last(account)["service"], self.last(account)["action"]) == ("s3", "GetObject")
        assert answers(f"{account.env['AWS_ENDPOINT_URL']}/state/a")
        assert (self.last(account)["service"], self.last(account)["action"], self.last(account)["kind"]) == ("s3", "GetObject", "read")
        url = aws("ec2").generate_presigned_url("create_vpc", Params={"CidrBlock": "10.0.0.0/16"})
        assert answers(url)
        assert (self.last(account)["service"], self.last(account)["action"], self.last(account)["kind"]) == ("ec2", "CreateVpc", "write")
        assert "X-Amz-Signature" not in json.dumps(self.last(account))

    def test_refused_request_and_dry_run(self, account: Sandbox, aws: Aws) -> None:
        ec2 = aws("ec2")
        with pytest.raises(ec2.exceptions.ClientError, match="InvalidVpcID"):
            ec2.delete_vpc(VpcId="vpc-0123456789abcdef0")
        assert (self.last(account)["kind"], self.last(account)["status"]) == ("write", 400)
        with pytest.raises(ec2.exceptions.ClientError, match="DryRunOperation"):
            ec2.create_launch_template(LaunchTemplateName="app", LaunchTemplateData={"InstanceType": "t3.nano"}, DryRun=True)
        assert (self.last(account)["action"], self.last(account)["kind"]) == ("CreateLaunchTemplate", "read")

    def test_unknown_and_malformed_requests_are_kept(self, account: Sandbox) -> None:
        scope = "Credential=key/20260101/eu-west-3/{}/aws4_request, SignedHeaders=host, Signature=0"
        for service, headers, action in (
            ("nothing", {}, "POST /"),
            ("ec2", {"Content-Type": "application/x-www-form-urlencoded"}, "RunInstances"),
        ):
            headers["Authorization"] = f"AWS4-HMAC-SHA256 {scope.format(service)}"
            body = b"Action=RunInstances&Version=2016-11-15&MinCount=many"
            request = urllib.request.Request(account.env["AWS_ENDPOINT_URL"], data=body, headers=headers)
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(request)
            assert (self.last(account)["service"], self.last(account)["action"], self.last(account)["kind"]) == (service, action, "write")

    @pytest.mark.parametrize(
        ("service", "method", "parameters", "masked"),
        [
            ("ssm", "put_parameter", {"Name": "/a", "Type": "SecureString", "Value": "hush-hush"}, "Value"),
            ("secretsmanager", "create_secret", {"Name": "a", "SecretString": "hush-hush"}, "SecretString"),
            (
                "rds",
                "create_db_instance",
                {"DBInstanceIdentifier": "a", "DBInstanceClass": "db.t3.medium", "Engine": "postgres", "MasterUserPassword": "hush-hush"},
                "MasterUserPassword",
            ),
            (
                "elasticache",
                "create_replication_group",
                {"ReplicationGroupId": "a", "ReplicationGroupDescription": "a", "AuthToken": "hush-hush"},
                "AuthToken",
            ),
        ],
    )
    def test_secrets_are_masked(
        self, account: Sandbox, aws: Aws, service: str, method: str, parameters: dict[str, t.Any], masked: str
    ) -> None:
        with contextlib.suppress(ClientError):  # what matters is the request
            getattr(aws(service), method)(**parameters)
        request = account.requests()[-1]
        assert request["parameters"][masked] == "***"
        assert "hush" not in account.log.read_text()

    def test_user_data_is_masked_and_what_only_sounds_secret_is_not(self, account: Sandbox, aws: Aws) -> None:
        data = {"InstanceType": "t3.nano", "UserData": "aHVzaC1odXNo"}
        aws("ec2").create_launch_template(LaunchTemplateName="app", LaunchTemplateData=data, ClientToken="once")
        parameters = self.last(account)["parameters"]
        assert parameters["LaunchTemplateData"] == {"InstanceType": "t3.nano", "UserData": "***"}
        assert parameters["ClientToken"] == "once"

    def test_lines_of_many_threads_do_not_mix(self, account: Sandbox, aws: Aws) -> None:
        ec2, mark = aws("ec2"), account.mark()
        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            vpcs = set(threads.map(lambda _: ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"], range(40)))
        assert len(vpcs) == 40
        assert [request["action"] for request in account.requests(mark)] == ["CreateVpc"] * 40

    def test_control_of_the_emulator_is_not_recorded(self, account: Sandbox) -> None:
        mark = account.mark()
        account.reset()
        urllib.request.urlopen(f"{account.env['AWS_ENDPOINT_URL']}/moto-api/data.json").close()
        assert not account.requests(mark)


@pytest.mark.parametrize("service", SERVICES.split())
def test_no_operation_that_changes_something_counts_as_read(service: str) -> None:
    operations = botocore.session.get_session().get_service_model(service).operation_names
    reads = {operation for operation in operations if kind(operation) == "read"}
    assert not [operation for operation in reads for verb in CHANGES.split() if operation.startswith((verb, f"Batch{verb}"))]
    assert not [operation for operation in set(operations) - reads if operation.startswith(("Describe", "Get", "List", "Head"))]


class TestCloudflare:
    def get(self, account: Sandbox, path: str, method: str = "GET") -> tuple[int, dict[str, t.Any]]:
        request = urllib.request.Request(f"{account.env['CLOUDFLARE_BASE_URL']}{path}", method=method)
        try:
            answer = urllib.request.urlopen(request)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, json.load(answer)

    def test_ranges(self, account: Sandbox) -> None:
        status, body = self.get(account, "/ips")
        assert (status, body["success"], body["errors"]) == (200, True, [])
        assert (len(body["result"]["ipv4_cidrs"]), len(body["result"]["ipv6_cidrs"])) == (15, 7)
        request = account.requests()[-1]
        assert (request["service"], request["action"], request["kind"], request["status"]) == ("cloudflare", "GET /ips", "read", 200)

    def test_unknown_route(self, account: Sandbox) -> None:
        status, body = self.get(account, "/nothing?name=a", method="POST")
        assert (status, body["success"], body["result"], body["errors"][0]["code"]) == (404, False, None, 7003)
        request = account.requests()[-1]
        assert (request["action"], request["kind"], request["parameters"]) == ("POST /nothing", "write", {"name": "a"})
