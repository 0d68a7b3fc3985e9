"""A real Kubernetes on this computer for `make up` and the cluster tests: kind, four nodes, three machine pools.

`python -m tools.cluster up|down|status|images|load|tools|node-image|kubeconfig|network-policy`
"""
