# shellcheck shell=bash disable=SC2154 # root comes from ./run
# The Debian packages of another architecture, unpacked into a folder that a
# cross compiler takes as its root. Nothing of this machine's own package state
# is touched.

# foreign_apt ARCHITECTURE FOLDER ARGUMENT...: apt-get with its state in FOLDER.
foreign_apt() {
  local architecture=$1 folder=$2
  shift 2
  apt-get -q -o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture" \
    -o "Dir::State=$folder/state" -o "Dir::State::status=$folder/status" \
    -o "Dir::Cache=$folder/cache" -o APT::Install-Recommends=false \
    -o APT::Sandbox::User=root -o Debug::NoLocking=true "$@"
}

# relative_links FOLDER: links to absolute paths then point inside FOLDER.
relative_links() {
  local link
  find "$1" -type l -lname '/*' -print0 | while IFS= read -r -d '' link; do
    ln -sfnr "$1$(readlink "$link")" "$link"
  done
}

# make_sysroot ARCHITECTURE FOLDER PACKAGE...: FOLDER/root holds the packages
# and all that they need. Made once for a list of packages.
make_sysroot() {
  local architecture=$1 folder=$2 package
  shift 2
  if [[ -f $folder/complete && $(<"$folder/complete") == "$*" ]]; then return 0; fi
  rm -rf -- "$folder"
  mkdir -p "$folder"/{root/usr/bin,state/lists/partial,cache/archives/partial}
  : >"$folder/status"
  foreign_apt "$architecture" "$folder" update
  foreign_apt "$architecture" "$folder" install -y --download-only "$@"
  for package in "$folder"/cache/archives/*.deb; do
    dpkg-deb -x "$package" "$folder/root"
  done
  relative_links "$folder/root"
  # Code generators run on this machine: its own ones stand in for theirs.
  for package in /usr/bin/protoc /usr/bin/grpc_*_plugin; do
    ln -sfn "$package" "$folder/root/usr/bin/"
  done
  rm -rf -- "$folder/cache" "$folder/state"
  printf '%s\n' "$*" >"$folder/complete"
}

# make_arm64_sysroot: what the preset arm64 compiles against, and what its
# programs run with under qemu-user.
make_arm64_sysroot() {
  local packages
  mapfile -t packages < <(packages_for build test | grep -E -- '-dev$')
  step "arm64 packages" make_sysroot arm64 "$root/build/sysroot-arm64" \
    libc6-dev libstdc++-12-dev "${packages[@]}"
}
