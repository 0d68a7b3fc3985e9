"""Where leases and ledger are kept, from where the Hub keeps its own state. Pure."""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

FILE = "remuda.sqlite"
IN_MEMORY = "sqlite://"
SETTING = "hub.admissionDbUrl"


class NoPlace(Exception):
    """The Hub's database cannot hold ours. What it says never contains a password."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.problem, self.remedy = problem, remedy


def admission_url(hub_url: str, given: str = "") -> str:
    """SQLAlchemy's URL of our database: `given` by the admin, else beside the Hub's own. Raises `NoPlace`.

    Beside a SQLite file it is a file of its own: JupyterHub may hold a write transaction open in the very thread that
    would wait for ours, and SQLite has one writer per file. In PostgreSQL it is the same database, and our tables begin
    with `remuda_`.
    """
    url = _parsed(given, SETTING) if given else _parsed(_as_url(hub_url), "hub.db.url")
    match url.get_backend_name():
        case "sqlite":
            return str(url) if given else _beside(url)
        case "postgresql":
            # psycopg is what the extra `hub` brings. The password stays in: str(url) would write *** in its place.
            return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        case other:
            raise NoPlace(
                f"leases and the ledger are kept in SQLite or PostgreSQL, and {SETTING if given else 'hub.db.url'} is "
                f"{other}",
                f"set {SETTING} to a database of one of these kinds, such as "
                f"postgresql://remuda@db.example/remuda or sqlite:////srv/jupyterhub/{FILE}",
            )


def spoken(url: str) -> str:
    """For logs: without the password."""
    return make_url(url).render_as_string(hide_password=True)


def in_memory(url: str) -> bool:
    parsed = make_url(url)
    return parsed.get_backend_name() == "sqlite" and _is_memory(parsed)


def _as_url(hub_url: str) -> str:
    """JupyterHub's own convenience: a path is a SQLite file."""
    return hub_url if "://" in hub_url else f"sqlite:///{hub_url}"


def _parsed(url: str, setting: str) -> URL:
    if url.startswith("postgres://"):
        url = url.replace("postgres://", "postgresql://", 1)
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        example = f"such as postgresql://remuda@db.example/remuda or sqlite:////srv/jupyterhub/{FILE}"
        raise NoPlace(f"{setting} is no URL that SQLAlchemy reads", f"set {SETTING} to one, {example}") from None


def _is_memory(url: URL) -> bool:
    return url.database in {None, "", ":memory:"} or url.query.get("mode") == "memory"


def _beside(url: URL) -> str:
    if _is_memory(url):
        return IN_MEMORY
    path = str(url.database).removeprefix("file:")
    folder, slash, _ = path.rpartition("/")
    return URL.create("sqlite", database=f"{folder}{slash}{FILE}").render_as_string()
