#!/usr/bin/env bash
# Prints what has become of a job: running, success or failed. A scheduler that cannot be asked has not lost the job.
set -uo pipefail
job=$1
case "${REDOSE_SCHEDULER:-slurm}" in
slurm)
    state=$(scontrol --oneliner show job "$job" 2> /dev/null | sed -n 's/.* JobState=\([A-Z_]*\).*/\1/p')
    case "$state" in
    COMPLETED) echo success ;;
    PENDING | CONFIGURING | RUNNING | COMPLETING | SUSPENDED | REQUEUED | RESIZING | STOPPED) echo running ;;
    "") if squeue -h > /dev/null 2>&1; then echo failed; else echo running; fi ;; # forgotten, or nobody answers
    *) echo failed ;;
    esac
    ;;
sge)
    if qstat -j "$job" > /dev/null 2>&1; then
        state=$(qstat 2> /dev/null | awk -v job="$job" '$1 == job { print $5 }')
        if [[ "$state" == *E* ]]; then echo failed; else echo running; fi
    elif ! qstat > /dev/null 2>&1; then
        echo running
    else # the accounting file may lag behind
        for _ in 1 2 3 4 5; do
            code=$(qacct -j "$job" 2> /dev/null | awk '$1 == "exit_status" { code = $2 } $1 == "failed" && $2 { code = 1 } END { print code }')
            [ -z "$code" ] || break
            sleep 2
        done
        if [ "${code:-1}" = 0 ]; then echo success; else echo failed; fi
    fi
    ;;
pbs)
    found=$(qstat -x -f "$job" 2> /dev/null) || { if qstat > /dev/null 2>&1; then echo failed; else echo running; fi; exit; }
    state=$(sed -n 's/^ *job_state = //p' <<< "$found") code=$(sed -n 's/^ *Exit_status = //p' <<< "$found")
    case "$state" in
    F | C) if [ "${code:-1}" = 0 ]; then echo success; else echo failed; fi ;;
    *) echo running ;;
    esac
    ;;
esac
