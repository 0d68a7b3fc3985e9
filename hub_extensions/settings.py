"""The Hub's own settings, as the chart mounts them and `make run` writes them.

Keys keep zero-to-jupyterhub's names where the meaning is the same. Machines (pools, profiles) are not described
here: `catalog` is handed to `profiles.catalog`, which owns them. Quantities of Kubernetes ("10Gi") stay strings:
they are copied into manifests, never computed with.

Durations are whole seconds unless a description says otherwise.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from hub_extensions.notices.values import Notices
from hub_extensions.section import Section

Seconds = Annotated[int, Field(ge=0)]
PositiveSeconds = Annotated[int, Field(gt=0)]
ByteSize = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$")]
UrlPath = Annotated[str, StringConstraints(pattern=r"^/")]
AccessMode = Literal["ReadWriteOnce", "ReadWriteMany"]
NamedThings = list[dict[str, Any]] | dict[str, dict[str, Any]]


class Image(Section):
    name: str = Field("", description="Repository of the image, without the tag.")
    tag: str = Field("", description="Tag of the image.")
    pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = Field(
        None, description="When to pull; null leaves it to Kubernetes."
    )
    pull_secrets: list[str | dict[str, str]] = Field(
        [], description="Secrets in the namespace with which the image is pulled: names, or `{name: …}`."
    )

    @property
    def reference(self) -> str:
        """`name:tag`, or the name alone where the tag is empty (a digest is part of the name)."""
        return f"{self.name}:{self.tag}" if self.tag else self.name

    @property
    def pull_secret_names(self) -> list[str]:
        return [secret if isinstance(secret, str) else secret["name"] for secret in self.pull_secrets]


class DynamicStorage(Section):
    storage_class: str | None = Field(
        None, description="Class of new homes; null takes the cluster's default. Acts only when a claim is first made."
    )
    pvc_name_template: str = Field(
        "home-{username}",
        description="Name of a person's claim, with {username}: one home serves every machine and named server.",
        pattern=r"^[^{}]*\{username\}[^{}]*$",
    )
    storage_access_modes: list[AccessMode] = Field(
        ["ReadWriteMany"],
        description="ReadWriteMany lets a person's servers on two machines share the home; "
        "with ReadWriteOnce a switch waits until the disk has left the old node.",
        min_length=1,
        max_length=1,
    )


class StaticStorage(Section):
    pvc_name: str = Field(..., description="An existing claim that holds everyone's homes.", min_length=1)
    sub_path: str = Field("{username}", description="Directory of one person in that claim.")


class Storage(Section):
    type: Literal["dynamic", "static", "none"] = Field(
        "dynamic",
        description="dynamic: one claim per person; static: a directory per person in one claim; "
        "none: the home is gone when the server stops.",
    )
    capacity: ByteSize = Field(
        "10Gi", description="Size of a home; raising it grows existing homes where the class allows."
    )
    home_mount_path: UrlPath = Field("/home/jovyan", description="Where the home appears in every machine.")
    keep_when_user_removed: bool = Field(
        True, description="Keep the claim, and the files on it, when a user is removed from the Hub."
    )
    dynamic: DynamicStorage = Field(DynamicStorage(), description="Claims made on a person's first start.")
    static: StaticStorage | None = Field(None, description="The shared claim, with `type: static`.")
    extra_labels: dict[str, str] = Field({}, description="Labels on every home's claim.")
    extra_volumes: NamedThings = Field([], description="Kubernetes volumes added to every machine.")
    extra_volume_mounts: NamedThings = Field([], description="Where those volumes are mounted.")


class Amount(Section):
    """z2jh's `cpu` and `memory`: what a machine gets where no profile says."""

    guarantee: float | str | None = Field(None, description="Requested from the scheduler.")
    limit: float | str | None = Field(None, description="The most it may use.")


