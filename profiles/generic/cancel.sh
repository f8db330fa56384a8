#!/usr/bin/env bash
# Takes jobs back: cancel ID...
set -euo pipefail
case "${REDOSE_SCHEDULER:-slurm}" in
slurm) exec scancel "$@" ;;
*) exec qdel "$@" ;;
esac
