# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an S3 bucket's documents (policy, lifecycle, tags) look like; nothing here talks to S3."""

from __future__ import annotations

import re

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import State

RULE_ID = "expire-noncurrent-versions"
STATEMENT_ID = "RequireTls"
ABORT_MULTIPART_DAYS = 7
PUBLIC_ACCESS_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
NAME = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9](?!.*\.\.)[a-z0-9.-]{1,61}[a-z0-9]")
RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def problem(params: State) -> str | None:
    """What S3 would refuse about the options, and the mend."""
    name = params["name"]
    if not NAME.fullmatch(name) or name.endswith(RESERVED_SUFFIXES):
        return (
            f"name: S3 refuses {name!r}. Use 3 to 63 lower-case letters, digits, dots and hyphens, a letter or digit at both ends, "
            "without two dots in a row, the form of an IP address, or one of S3's reserved prefixes and suffixes."
        )
    if params["kms_key_id"] is not None and params["encryption"] != "aws:kms":
        return "kms_key_id: a key needs encryption: aws:kms."
    if params["noncurrent_days"] is not None and params["noncurrent_days"] < 1:
        return f"noncurrent_days: {params['noncurrent_days']} is too few, the least is 1."
    return None


def tls_statement(arn: str) -> State:
    """The policy statement that denies every request without TLS."""
    return {
        "Sid": STATEMENT_ID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def requires_tls(policy: State, arn: str) -> bool:
    """Whether a statement of `policy`, under whatever name, denies every request without TLS."""
    return any(_same(statement, tls_statement(arn)) for statement in _statements(policy))


def with_tls(policy: State, arn: str, *, required: bool) -> State | None:
    """`policy` with or without the denial of requests without TLS, its other statements kept; None if nothing is left."""
    wanted = tls_statement(arn)
    others = [statement for statement in _statements(policy) if statement.get("Sid") != STATEMENT_ID and not _same(statement, wanted)]
    statements = [*others, wanted] if required else others
    return {**(policy or {"Version": "2012-10-17"}), "Statement": statements} if statements else None


def _statements(policy: State) -> list[State]:
    statements = policy.get("Statement", [])
    return [statements] if isinstance(statements, dict) else statements


def _same(one: State, other: State) -> bool:
    return not compare_policies(*({"Statement": [{**statement, "Sid": ""}]} for statement in (one, other)))


def lifecycle_rule(noncurrent_days: int) -> State:
    """The lifecycle rule that deletes what nobody sees: old versions, and uploads that were never finished."""
    return {
        "ID": RULE_ID,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "NoncurrentVersionExpiration": {"NoncurrentDays": noncurrent_days},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": ABORT_MULTIPART_DAYS},
    }


def noncurrent_days(rules: list[State]) -> int | None:
    """The days after which noncurrent versions expire, if our rule stands among `rules` untouched."""
    for rule in rules:
        days = rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays")
        if days and rule == lifecycle_rule(days):
            return int(days)
    return None


def with_lifecycle_rule(rules: list[State], days: int) -> list[State]:
    """`rules` with ours in its place, the others kept."""
    return [*(rule for rule in rules if rule.get("ID") != RULE_ID), lifecycle_rule(days)]


def public_access_blocked(configuration: dict[str, bool]) -> bool | str:
    """True or False where the four blocks agree, else which of them are on."""
    blocked = [block for block in PUBLIC_ACCESS_BLOCKS if configuration.get(block)]
    return ", ".join(blocked) if 0 < len(blocked) < len(PUBLIC_ACCESS_BLOCKS) else bool(blocked)
