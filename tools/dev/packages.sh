# shellcheck shell=bash disable=SC2154 # root comes from ./run
# Installs what is missing of packages.txt (columns: package, uses).

# packages_for USE...: the packages with one of these uses, one a line.
packages_for() {
  awk -v wanted=" $* " '
    /^[^#]/ && NF > 1 {
      for (i = 2; i <= NF; ++i)
        if (index(wanted, " " $i " ")) { print $1; break }
    }' "$root/packages.txt"
}

# missing_of PACKAGE...: those that are not installed.
missing_of() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      printf '%s\n' "$package"
  done
}

# as_root COMMAND...: runs it, with sudo where that is needed.
as_root() {
  if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 update &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 \
      install -y --no-install-recommends "$@"
}

# ensure_packages USE...: after it every package with one of these uses is
# installed, or ./run has ended and said what to do.
ensure_packages() {
  local wanted missing
  mapfile -t wanted < <(packages_for "$@")
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    [[ -n ${FEDGAP_SKIP_PACKAGES:-} ]] && return
    die "this is no Debian system. Install what corresponds to: ${wanted[*]}
then set FEDGAP_SKIP_PACKAGES=1 and run again"
  fi
  mapfile -t missing < <(missing_of "${wanted[@]}")
  ((${#missing[@]} > 0)) || return 0
  if ((EUID != 0)) && ! command -v sudo >/dev/null; then
    die "packages are missing and there is no sudo. As root, run:
  apt-get install --no-install-recommends ${missing[*]}"
  fi
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  step "install packages" apt_install "${missing[@]}"
}
