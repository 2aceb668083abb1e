# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cloud on loopback: an AWS emulator and a Cloudflare stand-in that record every request."""

from __future__ import annotations

from sandbox.process import Sandbox

__all__ = ["Sandbox"]
