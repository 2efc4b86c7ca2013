#!/bin/sh
# The shared libraries that the locked wheels load but do not carry, and venv. On Debian and its relatives they are
# installed when this runs as root; otherwise what is missing is named and nothing is changed.
#
#   prepare.sh          what the product needs
#   prepare.sh --tests  also what the tests use to build a network and a desktop of their own; without it they skip,
#                       and say so
set -eu
[ "$(uname -s)" = Linux ] || exit 0

missing=""
have_library() { ldconfig -p 2>/dev/null | grep -q "$1" || /sbin/ldconfig -p 2>/dev/null | grep -q "$1"; }
have_library libGL.so.1 || missing="$missing libgl1"             # cv2
have_library libglib-2.0.so.0 || missing="$missing libglib2.0-0" # cv2
have_library libEGL.so.1 || missing="$missing libegl1"           # mediapipe
have_library libGLESv2.so.2 || missing="$missing libgles2"       # mediapipe

python=$("$(dirname "$0")/find-python.sh")
if [ -z "$python" ]; then
  missing="$missing python3 python3-venv"
elif ! "$python" -c 'import ensurepip' 2>/dev/null; then
  missing="$missing python3-venv"
fi

if [ "${1:-}" = --tests ] && [ "$(id -u)" = 0 ]; then
  command -v ip >/dev/null || missing="$missing iproute2"
  command -v unshare >/dev/null || missing="$missing util-linux"
  command -v chromium >/dev/null || missing="$missing chromium" # the panel, as a browser sees it
  # A desktop for the tray: bus, screen, bar, notifications.
  command -v dbus-daemon >/dev/null || missing="$missing dbus-daemon"
  command -v Xvfb >/dev/null || missing="$missing xvfb"
  command -v xfce4-panel >/dev/null || missing="$missing xfce4-panel"
  command -v dunst >/dev/null || missing="$missing dunst"
  ls /usr/lib/*/gdk-pixbuf-2.0/*/loaders/*svg.so >/dev/null 2>&1 || missing="$missing librsvg2-common"
fi

[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing Debian packages:$missing"
  apt-get update -qq
  # shellcheck disable=SC2086  # a list of words on purpose
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
else
  echo "This machine lacks:$missing. Install them (on Debian: sudo apt-get install$missing) and run this again." >&2
  exit 1
fi
