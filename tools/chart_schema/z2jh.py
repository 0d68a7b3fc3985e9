"""Zero-to-jupyterhub's keys that are something else here: the chart refuses them with this sentence, and the page
docs/reference/z2jh-keys.md lists them. Keys that mean the same need no entry: they are simply values here."""

from __future__ import annotations

#: key → what to write instead. A parent covers everything below it.
RETIRED: dict[str, str] = {
    "singleuser.profileList": "machines are described under profiles (and their nodes under pools): "
    "`python -m tools.chart_schema.from_z2jh VALUES.yaml` writes them for you",
    "singleuser.extraResource": "give each profile its extendedResources, such as {nvidia.com/gpu: 1}",
    "singleuser.cloudMetadata": "metadata addresses are blocked by singleuser.networkPolicy, without a privileged init "
    "container; singleuser.networkPolicy.egressAllowRules.cloudMetadataServer opens one",
    "singleuser.networkTools": "nothing is needed: metadata addresses are blocked by singleuser.networkPolicy",
    "singleuser.extraNodeAffinity": "write it into the pool: pools.<name>.affinity.nodeAffinity",
    "singleuser.extraPodAffinity": "write it into the pool: pools.<name>.affinity.podAffinity",
    "singleuser.extraPodAntiAffinity": "write it into the pool: pools.<name>.affinity.podAntiAffinity",
    "singleuser.extraFiles": "make a ConfigMap or Secret and mount it with singleuser.storage.extraVolumes and "
    "extraVolumeMounts",
    "hub.extraFiles": "make a ConfigMap or Secret and mount it with hub.extraVolumes and hub.extraVolumeMounts",
    "hub.deploymentStrategy": "leave it out: there is one hub, and the chart always uses Recreate",
    "proxy.deploymentStrategy": "leave it out: there is one proxy, and the chart always uses Recreate",
    "proxy.traefik": "for Let's Encrypt put an ingress with cert-manager before the proxy (ingress.*)",
    "proxy.secretSync": "for Let's Encrypt put an ingress with cert-manager before the proxy (ingress.*)",
    "proxy.https.letsencrypt": "for Let's Encrypt put an ingress with cert-manager before the proxy (ingress.*), "
    "or give a certificate with proxy.https.type: secret",
    "proxy.chp.pdb": "it is proxy.pdb",
    "scheduling.userScheduler": "leave it out: pools say where machines run; to pack them, use a scheduler profile of "
    "your cluster and name it in singleuser.schedulerName",
    "scheduling.userPlaceholder": "say it per pool: pools.<name>.placeholders {replicas, cpu, memory}",
    "scheduling.userPods": "say it per pool: pools.<name>.nodeSelector, tolerations and affinity",
    "scheduling.podPriority.defaultPriority": "it is scheduling.podPriority.userPriority",
    "prePuller.pullProfileListImages": "leave it out: every pool pulls its own profiles' images, options included",
    "prePuller.hook.image": "leave it out: the hub's image waits for the pullers",
    "prePuller.hook.podSchedulingWaitDuration": "it is prePuller.hook.waitSeconds",
    "imagePullSecret": "make the Secret yourself (kubectl create secret docker-registry) and "
    "name it in imagePullSecrets",
    "httpRoute": "make your own HTTPRoute to the service proxy-public, port 80, and give its address in "
    "hub.config.JupyterHub.public_url",
    "cull.users": "remove people on the Hub's admin page; nobody is removed for being idle",
    "cull.concurrency": "leave it out: stops run side by side",
    "custom": "put your own variables into hub.templateVars or hub.extraConfig",
    "debug": "set hub.config.JupyterHub.log_level to DEBUG",
    "auth": "authenticators are configured under hub.config, such as hub.config.GitHubOAuthenticator",
    "nameOverride": "it is fullnameOverride; the label app is always jupyterhub, which dashboards join on",
}


def template_document() -> dict[str, list[dict[str, str]]]:
    """What the chart's templates read."""
    return {"retired": [{"key": key, "instead": instead} for key, instead in RETIRED.items()]}


#: Same key, same meaning, another default: what it was there and why it changed.
OTHER_DEFAULTS: dict[str, tuple[str, str]] = {
    "hub.config.JupyterHub.authenticator_class": ("dummy", "generated passwords; dummy is refused"),
    "singleuser.storage.dynamic.storageAccessModes": (
        "[ReadWriteOnce]",
        "ReadWriteMany: a home on two machines at once",
    ),
    "singleuser.storage.dynamic.pvcNameTemplate": ("claim-{user_server}", "one home per person, not per named server"),
    "singleuser.defaultUrl": ("empty", "/lab"),
    "singleuser.cmd": (
        "jupyterhub-singleuser",
        "remuda-singleuser starts in half the time; null takes the image's own",
    ),
    "singleuser.networkPolicy.egressAllowRules.dnsPortsPrivateIPs": ("true", "false: kube-system's DNS is enough"),
    "singleuser.networkPolicy.egressAllowRules.dnsPortsCloudMetadataServer": (
        "true",
        "false; GKE with Cloud DNS needs true",
    ),
    "proxy.chp.networkPolicy.egressAllowRules.nonPrivateIPs": ("true", "false: the proxy has no business there"),
    "proxy.chp.networkPolicy.egressAllowRules.privateIPs": ("true", "false: hub and machines are named by rules"),
    "scheduling.podPriority.enabled": ("false", "true: placeholders need it"),
    "cull.every": ("600", "60: the price of a forgotten machine"),
    "hub.db.upgrade": ("null", "true: a copy is kept"),
}


def keys_page() -> str:
    """docs/reference/z2jh-keys.md"""
    lines = [
        "# Zero-to-jupyterhub's keys",
        "",
        "Generated by `python -m tools.chart_schema`. A key that is in neither table means the same here, if",
        "[values](values.md) lists it; the chart refuses any other.",
        "",
        "## Something else here",
        "",
        "The chart refuses these, all at once, with the sentence on the right.",
        "",
        "| zero-to-jupyterhub | here |",
        "|---|---|",
        *(f"| `{key}` | {instead} |" for key, instead in RETIRED.items()),
        "",
        "## Another default",
        "",
        "| key | there | here |",
        "|---|---|---|",
        *(f"| `{key}` | {there} | {here} |" for key, (there, here) in OTHER_DEFAULTS.items()),
    ]
    return "\n".join([*lines, ""])
