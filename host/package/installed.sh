#!/bin/sh
# Lets the sandbox make user namespaces at once, where AppArmor keeps them for programs it knows.
set -e
if command -v apparmor_parser >/dev/null 2>&1 && [ -d /sys/kernel/security/apparmor ]; then
    apparmor_parser --replace --write-cache /etc/apparmor.d/openvibez-sandbox ||
        echo "openvibez: AppArmor did not take the sandbox's profile; openvibez doctor says what follows from that" >&2
fi
