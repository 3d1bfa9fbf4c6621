#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "features/front_end.h"
#include "speech/pauses.h"
#include "support/result.h"

namespace timbre::bundle {

/// What a bundle's network is for.
enum class Kind {
  embedding,    ///< one voice to a vector
  segmentation  ///< a window with several voices to who of them talks when
};

/// What a bundle says about itself. `json` is the whole manifest, with what only people and scripts
/// read.
struct Manifest {
  std::string id;  ///< letters, digits, '.', '_', '-': it names files
  std::string version;
  /// "speechbrain" | "wespeaker" | "3dspeaker" | "taoruijie" | "campplus" | "timbre" | "segmentation"
  std::string family;
  Kind kind = Kind::embedding;
  bool trained = false;  ///< false: formula or random weights, whose scores mean nothing
  std::size_t embedding_dim = 0;
  std::size_t shortest_frames = 0;
  double longest_seconds = 0;        ///< 0: no limit of the model's own
  std::string precision;             ///< "fp32", or "int8" of the large layers
  std::string weights_digest;        ///< XXH3-128 of the tensors, see bundle/digest.h
  FrontEndConfig front_end;          ///< of a segmentation network only the sample rate
  std::size_t window_samples = 0;    ///< that a segmentation network takes
  std::optional<PauseRule> pauses;   ///< none: recordings are embedded with all their pauses
  std::string identity;              ///< of all that moves a vector, see bundle/identity.h
  std::string identity_with_pauses;  ///< the same of embeddings made with all pauses; `identity` without a rule
  std::string json;                  ///< with `identity`, whether or not the file has it
};

/// Errors: MODEL_INVALID, naming the field that is missing or wrong. Keys it does not know are allowed.
Result<Manifest> parse_manifest(const std::string& json);

/// Whether a bundle is of the kind that is wanted. Errors: MODEL_INVALID, saying what the bundle is for instead.
Status expect_kind(const Manifest& manifest, Kind wanted);

/// The manifest of a bundle's file, without its weights; everything in the file but the tensors is compared with its
/// checksum. Errors: MODEL_NOT_FOUND, MODEL_INVALID.
Result<Manifest> read_manifest(const std::string& path);

}  // namespace timbre::bundle
