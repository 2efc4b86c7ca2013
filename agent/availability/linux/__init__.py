"""Linux: logind and screen savers over D-Bus; /sys, /proc, inotify and V4L2 for the rest."""
