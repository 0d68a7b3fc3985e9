"""Named servers that are not there yet. JupyterHub keeps one from the moment somebody comes to its page or asks for its
start, so that each refusal would leave a stopped server behind."""

from __future__ import annotations

from typing import Any


class Unmade:
    """What can be asked of a server before it is there: its person's default one answers, under the new name, and with
    nothing of what runs or ran there."""

    ready = active = False
    pending: str | None = None
    failure = machine = last_good_choice = orm_spawner = None
    spawn_id = ""

    def __init__(self, spawner: Any, name: str) -> None:
        self.name = name
        self.user_options: dict[str, Any] = {}
        self._spawner = spawner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._spawner, name)


def is_unmade(user: Any, name: str) -> bool:
    return bool(name) and name not in user.orm_user.orm_spawners


def spawner_for(user: Any, name: str) -> Any:
    if is_unmade(user, name):
        return Unmade(user.spawner, name)
    return user.spawners[name] if name else user.spawner


def forget(db: Any, user: Any, name: str) -> None:
    """Of a server that a refused request has made: only JupyterHub's row, as nothing else came to be. One that starts
    or runs meanwhile stays."""
    if not name or is_unmade(user, name) or (spawner := user.spawners[name]).active:
        return
    db.delete(spawner.orm_spawner)
    user.spawners.pop(name, None)
    db.commit()
