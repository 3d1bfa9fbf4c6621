#include "bundle/facts.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "support/text.h"

namespace timbre::bundle {

namespace {

/// What the converter writes, and nobody else may.
constexpr std::array<std::string_view, 14> kOfTheTensors = {
    "format", "kind",     "family",  "variant",       "precision", "storage",      "embedding",
    "input",  "frontEnd", "network", "weightsDigest", "identity",  "verification", "pauses"};

}  // namespace

Result<std::string> merge_facts(const std::string& manifest, const std::string& facts) {
  using nlohmann::ordered_json;
  auto merged = ordered_json::parse(manifest, nullptr, /*allow_exceptions=*/false);
  if (!merged.is_object()) {
    return Error{ErrorCode::MODEL_INVALID, "the bundle's manifest is no JSON object"};
  }
  if (!facts.empty()) {
    const auto patch = ordered_json::parse(facts, nullptr, /*allow_exceptions=*/false);
    if (!patch.is_object()) {
      return Error{ErrorCode::INVALID_ARGUMENT, "the facts for the manifest are no JSON object"};
    }
    for (const std::string_view key : kOfTheTensors) {
      if (patch.contains(key)) {
        return Error{ErrorCode::INVALID_ARGUMENT,
                     quote(key) + " follows from the tensors and cannot be set by facts: leave it out"};
      }
    }
    merged.merge_patch(patch);
  }
  // What the facts change may be part of it, and the manifest that is read again computes it anew.
  merged.erase("identity");
  return merged.dump(1);
}

}  // namespace timbre::bundle
