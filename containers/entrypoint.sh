#!/bin/sh
# `snakemake ...` runs the workflow; anything else is a command of bevatron's.
if [ "$1" = snakemake ]; then
  exec "$@"
fi
exec bevatron "$@"