class Singleuser(Section):
    image: Image = Field(Image(), description="Image of machines whose profile names none.")
    cmd: str | list[str] | None = Field(
        "remuda-singleuser", description="Command that starts a person's server; null takes the image's own."
    )
    default_url: str = Field("/lab", description="Page that opens when a server is ready.", pattern=r"^/|^$")
    start_timeout: PositiveSeconds = Field(300, description="Seconds a start may take where the profile does not say.")
    http_timeout: PositiveSeconds = Field(60, description="Seconds for a started server to answer its first request.")
    uid: int | None = Field(1000, description="User id inside the machine; null takes the image's own.", ge=0)
    fs_gid: int | None = Field(100, description="Group that owns the home's files; null leaves them alone.", ge=0)
    cpu: Amount = Field(Amount(), description="Processors where no profile says.")
    memory: Amount = Field(Amount(), description="Memory where no profile says.")
    storage: Storage = Field(Storage(), description="The home, and other volumes.")
    service_account_name: str | None = Field(
        None, description="Service account of the machines; null runs them without any token."
    )
    allow_privilege_escalation: bool | None = Field(
        False, description="Whether a process may gain rights; true is refused by Pod Security `restricted`."
    )
    extra_env: dict[str, str | dict[str, Any]] = Field(
        {}, description="Environment of every machine: values, or Kubernetes sources (`valueFrom: …`)."
    )
    extra_labels: dict[str, str] = Field({}, description="Labels on every machine's pod.")
    extra_annotations: dict[str, str] = Field({}, description="Annotations on every machine's pod.")
    extra_pod_config: dict[str, Any] = Field({}, description="Fields merged into the pod's `spec`.")
    extra_containers: list[dict[str, Any]] = Field([], description="Containers that run beside the notebook.")
    init_containers: list[dict[str, Any]] = Field([], description="Containers that run before the notebook.")
    lifecycle_hooks: dict[str, Any] = Field({}, description="Kubernetes lifecycle hooks of the notebook container.")
    node_selector: dict[str, str] = Field({}, description="Labels every machine's node must carry, besides its pool's.")
    extra_tolerations: list[dict[str, Any]] = Field([], description="Tolerations besides the pool's.")
    scheduler_name: str | None = Field(None, description="Scheduler of the machines; null takes the cluster's.")
    priority_class_name: str | None = Field(None, description="Priority of machines whose pool names none.")
    pod_name_template: str | None = Field(None, description="Name of a pod; null keeps KubeSpawner's `jupyter-…`.")
    events: bool = Field(True, description="Follow Kubernetes events, to explain what a start waits for.")


class Database(Section):
    type: Literal["sqlite", "sqlite-pvc", "sqlite-memory", "postgres", "mysql", "other"] = Field(
        "sqlite-pvc", description="Kind of the Hub's database."
    )
    url: str | None = Field(
        None,
        description="SQLAlchemy URL. Leave the password out: it comes from the secret `hub.db.password`.",
    )
    upgrade: bool = Field(True, description="Upgrade the tables when a new Hub version needs it (a copy is kept).")


class Hub(Section):
    config: dict[str, dict[str, Any]] = Field(
        {},
        description="Any JupyterHub setting, by class and trait: `{Authenticator: {admin_users: [ada]}}`. "
        "Applied after everything else except `extraConfig`.",
    )
    extra_config: dict[str, str] = Field(
        {}, description="Python run last, in the order of the keys' names, with `c` and `get_config` at hand."
    )
    base_url: UrlPath = Field("/", description="Path under which everything is served.")
    concurrent_spawn_limit: int = Field(64, description="Starts at the same time; others are told to try again.", ge=0)
    consecutive_failure_limit: int = Field(
        5,
        description="Failed starts in a row after which the Hub restarts itself; 0 never. Refusals do not count.",
        ge=0,
    )
    active_server_limit: int | None = Field(None, description="Servers running at once; null is no limit.", ge=0)
    allow_named_servers: bool = Field(False, description="Let a person run several servers, on one home.")
    named_server_limit_per_user: int | None = Field(None, description="Named servers a person may have.", ge=0)
    redirect_to_server: bool | None = Field(
        None,
        description="Login leads to the running server, or to where a machine is picked; false: to the home page.",
    )
    shutdown_on_logout: bool = Field(False, description="Stop a person's servers when they log out.")
    authenticate_prometheus: bool = Field(True, description="Whether /hub/metrics asks for a token.")
    template_paths: list[str] = Field([], description="Directories of page templates that win over Remuda's.")
    template_vars: dict[str, Any] = Field({}, description="Variables for those templates.")
    db: Database = Field(Database(), description="Where the Hub keeps its state.")
    admission_db_url: str | None = Field(
        None,
        description="SQLAlchemy URL of the leases' and the ledger's database, SQLite or PostgreSQL. "
        "null: beside the Hub's own (the same PostgreSQL, or `remuda.sqlite` in the same folder).",
    )
    notices: Notices = Field(Notices(), description="Where people are told of things, besides the hub's own page.")
    billed_finalizer: bool = Field(
        True,
        description="Keep a machine's pod, by the finalizer `remuda.dev/billed`, until its end is in the ledger, so "
        "that what is deleted while no Hub runs is billed to the second too. Acts where the Hub may `patch` pods.",
    )
    services: dict[str, dict[str, Any]] = Field(
        {}, description="Hub services by name, with the fields of JupyterHub's `services` (camelCase or snake_case)."
    )
    load_roles: dict[str, dict[str, Any]] = Field({}, description="JupyterHub roles by name.")
    internal_url: str | None = Field(
        None, description="Where the Hub listens, as proxy and machines reach it; null: every address, port 8081."
    )
    connect_url: str | None = Field(
        None, description="How machines reach the Hub, where it is not the listening address."
    )


