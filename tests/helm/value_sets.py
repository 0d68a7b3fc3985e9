"""Values as admins write them. Every set is rendered, checked for what must hold, and put before a real API server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def _self_signed(host: str) -> tuple[str, str]:
    """Key and certificate, PEM: a real API server reads them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, host)])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), made.public_bytes(serialization.Encoding.PEM).decode()


TLS_KEY, TLS_CERT = _self_signed("hub.example.org")

VALUE_SETS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "postgres with an existing secret": {
        "hub": {
            "db": {
                "type": "postgres",
                "url": "postgresql+psycopg://remuda@db:5432/remuda",
                "passwordSecret": {"name": "db-login", "key": "pw"},
                "networkPolicy": {"podLabels": {"app": "postgres"}},
            }
        }
    },
    "postgres with a password in the values": {
        "hub": {
            "db": {"type": "postgres", "url": "postgresql://remuda@db.example.org/remuda", "password": "s3cret-horse"}
        }
    },
    "notices by mail and to a chat": {
        "hub": {
            "notices": {
                "existingSecret": "hub-notices",
                "hubUrl": "https://hub.example.org/",
                "email": {
                    "host": "smtp.example.org",
                    "from": "hub@example.org",
                    "username": "hub",
                    "addressTemplate": "{username}@example.org",
                    "kinds": ["stops-soon", "wanted"],
                },
                "webhooks": {"chat": {"url": "https://chat.example.org/hook", "kinds": ["budget"]}},
            }
        }
    },
    "sqlite in memory": {"hub": {"db": {"type": "sqlite-memory"}}},
    "sqlite on a chosen class": {
        "hub": {
            "db": {
                "pvc": {
                    "storageClassName": "fast",
                    "storage": "5Gi",
                    "subPath": "hub",
                    "accessModes": ["ReadWriteOncePod"],
                }
            }
        }
    },
    "existing secret": {"hub": {"existingSecret": "my-keys"}},
    "keys in the values": {
        "hub": {"cookieSecret": "c" * 64, "config": {"CryptKeeper": {"keys": ["a" * 64, "b" * 64]}}},
        "proxy": {"secretToken": "d" * 64},
    },
    "oidc": {
        "hub": {
            "config": {
                "JupyterHub": {"authenticator_class": "generic-oauth"},
                "GenericOAuthenticator": {
                    "client_id": "remuda",
                    "client_secret": "hush-hush-hush",
                    "manage_groups": True,
                },
                "Authenticator": {"enable_auth_state": True, "admin_users": ["ada"]},
            }
        }
    },
    "ingress with tls": {
        "proxy": {"service": {"type": "ClusterIP"}},
        "ingress": {
            "enabled": True,
            "ingressClassName": "nginx",
            "hosts": ["hub.example.org"],
            "annotations": {"cert-manager.io/cluster-issuer": "letsencrypt"},
            "tls": [{"hosts": ["hub.example.org"], "secretName": "hub-tls"}],
        },
    },
    "ingress without a host, on a path": {
        "hub": {"baseUrl": "/jupyter/"},
        "proxy": {"service": {"type": "ClusterIP"}},
        "ingress": {"enabled": True, "pathType": "ImplementationSpecific", "pathSuffix": "*"},
    },
    "https from a secret": {
        "proxy": {
            "https": {"enabled": True, "type": "secret", "hosts": ["hub.example.org"], "secret": {"name": "hub-tls"}}
        }
    },
    "https from the values, no plain http": {
        "proxy": {
            "service": {
                "disableHttpPort": True,
                "loadBalancerSourceRanges": ["192.0.2.0/24"],
                "loadBalancerIP": "192.0.2.7",
            },
            "https": {
                "enabled": True,
                "type": "manual",
                "hosts": ["hub.example.org"],
                "manual": {"key": TLS_KEY, "cert": TLS_CERT},
            },
        }
    },
    "https at the load balancer": {
        "proxy": {
            "https": {"enabled": True, "type": "offload", "hosts": ["hub.example.org"]},
            "service": {"annotations": {"service.beta.kubernetes.io/aws-load-balancer-ssl-ports": "https"}},
        }
    },
    "node ports": {
        "proxy": {"service": {"type": "NodePort", "nodePorts": {"http": 30080}}},
        "hub": {"nodeSelector": {"remuda.dev/pool": "core"}},
    },
    "network policies off": {
        "hub": {"networkPolicy": {"enabled": False}},
        "proxy": {"chp": {"networkPolicy": {"enabled": False}}},
        "singleuser": {"networkPolicy": {"enabled": False}},
    },
    "network policies opened": {
        "hub": {"networkPolicy": {"interNamespaceAccessLabels": "accept", "allowedIngressPorts": [10101]}},
        "singleuser": {
            "networkPolicy": {
                "interNamespaceAccessLabels": "accept",
                "egressAllowRules": {
                    "privateIPs": True,
                    "cloudMetadataServer": True,
                    "dnsPortsPrivateIPs": True,
                    "dnsPortsCloudMetadataServer": True,
                },
                "egress": [{"to": [{"podSelector": {"matchLabels": {"app": "minio"}}}], "ports": [{"port": 9000}]}],
                "blockedCIDRs": ["203.0.113.10/32", "2001:db8::1/128"],
            }
        },
    },
    "data inside the cluster": {
        "data": {
            "settings": {
                "metastore": "thrift://hms.storage:9083",
                "warehouse": "s3://lake/warehouse",
                "s3": {"endpoint": "http://minio:9000"},
                "grants": {"sales": ["ann"]},
                "databases": {"crm": {"url": "postgresql://10.0.0.7/crm"}},
            },
            "reach": [
                {"podLabels": {"app": "minio"}, "ports": [9000]},
                {"namespace": "storage", "podLabels": {"app": "hms"}, "ports": [9083]},
                {"cidr": "10.0.0.7/32", "ports": [5432]},
            ],
        },
        "singleuser": {"storage": {"extraVolumes": {"nfs": {"name": "nfs", "emptyDir": {}}}}},
    },
    "homes on one node at a time": {
        "singleuser": {
            "storage": {"capacity": "50Gi", "dynamic": {"storageClass": "gp3", "storageAccessModes": ["ReadWriteOnce"]}}
        }
    },
    "homes in one claim": {"singleuser": {"storage": {"type": "static", "static": {"pvcName": "nfs-homes"}}}},
    "homes removed with their people": {"singleuser": {"storage": {"keepWhenUserRemoved": False}}},
    "placeholders": {
        "pools": {
            "general": {"placeholders": {"replicas": 3}},
            "gpu": {
                "placeholders": {
                    "replicas": 1,
                    "cpu": "4",
                    "memory": "16Gi",
                    "extendedResources": {"nvidia.com/gpu": 1},
                }
            },
        }
    },
    "gpu slices and images of options": {
        "pools": {"gpu": {"nodeSelector": {"cloud.example/pool": "a100"}, "runtimeClass": "nvidia"}},
        "profiles": {
            "gpu": {
                "image": "remuda/notebook-gpu:1.2.3",
                "extendedResources": {"nvidia.com/mig-1g.5gb": 1},
                "pricePerHour": 2.90,
                "allow": {"everyone": False, "groups": ["ml-team"]},
                "idleTimeout": "30m",
            },
            "gpu-large": {
                "extends": "gpu",
                "displayName": "Large GPU",
                "memory": {"request": "128Gi", "limit": "128Gi"},
                "options": {
                    "image": {
                        "displayName": "Image",
                        "default": "stable",
                        "choices": {
                            "stable": {"displayName": "Stable"},
                            "nightly": {
                                "displayName": "Nightly",
                                "overrides": {"image": "remuda/notebook-gpu:nightly-7"},
                            },
                        },
                    }
                },
            },
            "many-core": {"enabled": False},
        },
    },
    "only own profiles": {
        "shippedProfiles": False,
        "currency": "USD",
        "defaultProfile": "tiny",
        "pools": {"spot": {"displayName": "Spot", "nodeSelector": {"capacity": "spot"}}},
        "profiles": {
            "tiny": {
                "displayName": "Tiny",
                "purpose": "Looking around",
                "pool": "spot",
                "cpu": {"request": "250m", "limit": 1},
                "memory": {"request": "512Mi", "limit": "1Gi"},
                "pricePerHour": 0.01,
            }
        },
    },
    "extra everything": {
        "imagePullSecrets": ["registry", {"name": "other-registry"}],
        "hub": {
            "extraConfig": {"10-banner": "c.JupyterHub.template_vars = {'announcement': 'hello'}"},
            "extraEnv": {"PLAIN": "1", "FROM_SECRET": {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}},
            "extraVolumes": [{"name": "extra", "configMap": {"name": "extra"}}],
            "extraVolumeMounts": [{"name": "extra", "mountPath": "/extra"}],
            "initContainers": [{"name": "wait", "image": "remuda/hub:0.1.0", "command": ["true"]}],
            "extraContainers": [
                {
                    "name": "side",
                    "image": "remuda/hub:0.1.0",
                    "command": ["sleep", "inf"],
                    "ports": [{"containerPort": 9000, "name": "side"}],
                }
            ],
            "labels": {"team": "data"},
            "annotations": {"note": "hub"},
            "tolerations": [{"key": "core", "operator": "Exists"}],
            "affinity": {
                "podAntiAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        {
                            "weight": 1,
                            "podAffinityTerm": {
                                "topologyKey": "kubernetes.io/hostname",
                                "labelSelector": {"matchLabels": {"component": "proxy"}},
                            },
                        }
                    ]
                }
            },
            "services": {"dask": {"url": "http://hub:10101", "admin": False}},
            "service": {
                "extraPorts": [{"name": "dask", "port": 10101, "targetPort": 10101}],
                "annotations": {"note": "service"},
            },
            "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/hub"}},
            "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "2Gi"}},
            "image": {
                "name": "registry.example.org/hub",
                "tag": "7.0.0",
                "pullPolicy": "Always",
                "pullSecrets": ["hub-only"],
            },
            "args": ["jupyterhub", "--config", "/etc/mine.py"],
        },
        "proxy": {
            "chp": {
                "extraCommandLineFlags": ["--log-level=debug"],
                "extraEnv": [{"name": "NODE_OPTIONS", "value": "--max-old-space-size=256"}],
            }
        },
        "singleuser": {
            "extraEnv": {"TZ": "Europe/Berlin"},
            "extraLabels": {"cost-centre": "42"},
            "initContainers": [{"name": "prepare", "image": "busybox:1.36"}],
        },
        "prePuller": {
            "extraImages": {"spark": {"name": "spark", "tag": "4.0.0"}},
            "annotations": {"note": "pull"},
            "labels": {"team": "data"},
        },
    },
    "disruption budgets": {"hub": {"pdb": {"enabled": True}}, "proxy": {"pdb": {"enabled": True, "maxUnavailable": 1}}},
    "a resource quota behind the hub's own": {
        "scheduling": {"resourceQuota": {"enabled": True}},
        "policies": {
            "quotas": {
                "all": {"per": "hub", "gpus": 8, "cores": 100, "devices": {"nvidia.com/mig-1g.5gb": 2}},
                "fewer": {"per": "hub", "devices": {"nvidia.com/gpu": 6}},
                "each": {"per": "user", "gpus": 1},
                "some": {"per": "hub", "groups": ["ml"], "gpus": 1},
            }
        },
    },
    "dashboards for grafana": {
        "grafana": {"dashboards": {"enabled": True, "annotations": {"grafana_folder": "Remuda"}}},
        "fullnameOverride": "second",
    },
    "culler and pullers off": {
        "cull": {"enabled": False},
        "prePuller": {"hook": {"enabled": False}, "continuous": {"enabled": False}},
    },
    "no cluster-wide objects": {"rbac": {"clusterReads": False}, "scheduling": {"podPriority": {"enabled": False}}},
    "no rights made": {"rbac": {"create": False}, "hub": {"serviceAccount": {"create": False, "name": "given"}}},
    "core nodes required": {
        "scheduling": {"corePods": {"nodeAffinity": {"matchNodePurpose": "require"}}},
        "proxy": {"chp": {"affinity": {"podAffinity": {}}}},
    },
    "second release beside another": {"fullnameOverride": "second"},
    "dummy login on purpose": {
        "hub": {
            "allowDummyAuthenticator": True,
            "config": {"JupyterHub": {"authenticator_class": "dummy"}, "DummyAuthenticator": {"password": "x"}},
        }
    },
    "quotas, budgets, approvals and hours": {
        "currency": "EUR",
        "profiles": {
            "gpu": {
                "pricePerHour": 2.90,
                "hours": {"days": ["mon-fri", "sun"], "from": "08:00", "to": "20:00"},
            }
        },
        "policies": {
            "timezone": "Europe/Berlin",
            "whenUnavailable": "admit",
            "quotas": {
                "servers": {"per": "user", "servers": 3, "overrides": {"users": {"ada": {"servers": 10}}}},
                "gpus": {
                    "per": "group",
                    "groups": ["ml-team", "astro"],
                    "pools": ["gpu"],
                    "gpus": 4,
                    "devices": {"nvidia.com/mig-1g.5gb": 8},
                    "overrides": {"groups": {"ml-team": {"gpus": 8}}},
                },
                "all": {"per": "hub", "cores": 400, "memory": "2Ti"},
                "an-earlier-file-had-it": None,
            },
            "budgets": {
                "month": {"per": "user", "money": 200, "overrides": {"users": {"ada": 500}, "groups": {"astro": 400}}},
                "gpu-days": {"per": "group", "gpuHours": "500.5", "window": "30d", "profiles": ["gpu"], "grace": "0s"},
                "ours": {"per": "hub", "machineHours": 10000, "window": "week", "warnAt": [50, 90]},
            },
            "approvals": {
                "many-gpus": {
                    "profiles": ["gpu"],
                    "moreThan": {"gpus": 1},
                    "approvers": {"groups": ["ml-leads"]},
                    "exempt": {"admins": True},
                    "longest": "3d",
                }
            },
        },
    },
    "limits and named servers": {
        "hub": {
            "activeServerLimit": 100,
            "concurrentSpawnLimit": 20,
            "allowNamedServers": True,
            "namedServerLimitPerUser": 3,
            "redirectToServer": False,
        },
        "cull": {"timeout": 7200, "maxAge": 86400, "adminUsers": False},
    },
}
