#!/bin/bash -eu
# Run inside of the base image: builds every target with the sanitizer that is asked for, and puts it into $OUT with its
# seeds, its dictionary and its options. With FEATURES= (empty) the targets that run the host, and wasmtime with them,
# are left out. Tried step by step without the image, but for a whole build under the sanitizer and with the host.
cd "$SRC/vbspec"

# The image pins an older nightly than these crates need.
export RUSTUP_TOOLCHAIN=nightly
rustup toolchain install nightly --profile minimal --component rust-src

# For the host, without the fuzzer's flags.
env -u RUSTFLAGS -u CFLAGS -u CXXFLAGS CARGO_TARGET_DIR="$WORK/host" \
    cargo run --locked --example seeds -- "$WORK/seeds"

cd fuzz
features=${FEATURES-bridge}
RUSTC_WRAPPER=$SRC/vbspec/fuzz/rustc cargo fuzz build --release --debug-assertions --sanitizer "${SANITIZER:-address}" --target-dir "$WORK/target" \
    --features "$features"
release=$WORK/target/x86_64-unknown-linux-gnu/release

for file in fuzz_targets/*.rs; do
    target=$(basename "$file" .rs)
    if [ -z "$features" ] && [ ! -e "$release/$target" ]; then
        continue
    fi
    cp "$release/$target" "$OUT/"
    (cd "$WORK/seeds/$target" && zip -q -r "$OUT/${target}_seed_corpus.zip" .)
    dictionary=dictionaries/$target.dict
    # As in .ci/fuzz.
    max_len=16384
    case $target in frames_*) dictionary=dictionaries/frames.dict ;; esac
    case $target in frames_client) max_len=512 ;; esac
    {
        echo '[libfuzzer]'
        echo "max_len = $max_len"
        echo 'timeout = 20'
        if [ -e "$dictionary" ]; then
            cp "$dictionary" "$OUT/$target.dict"
            echo "dict = $target.dict"
        fi
    } >"$OUT/$target.options"
done
