"""A hub of its own for `test_processes`: `python -m tests.contract.admission.racer URL NAME PEOPLE`."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from hub_extensions.admission.database import Database
from hub_extensions.admission.store import Store
from profiles.admission import Admit
from tests.contract.admission.asking import NOW, ONE_GPU, ask


def main(url: str, name: str, people: int) -> None:
    database = Database(url)
    database.migrate()
    store = Store(database)
    line = threading.Barrier(people)

    def person(number: int) -> str | None:
        lease_id = f"{name}-{number}"
        line.wait()
        return lease_id if isinstance(store.admit(ask(lease_id, lease_id), ONE_GPU, NOW), Admit) else None

    print("ready", flush=True)
    sys.stdin.readline()
    with ThreadPoolExecutor(people) as pool:
        for winner in filter(None, pool.map(person, range(people))):
            print(winner, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
