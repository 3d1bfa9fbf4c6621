#!/bin/sh
# Makes the secrets that compose.stack.yaml names, where they are missing: those that are there stay.
#
#   scripts/container/make-secrets.sh [FOLDER]
#
# Run it as root, or as the user 1000, who owns the data key in the image (TIMBRE_IMAGE_USER names another).
set -eu
umask 077

folder=${1:-"$(dirname "$0")/secrets"}
owner=${TIMBRE_IMAGE_USER:-1000}
own=$(id -u)
if [ "$own" != 0 ] && [ "$own" != "$owner" ]; then
  echo "the data key has to belong to the user $owner: run this as root, sudo $0" >&2
  exit 1
fi

# Whole or not at all: 32 random bytes in base64.
make() {
  if [ -e "$folder/$1" ]; then return; fi
  head -c 32 /dev/urandom | base64 >"$folder/.$1.new"
  chmod "$2" "$folder/.$1.new"
  if [ "$own" = 0 ]; then chown "$owner" "$folder/.$1.new"; fi
  mv "$folder/.$1.new" "$folder/$1"
  echo "made $folder/$1"
}

mkdir -p "$folder"
chmod 700 "$folder"
if [ "$own" = 0 ]; then chown "$owner" "$folder"; fi
# Read by the users of two images: the folder keeps everybody else out.
make database-password 444
# The nodes refuse a key that others may read.
make data-key 400
