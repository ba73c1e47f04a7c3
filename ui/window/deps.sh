#!/bin/sh
# Brings what the window is built from. Without a window OpenVibez opens the browser, so nothing here is an error.
#   deps.sh         installs what is missing if that takes no password, and says how otherwise
#   deps.sh check   exits 0 if everything is there
set -u

complete() {
    command -v c++ >/dev/null 2>&1 || return 1
    [ "$(uname)" = Linux ] || return 0
    command -v pkg-config >/dev/null 2>&1 && pkg-config --exists gtk+-3.0 webkit2gtk-4.1
}

if [ "${1:-}" = check ]; then
    complete
    exit
fi
complete && exit 0

packages="g++ pkg-config libgtk-3-dev libwebkit2gtk-4.1-dev"
if ! command -v apt-get >/dev/null 2>&1; then
    echo "The chat will open in the browser. For a window of its own, install a C++ compiler, pkg-config, and GTK 3 and
WebKitGTK 4.1 with their headers, then run make again:
    Fedora      sudo dnf install gcc-c++ pkgconf gtk3-devel webkit2gtk4.1-devel
    Arch        sudo pacman -S --needed base-devel gtk3 webkit2gtk-4.1
    openSUSE    sudo zypper install gcc-c++ pkg-config gtk3-devel webkit2gtk3-devel"
    exit 0
fi
if [ "$(id -u)" = 0 ]; then
    sudo=
elif sudo -n true 2>/dev/null; then
    sudo="sudo -n"
else
    echo "The chat will open in the browser. For a window of its own, run this and then make again:
    sudo apt-get install $packages"
    exit 0
fi
install() {
    # shellcheck disable=SC2086 # Both are lists of words.
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq "$@" </dev/null
}
echo "Installing what the window is built from: $packages"
# shellcheck disable=SC2086
log=$(mktemp)
if ! { install update && install install -y --no-install-recommends $packages; } >"$log" 2>&1; then
    tail -n 5 "$log"
    echo "That did not work. The chat will open in the browser; for a window of its own, install the packages above."
fi
rm -f "$log"
