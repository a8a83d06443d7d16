# tree.sh: what ./demo and ./check share: install the packages that are missing, build the tree.
# Read by `. t/lib/tree.sh` from the top of the tree.
# shellcheck shell=sh

say() {
    printf '== %s\n' "$*"
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

processors() {
    getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1
}

packages_missing() {
    sed 's/#.*//; /^ *$/d' "$@" | while read -r package; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=none
        [ "$status" = installed ] || echo "$package"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "installing packages takes root, and sudo is not there: as root, run apt-get install $missing"
    fi
}

# RUNLEVEL=1 keeps what is installed from starting its services; --no-remove keeps what is there.
apt_install() {
    as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-remove \
        --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" >build/apt.log 2>&1
}

# packages_install FILE…: afterwards `missing` names those that can't be had.
packages_install() {
    missing=$(packages_missing "$@" | tr '\n' ' ')
    if [ -z "$missing" ]; then
        say "packages: all there"
        return
    fi
    say "packages: installing $missing"
    mkdir -p build
    # shellcheck disable=SC2086 # a list of names
    if apt_install $missing; then
        missing=
        return
    fi
    say "packages: updating apt's lists, trying again"
    as_root apt-get update -qq >build/apt.log 2>&1 || say "packages: apt-get update failed, see build/apt.log"
    # shellcheck disable=SC2086
    if ! apt_install $missing; then
        for package in $missing; do
            apt_install "$package" || say "packages: can't install $package: $(tail -n 1 build/apt.log)"
        done
    fi
    missing=$(packages_missing "$@" | tr '\n' ' ')
}

# build_packages_install FILE…: those of the build, which must be had, and those in FILE.
build_packages_install() {
    packages_install "$@"
    [ -z "$missing" ] && return
    lacking=$(packages_missing build-packages | tr '\n' ' ')
    [ -z "$lacking" ] || die "can't build without $lacking(see build/apt.log)"
}

# tree_build FOLDER COMPILER CONFIGURE-OPTIONS TARGET…: out of tree, quiet, only what changed.
tree_build() {
    folder=$1 compiler=$2 options=$3
    shift 3
    [ -x configure ] || { say "bootstrap" && ./bootstrap >/dev/null 2>&1; } ||
        die "./bootstrap failed: run it by hand to see why"
    mkdir -p "$folder"
    # the unit tests' library may have come since, or not be there at all
    wanted="$compiler $options cmocka=$(pkg-config --modversion cmocka 2>/dev/null || echo none)"
    if [ "$(cat "$folder/configured-with" 2>/dev/null)" != "$wanted" ]; then
        say "configure $folder: $compiler $options"
        case $(cat "$folder/configured-with" 2>/dev/null) in
        "$compiler $options cmocka="*) ;;
        *) [ ! -f "$folder/Makefile" ] || make -s -C "$folder" clean >/dev/null ;;
        esac
        # shellcheck disable=SC2086 # a list of options
        (cd "$folder" && CC=$compiler "$OLDPWD/configure" -q $options >configure.log 2>&1) ||
            die "configure failed: $(tail -n 1 "$folder/configure.log") (see $folder/configure.log)"
        echo "$wanted" >"$folder/configured-with"
    fi
    say "build $folder"
    for target; do
        make -s -j"$(processors)" -C "$folder" "$target" || die "the build in $folder failed"
    done
}
