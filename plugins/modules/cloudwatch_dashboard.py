#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudwatch_dashboard
short_description: Keep a CloudWatch dashboard in its declared state
version_added: 0.1.0
description:
  - Creates, replaces or deletes a dashboard.
  - What CloudWatch remarks about the body is given as a warning, or as the error where it refuses the body.
  - Needs C(cloudwatch:GetDashboard), C(cloudwatch:PutDashboard) and C(cloudwatch:DeleteDashboards).
options:
  name:
    description: Name, unique in the account, at most 255 letters, digits, hyphens and underscores.
    type: str
    required: true
  state:
    description: Whether the dashboard is there.
    type: str
    choices: [present, absent]
    default: present
  body:
    description:
      - What it shows, in the form of CloudWatch's dashboard body (C(widgets), C(start), C(end), C(periodOverride)).
      - It is the whole dashboard, and compared by its content, not by its text. Required with O(state=present).
    type: dict
attributes:
  check_mode:
    support: full
    description: Tells what a run would change; writes nothing. The body is not validated, as only CloudWatch can do that.
  diff_mode:
    support: full
    description: Shows the body before and after.
seealso:
  - name: Dashboard body structure and syntax
    description: What CloudWatch understands.
    link: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
author: GreenLeaf (@greenleaf)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Show the app's load
  greenleaf.cloud.cloudwatch_dashboard:
    name: greenleaf-prod
    body:
      widgets:
        - type: metric
          x: 0
          y: 0
          width: 12
          height: 6
          properties:
            title: App CPU
            region: eu-west-3
            metrics:
              - [AWS/EC2, CPUUtilization, AutoScalingGroupName, greenleaf-prod-app]

- name: Delete the dashboard
  greenleaf.cloud.cloudwatch_dashboard:
    name: greenleaf-prod
    state: absent
"""

RETURN = r"""
resource:
  description: The dashboard after the run; empty once it is deleted.
  returned: success
  type: dict
  contains:
    arn:
      description: Its ARN. In check mode, one that does not exist has the account 000000000000 in it.
      type: str
      sample: arn:aws:cloudwatch::123456789012:dashboard/greenleaf-prod
    body:
      description: What it shows.
      type: dict
      sample:
        widgets:
          - type: text
            properties:
              markdown: GreenLeaf
"""

import json
import re
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import client, run
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import Resource, State

NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")

# An error is called by its query protocol's code, or by its name where a client speaks another protocol.
NOT_FOUND = ["ResourceNotFound", "DashboardNotFoundError"]
REFUSED = ["InvalidParameterInput", "DashboardInvalidInputError"]


class Dashboard(Resource):
    exact = frozenset({"body"})

    def __init__(self, module: AnsibleAWSModule, cloudwatch: t.Any) -> None:
        self.module = module
        self.client = cloudwatch
        self.name = module.params["name"]
        self.body = module.params["body"]

    @property
    def label(self) -> str:
        return f"dashboard {self.name}"

    def declared(self) -> State:
        return {"body": self.body}

    def read(self) -> State | None:
        try:
            dashboard = self.client.get_dashboard(DashboardName=self.name, aws_retry=True)
        except is_boto3_error_code(NOT_FOUND):
            return None
        return {"arn": dashboard["DashboardArn"], "body": json.loads(dashboard["DashboardBody"])}

    def unknown(self) -> State:
        return {"arn": f"arn:{self.client.meta.partition}:cloudwatch::000000000000:dashboard/{self.name}"}

    def create(self) -> None:
        self._put()

    def update(self, changes: State) -> None:
        self._put()

    def _put(self) -> None:
        try:
            answer = self.client.put_dashboard(DashboardName=self.name, DashboardBody=json.dumps(self.body), aws_retry=True)
        except is_boto3_error_code(REFUSED) as error:
            self.module.fail_json(msg=f"body: CloudWatch refuses dashboard {self.name}. {'; '.join(remarks(error.response)) or error}")
        for remark in remarks(answer):
            self.module.warn(f"Dashboard {self.name}: {remark}")

    def delete(self) -> None:
        try:
            self.client.delete_dashboards(DashboardNames=[self.name], aws_retry=True)
        except is_boto3_error_code(NOT_FOUND):
            pass


def remarks(answer: State) -> list[str]:
    """What CloudWatch said about a body, in an answer or in an error."""
    messages = answer.get("DashboardValidationMessages") or answer.get("dashboardValidationMessages") or []
    return [": ".join(filter(None, (message.get("DataPath"), message.get("Message")))) for message in messages]


def build(module: AnsibleAWSModule) -> Dashboard:
    if not NAME.fullmatch(module.params["name"]):
        module.fail_json(msg=f"name: CloudWatch refuses {module.params['name']!r}. Use 1 to 255 letters, digits, hyphens and underscores.")
    return Dashboard(module, client(module, "cloudwatch"))


def main() -> None:
    run(
        build,
        {"name": {"type": "str", "required": True}, "body": {"type": "dict"}},
        required_if=[("state", "present", ("body",))],
    )


if __name__ == "__main__":
    main()
