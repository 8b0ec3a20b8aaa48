"""The login of this user, which ``hubport login`` keeps for all commands and trainings.

The one rule: it is read when arguments and environment have left something open, and not before, so that a file that is
damaged stops nobody who does not need it.
"""

from __future__ import annotations

import attrs

from ..domain.client.login import Login
from ..domain.errors import InvalidSettings
from ..domain.ports.private_file import PrivateFile
from .command_name import command


@attrs.frozen
class Logins:
    """The login in *file*; ``None`` where this user has no place for one."""

    file: PrivateFile | None

    @property
    def location(self) -> str | None:
        """Where it is kept, for people."""
        return None if self.file is None else self.file.location

    def read(self) -> Login | None:
        """What was kept; ``None`` when that is nothing.

        Raises:
            InvalidSettings: naming the file, when it cannot be read or is none of ours.
        """
        if self.file is None:
            return None
        try:
            data = self.file.read()
            return None if data is None else Login.decode(data, name=self.file.location)
        except OSError as exc:
            raise self._unusable(exc.strerror or str(exc)) from exc
        except InvalidSettings as exc:
            raise self._unusable(exc.problem) from exc
        except ValueError as exc:
            raise self._unusable(str(exc)) from exc

    def keep(self, login: Login) -> str:
        """Put *login* in place of the one before; where it is now.

        Raises:
            InvalidSettings: naming the file, when that is not possible.
        """
        if self.file is None:
            raise InvalidSettings(
                "HUBPORT_CONFIG_FILE",
                "this user has no home folder to keep the login in: name a file, or use the variables "
                "ULTRALYTICS_HUB_API and HUB_API_KEY instead",
            )
        try:
            self.file.write(login.encode())
        except OSError as exc:
            raise self._cannot("be written", exc) from exc
        return self.file.location

    def forget(self) -> bool:
        """Take the login away, also one that cannot be read; whether there was one.

        Raises:
            InvalidSettings: naming the file, when that is not possible.
        """
        try:
            return self.file is not None and self.file.remove()
        except OSError as exc:
            raise self._cannot("be removed", exc) from exc

    def _unusable(self, problem: str) -> InvalidSettings:
        return InvalidSettings(
            f"the login in {self.location}",
            f"{problem}. `{command('login')}` writes a new one, and `{command('logout')}` removes it; "
            "until then use ULTRALYTICS_HUB_API and HUB_API_KEY",
        )

    def _cannot(self, what: str, exc: OSError) -> InvalidSettings:
        return InvalidSettings(
            f"the login in {self.location}",
            f"it cannot {what}: {exc.strerror or exc}; HUBPORT_CONFIG_FILE names another file",
        )
