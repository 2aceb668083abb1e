# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: check_inputs
short_description: Refuse inputs that AWS would refuse, before anything is changed
version_added: 0.1.0
description:
  - Evaluates the inputs of every component of the play, checks them against the argument specs of the components' roles,
    and then against each other and what AWS offers (M(greenleaf.cloud.offerings_info)).
  - All problems are told at once, each with the variable's name and the mend.
  - Needs the permissions of M(greenleaf.cloud.offerings_info).
options:
  names_only:
    description: Whether to stop after the names of components and variables, which takes neither values nor AWS.
    type: bool
    default: false
  stored_parameters:
    description: Full names of the SSM parameters that are there, against which required secrets are checked.
    type: list
    elements: str
    default: []
  region:
    description: AWS region that is asked for its offers.
    type: str
attributes:
  action:
    support: full
    description: Runs on the controller, which knows every component's variables.
  check_mode:
    support: full
    description: Reads only.
  diff_mode:
    support: none
    description: Reads only.
author: GreenLeaf (@greenleaf)
"""

EXAMPLES = r"""
- name: Check what was declared
  greenleaf.cloud.check_inputs:
  run_once: true
"""

RETURN = r"""
problems:
  description: What is wrong, one sentence each.
  returned: always
  type: list
  elements: str
  sample: ["alb_asg_min_size is 3, more than alb_asg_desired_capacity 2: lower the one or raise the other."]
"""
