#!/usr/bin/env bash
# nat-router start | check | answer CONTINUE|ABANDON
# start: attach the zone's network interface, find it by its MAC, forward and masquerade, verify; ends with an error otherwise.
set -euo pipefail
# shellcheck source=/dev/null
. /etc/nat-router/env
export AWS_DEFAULT_REGION=$REGION

metadata() {
  local token
  token=$(curl -sf --retry 5 --retry-connrefused -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)
  curl -sf --retry 5 -H "X-aws-ec2-metadata-token: $token" "http://169.254.169.254/latest/meta-data/$1"
}

retry() { # TRIES COMMAND...: five seconds between two tries
  local tries=$1
  shift
  until "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { echo "gave up: $*" >&2; return 1; }
    sleep 5
  done
}

interface_field() {
  aws ec2 describe-network-interfaces --network-interface-ids "$INTERFACE_ID" --query "NetworkInterfaces[0].$1" --output text
}

attach() {
  local instance
  instance=$(metadata instance-id) || return
  [ "$(interface_field Attachment.InstanceId)" = "$instance" ] && return
  aws ec2 attach-network-interface --network-interface-id "$INTERFACE_ID" --instance-id "$instance" --device-index 1
}

device_of() { # MAC: the kernel's name of the device that has it
  local address
  for address in /sys/class/net/*/address; do
    if [ "$(cat "$address")" = "$1" ]; then
      basename "$(dirname "$address")"
      return
    fi
  done
  return 1
}

install_nft() { # dnf does not fit into the 512 MB of a t3.nano
  if [ ! -e /swapfile ]; then
    (umask 077 && dd if=/dev/zero of=/swapfile bs=1M count=512 status=none)
    mkswap -q /swapfile
    swapon /swapfile
    echo '/swapfile none swap defaults 0 0' >> /etc/fstab
  fi
  retry 6 dnf -y install nftables
}

start() {
  local mac inside outside gateway
  command -v nft > /dev/null || install_nft
  retry 60 attach # the one before lets go of it only when it is gone
  mac=$(interface_field MacAddress)
  retry 24 device_of "$mac" > /dev/null
  inside=$(device_of "$mac")
  outside=$(device_of "$(metadata mac)")
  [ -n "$inside" ] && [ -n "$outside" ] && [ "$inside" != "$outside" ]

  # Answers to the private subnets leave by the interface whose source/destination check is off.
  retry 24 sh -c "ip -4 route show dev $inside | grep -q ."
  gateway=$(python3 -c 'import ipaddress, sys; print(ipaddress.ip_interface(sys.argv[1]).network[1])' "$(ip -4 -o addr show dev "$inside" | awk '{print $4; exit}')")
  ip route replace "$VPC_CIDR" via "$gateway" dev "$inside"
  cat > /etc/sysctl.d/90-nat-router.conf << EOF
net.ipv4.ip_forward=1
net.ipv4.conf.$inside.rp_filter=0
net.ipv4.conf.$outside.rp_filter=0
net.ipv4.conf.all.rp_filter=0
net.netfilter.nf_conntrack_max=65536
EOF
  modprobe nf_conntrack
  sysctl -q -p /etc/sysctl.d/90-nat-router.conf
  nft -f - << EOF
add table ip nat_router
flush table ip nat_router
table ip nat_router {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr $VPC_CIDR ip daddr != $VPC_CIDR oifname "$outside" masquerade
  }
}
EOF
  routes
}

routes() { # forwarding is on, the rule stands, and the internet answers
  [ "$(sysctl -n net.ipv4.ip_forward)" = 1 ] &&
    nft list chain ip nat_router postrouting | grep -q masquerade &&
    retry 6 curl -sf -o /dev/null --max-time 10 "https://ec2.$REGION.amazonaws.com/ping"
}

check() {
  local up=0
  routes && up=1
  aws cloudwatch put-metric-data --namespace "$NAMESPACE" --metric-name EgressUp --value "$up" \
    --dimensions "AutoScalingGroupName=$(metadata tags/instance/aws:autoscaling:groupName)"
}

answer() {
  aws autoscaling complete-lifecycle-action --lifecycle-action-result "$1" --lifecycle-hook-name "$HOOK" \
    --auto-scaling-group-name "$(metadata tags/instance/aws:autoscaling:groupName)" --instance-id "$(metadata instance-id)"
}

"$@"
