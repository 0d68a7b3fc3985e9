#!/bin/sh
# run-activated.sh KIND PREFIX COMMAND [ARGUMENT…]
# Runs a command as if the environment had been activated in a shell, then gets out of the way: the command takes over
# this process, so signals (interrupt, stop) reach it. Takes about 5 ms; KIND is `conda` or `venv`.
remuda_kind=$1 remuda_prefix=$2
shift 2
unset PYTHONHOME VIRTUAL_ENV CONDA_PREFIX CONDA_DEFAULT_ENV
PATH="$remuda_prefix/bin:$PATH"
export PATH
if [ "$remuda_kind" = conda ]; then
    export CONDA_PREFIX="$remuda_prefix" CONDA_DEFAULT_ENV="${remuda_prefix##*/}" CONDA_SHLVL=1
    # As `conda activate` does: the scripts of packages, in order of name. One that fails does not stop the others.
    for remuda_script in "$remuda_prefix"/etc/conda/activate.d/*.sh; do
        if [ -r "$remuda_script" ]; then . "$remuda_script" </dev/null; fi
    done
else
    export VIRTUAL_ENV="$remuda_prefix"
fi
unset remuda_kind remuda_prefix remuda_script
exec "$@"
