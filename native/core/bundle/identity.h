#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "bundle/manifest.h"
#include "features/front_end.h"

namespace timbre::bundle {

/// Which pauses a recording is embedded with.
enum class Pauses {
  cut,  ///< as the bundle's rule has it
  keep  ///< all of them: the published network's own vector
};

/// The way a bundle is embedded with where nobody asks for another: by its rule, if it has one.
Pauses usual_pauses(const Manifest& manifest);

/// What tells the embeddings of one bundle and one way with pauses from others, as 32 hexadecimal digits. Embeddings of
/// two identities must not be compared.
const std::string& identity(const Manifest& manifest, Pauses pauses);

/// What decides whether embeddings may be compared: XXH3-128 as 32 hexadecimal digits over everything in a manifest
/// that moves a vector, and nothing else:
///
/// - the digest of the weights,
/// - `network`, the constants of the network (padding, dilations, floors, norms, ...),
/// - every parameter of the front end and the sample rate,
/// - `pauses`, the rule by which pauses are cut before anything is embedded, where a bundle has one and they are not
///   kept. Whatever lies in that object counts, so that a new field of the rule needs nothing here.
///
/// Not: id, version, licence, cohort, calibration, thresholds, card. Whether a file is trusted is another question,
/// which only the sha256 of the whole file answers.
///
/// `weights_digest` and `front_end` are those of `manifest`.
std::string identity_of(const nlohmann::json& manifest, const std::string& weights_digest,
                        const FrontEndConfig& front_end, Pauses pauses);

/// The same of a segmentation network: the digest of its weights, `network`, its sample rate and its window.
std::string segmentation_identity_of(const nlohmann::json& manifest, const std::string& weights_digest);

}  // namespace timbre::bundle
