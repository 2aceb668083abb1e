# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the modules of sandbox.gaps change moto's classes."""

from __future__ import annotations

import collections.abc as c
import functools
import typing as t

Function = c.Callable[..., t.Any]
Decorator = c.Callable[[Function], Function]


def adds(owner: type, name: str = "") -> Decorator:
    """Makes the function a method of `owner`, by its own name unless another is given."""

    def decorate(function: Function) -> Function:
        setattr(owner, name or function.__name__, function)
        return function

    return decorate


def wraps(owner: type, name: str = "") -> Decorator:
    """Does as `adds`, and hands the method that was there to the function as its first argument."""

    def decorate(function: Function) -> Function:
        moto = getattr(owner, name or function.__name__)

        @functools.wraps(function)
        def method(*args: t.Any, **kwargs: t.Any) -> t.Any:
            return function(moto, *args, **kwargs)

        return adds(owner, name or function.__name__)(method)

    return decorate
