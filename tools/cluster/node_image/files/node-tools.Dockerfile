# What every node runs beside pods and what needs a shell: kube-proxy, the routes between nodes, making claims' folders.
FROM debian:trixie-slim
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends iptables nftables iproute2 conntrack kmod >/dev/null \
 && rm -rf /var/lib/apt/lists/*
COPY bin/kube-proxy bin/kubectl /usr/local/bin/
COPY --chmod=755 route-sync /usr/local/bin/route-sync
