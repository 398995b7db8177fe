#!/usr/bin/env bash
# usage: exports_only_its_table.sh PLUGIN.so: rule L1, a plugin exports imgsrv_plugin_v1, as data, and nothing else
exported=$(nm -D --defined-only -- "$1" | awk '{print $2, $3}')
[[ $exported == "D imgsrv_plugin_v1" ]] && exit 0
printf '%s exports:\n%s\n' "$1" "$exported"
exit 1
