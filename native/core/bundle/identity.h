#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "features/front_end.h"

namespace timbre::bundle {

/// What decides whether embeddings may be compared: XXH3-128 as 32 hexadecimal digits over everything in a manifest
/// that moves a vector, and nothing else:
///
/// - the digest of the weights,
/// - `network`, the constants of the network (padding, dilations, floors, norms, ...),
/// - every parameter of the front end and the sample rate,
/// - `pauses`, the rule by which pauses are cut before anything is embedded, where a bundle has one. Whatever lies in
///   that object counts, so that a new field of the rule needs nothing here; a rule that changes no recording ("keep")
///   is no object in the manifest.
///
/// Not: id, version, licence, cohort, calibration, thresholds, card. Whether a file is trusted is another question,
/// which only the sha256 of the whole file answers.
///
/// `weights_digest` and `front_end` are those of `manifest`.
std::string identity_of(const nlohmann::json& manifest, const std::string& weights_digest,
                        const FrontEndConfig& front_end);

}  // namespace timbre::bundle
