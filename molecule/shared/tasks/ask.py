# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Print AWS's answers to some questions, as JSON: ask.py '{"table": ["dynamodb", "describe_table", {"TableName": "locks"}]}'"""

from __future__ import annotations

import json
import sys

import boto3

questions = json.loads(sys.argv[1])
answers = {name: getattr(boto3.client(service), operation)(**parameters) for name, (service, operation, parameters) in questions.items()}
print(json.dumps(answers, default=str))