class Proxy(Section):
    api_url: str | None = Field(None, description="The proxy's API; null: the chart's service `proxy-api`.")
    bind_url: str | None = Field(
        None, description="Where people reach the proxy, when the Hub starts the proxy itself."
    )
    command: list[str] = Field(
        [], description="Command with which the Hub starts the proxy; empty: it runs on its own."
    )
    pid_file: str | None = Field(None, description="Where a proxy started by the Hub keeps its process id.")


class Cull(Section):
    enabled: bool = Field(True, description="Stop idle and overdue servers.")
    timeout: Seconds = Field(
        3600,
        description="Seconds without activity after which a server stops, where its profile does not say; 0 never.",
    )
    max_age: Seconds = Field(
        0, description="Seconds after which a server stops even when busy, where its profile does not say; 0 never."
    )
    every: PositiveSeconds = Field(60, description="Seconds between two looks at the servers.")
    admin_users: bool = Field(True, description="Whether administrators' servers are stopped too.")
    remove_named_servers: bool = Field(False, description="Also forget a named server when it is stopped for idleness.")


class Warming(Section):
    """What the chart knows of placeholders: pods that keep a node warm until a person's server takes their room."""

    image: str = Field(description="What a placeholder runs.", min_length=1)
    priority_class: str = Field(description="PriorityClass below that of people's servers.", min_length=1)
    pull_secrets: list[str | dict[str, str]] = Field([], description="Secrets to pull it with: names, or `{name: …}`.")

    @property
    def placeholder(self) -> dict[str, Any]:
        """As the spawner takes it."""
        secrets = [secret if isinstance(secret, str) else secret["name"] for secret in self.pull_secrets]
        return {"image": self.image, "priority_class": self.priority_class, "pull_secrets": secrets}


class Local(Section):
    """Only `mode: local`: machines are processes on this computer."""

    homes: str = Field("homes", description="Directory of people's homes, one each.", min_length=1)
    logs: str = Field("logs", description="Directory of the servers' own logs.", min_length=1)


class Settings(Section):
    """Everything a Hub of Remuda is told when it boots."""

    mode: Literal["kubernetes", "local"] = Field("kubernetes", description="Pods on a cluster, or processes here.")
    catalog: dict[str, Any] = Field(
        {}, description="currency, defaultProfile, pools and profiles, merged onto the shipped ones."
    )
    shipped_profiles: bool = Field(True, description="Start from small-cpu, many-core and gpu.")
    singleuser: Singleuser = Field(Singleuser(), description="What every machine has in common.")
    hub: Hub = Field(Hub(), description="The Hub itself.")
    proxy: Proxy = Field(Proxy(), description="The proxy in front of Hub and servers.")
    cull: Cull = Field(Cull(), description="Stopping servers nobody uses.")
    warming: Warming | None = Field(
        None, description="What keeps nodes warm for reservations; null: nothing does."
    )
    local: Local = Field(Local(), description="Where `make run` keeps things.")
