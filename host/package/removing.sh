#!/bin/sh
# Before the programs go, their AppArmor profile; not before an update, which loads the new one itself.
set -e
case ${1:-} in remove | deconfigure | 0) ;; *) exit 0 ;; esac
if command -v apparmor_parser >/dev/null 2>&1 && [ -d /sys/kernel/security/apparmor ]; then
    apparmor_parser --remove /etc/apparmor.d/openvibez-sandbox || true
fi
