#!/usr/bin/env bash
# Mutational signatures by the command alone: the script of signatures.md. In a clone of the repository:
#
#     docs/gallery/signatures.sh [FOLDER FOR THE PICTURES]
#
# It writes its results into the folder `signatures`.
set -euo pipefail

orthant signatures docs/gallery/catalogue.tsv -k 1..8 -n 20 -o signatures

orthant signatures docs/gallery/catalogue.tsv -k 1..8 -n 20 -o signatures \
    --known docs/gallery/planted.tsv --quiet
cut -f 1-3 signatures/k04/similarity.tsv

head -n 4 signatures/k04/activities.tsv

awk 'NR > 1 && $3 < 0.9 { exit 1 } END { if (NR != 5) exit 1 }' signatures/k04/similarity.tsv

# The pictures, which the command has made.
out=${1:-.}
cp signatures/figures/ranks.svg "$out/signatures-ranks.svg"
cp signatures/figures/features.svg "$out/signatures-features.svg"
echo "drawn: $out/signatures-ranks.svg $out/signatures-features.svg"
