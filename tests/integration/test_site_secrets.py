# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No secret is in what a run prints at -vvv with --diff, in what callbacks get, in user data or in a request that is logged."""

from __future__ import annotations

import base64
import json
import secrets
import urllib.parse

import pytest

from tests.integration.playbooks import client, copy_inventory, run


def stored(aws) -> set[str]:
    """Every secret of the account, each as it is and as it stands in a URL."""
    pages = aws("ssm").get_paginator("get_parameters_by_path").paginate(Path="/greenleaf", Recursive=True, WithDecryption=True)
    values = {parameter["Value"] for page in pages for parameter in page["Parameters"] if parameter["Type"] == "SecureString"}
    return values | {urllib.parse.quote(value, safe="") for value in values}


def leaked(values, text) -> list[int]:
    """Positions of secrets in the text: an assertion's message must not tell them either."""
    return [text.index(value) for value in values if value in text]


@pytest.mark.site
def test_no_run_tells_one(site, prod):
    values = stored(site.aws)
    assert len(values) >= 6
    assert len(site.runs) >= 3
    for done in site.runs:
        assert leaked(values, done.output) == leaked(values, done.record) == []


@pytest.mark.site
def test_no_request_is_logged_with_one(site, prod):
    assert leaked(stored(site.aws), site.sandbox.log.read_text()) == []


@pytest.mark.site
def test_no_user_data_has_one(site, prod):
    templates = site.aws("ec2").describe_launch_templates()["LaunchTemplates"]
    assert len(templates) >= 3
    for template in templates:
        versions = site.aws("ec2").describe_launch_template_versions(LaunchTemplateId=template["LaunchTemplateId"])
        for version in versions["LaunchTemplateVersions"]:
            assert leaked(stored(site.aws), base64.b64decode(version["LaunchTemplateData"]["UserData"]).decode()) == []


def test_one_that_the_inventory_gives_is_not_told(account, tmp_path):
    given = secrets.token_urlsafe(30)
    inventory = copy_inventory("dev", tmp_path, app_secrets={"app_secrets_values": {"STRIPE_API_KEY": given}})
    command = ("ansible-playbook", "site.yml", "-i", inventory, "--limit", "app_secrets", "--diff", "-vvv")
    for arguments, changed in (["--check"], {"app_secrets"}), ([], {"app_secrets"}), ([], set()):
        done = run(account, *command, *arguments)
        assert done.changed == changed
        assert leaked({given}, done.output + done.record + json.dumps(done.requests)) == []

    name = "/greenleaf/dev/app/STRIPE_API_KEY"
    assert client(account)("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"] == given
