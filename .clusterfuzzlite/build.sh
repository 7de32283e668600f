#!/bin/bash -eu
# Run inside of the base image: builds every target with the sanitizer that is asked for, and puts it into $OUT with its
# seeds, its dictionary and its options.
#
# Written after the image's documentation. Nobody has run it yet: it wants Docker.
cd "$SRC/vbspec"

# The image pins an older nightly than these crates need.
export RUSTUP_TOOLCHAIN=nightly
rustup toolchain install nightly --profile minimal --component rust-src

# For the host, without the fuzzer's flags.
env -u RUSTFLAGS -u CFLAGS -u CXXFLAGS cargo run --locked --example seeds -- "$WORK/seeds"

cd fuzz
cargo fuzz build --release --debug-assertions --sanitizer "${SANITIZER:-address}"
release=target/x86_64-unknown-linux-gnu/release

for file in fuzz_targets/*.rs; do
    target=$(basename "$file" .rs)
    cp "$release/$target" "$OUT/"
    (cd "$WORK/seeds/$target" && zip -q -r "$OUT/${target}_seed_corpus.zip" .)
    dictionary=dictionaries/$target.dict
    case $target in frames_*) dictionary=dictionaries/frames.dict ;; esac
    {
        echo '[libfuzzer]'
        echo 'max_len = 16384'
        echo 'timeout = 20'
        if [ -e "$dictionary" ]; then
            cp "$dictionary" "$OUT/$target.dict"
            echo "dict = $target.dict"
        fi
    } >"$OUT/$target.options"
done
